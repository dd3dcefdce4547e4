import pytest

from keyvault import vault
from keyvault.models import Keychain
from tests.keyvault.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_first_needs_the_systems_keychain_at_the_same_moment_gets_the_same() -> None:
    found = at_once([vault.system_keychain] * 8)
    assert {keychain.pk for keychain in found} == {Keychain.objects.get(kind="system").pk}
    assert vault.system_keychain() == found[0]
