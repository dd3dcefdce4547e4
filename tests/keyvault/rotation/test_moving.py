"""Moving from one KEK provider to another is a rewrap too."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import hvac
import pytest
from pytest_django import Settings

from keyvault import rotation, vault
from keyvault.audit import Actor
from keyvault.errors import KekUnavailableError, KeyringError, UnknownKekError
from keyvault.models import Credential, WrappedDek
from keyvault.vault import ciphers, custody
from tests.keyvault import factories
from tests.keyvault.factories import BACKEND
from tests.keyvault.kek.servers import free_port, kms, openbao

pytestmark = pytest.mark.django_db
OPERATOR = Actor("command", "keyvault")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Any]]:
    with openbao() as bao, kms() as amazon:
        yield {"vault-transit": asdict(bao), "aws-kms": asdict(amazon)}


@pytest.fixture
def use(settings: Settings, servers: dict[str, Any]) -> Callable[[str], None]:
    def use(provider: str) -> None:
        settings.KEYVAULT_KEK = {"provider": provider, **servers}

    return use


def _opens(credential: Credential) -> vault.Secret:
    ciphers.forget_ciphers()
    row = vault.openable_credentials(keychain_id=credential.keychain_id).get(pk=credential.pk)
    return vault.open_credential(credential=row, actor=BACKEND)


def test_deks_move_from_provider_to_provider_and_back(use: Callable[[str], None]) -> None:
    use("local")
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    for provider in ("vault-transit", "aws-kms", "vault-transit", "local"):
        use(provider)
        result = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
        assert (result.done, result.failures) == (1, [])
        assert WrappedDek.objects.get().kek_id.startswith(f"{provider}:")
        assert _opens(credential) == secret
        rotation.rotate_kek(actor=OPERATOR)
        assert rotation.rewrap(actor=OPERATOR, progress=lambda *_: None).done == 1
        assert _opens(credential) == secret
        assert rotation.read_status().unknown_keks == []


def test_a_keychain_made_under_a_remote_kek_seals_and_opens(use: Callable[[str], None]) -> None:
    use("vault-transit")
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    assert _opens(credential) == secret


def test_an_unwrapped_dek_outlives_a_short_outage(
    use: Callable[[str], None], settings: Settings, servers: dict[str, Any]
) -> None:
    use("vault-transit")
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    assert _opens(credential) == secret
    away = {**servers["vault-transit"], "address": f"http://127.0.0.1:{free_port()}"}
    settings.KEYVAULT_KEK = {"provider": "vault-transit", "vault-transit": away}
    row = vault.openable_credentials(keychain_id=credential.keychain_id).get(pk=credential.pk)
    assert vault.open_credential(credential=row, actor=BACKEND) == secret
    with pytest.raises(KekUnavailableError):
        _opens(credential)
    with pytest.raises(KekUnavailableError):
        factories.keychain()


def test_a_server_that_is_sealed_in_a_rewrap_keeps_what_is_done_and_harms_no_row(
    settings: Settings,
) -> None:
    with openbao() as bao:
        settings.KEYVAULT_KEK = {"provider": "vault-transit", "vault-transit": asdict(bao)}
        for _ in range(5):
            factories.keychain()
        before = dict(WrappedDek.objects.values_list("pk", "wrapped"))
        fresh = rotation.rotate_kek(actor=OPERATOR)

        def seal(_done: int, _total: int) -> None:
            client = hvac.Client(url=bao.address, token=bao.token.get_secret_value())
            client.sys.seal()
            client.adapter.close()

        with pytest.raises(KekUnavailableError, match="sealed"):
            rotation.rewrap(actor=OPERATOR, progress=seal, portion=2)
    moved = set(WrappedDek.objects.filter(kek_id=fresh.id).values_list("pk", flat=True))
    assert len(moved) == 2
    for dek in WrappedDek.objects.exclude(pk__in=moved):
        assert bytes(dek.wrapped) == bytes(before[dek.pk])


def test_a_provider_without_settings_opens_and_wraps_nothing(
    use: Callable[[str], None], settings: Settings
) -> None:
    use("vault-transit")
    credential = factories.credential()
    settings.KEYVAULT_KEK = {"provider": "local"}
    with pytest.raises(UnknownKekError, match="not configured here"):
        _opens(credential)
    settings.KEYVAULT_KEK = {"provider": "vault-transit"}
    with pytest.raises(KeyringError, match="has no settings"):
        custody.active_provider()
