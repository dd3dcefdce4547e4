"""Rows of data keys whose ids an intruder has altered, which SQLite allows, stop no other row."""

import pytest

from keyvault import rotation
from keyvault.audit import Actor
from keyvault.models import WrappedDek
from tests.keyvault import factories
from tests.keyvault.altering import alter

pytestmark = pytest.mark.django_db
OPERATOR = Actor("command", "keyvault")
IDS = {
    "text": "'no id'",
    "long": "printf('%.*c', 5000, 'f')",
    "nul": "CAST(x'00' AS TEXT)",
    "no-text": "CAST(x'ff' AS TEXT)",
    "number": "7",
    "bytes": "x'ff00'",
    "bar": "'a|b'",
    "empty": "''",
}


@pytest.mark.parametrize("value", IDS.values(), ids=IDS)
def test_a_row_of_no_keychain_is_named_and_the_rest_moved(value: str) -> None:
    first, *_ = [factories.keychain() for _ in range(3)]
    fresh = rotation.rotate_kek(actor=OPERATOR)
    if not alter(WrappedDek, "keychain_id", value, key=first.pk):
        return
    result = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
    assert result.done == 2
    assert [(bad.code, "of keyvault_wrappeddek" in bad.message) for bad in result.failures] == [
        ("tampered-secret", True)
    ]
    assert len(result.failures[0].keychain_id) <= 40
    assert WrappedDek.objects.filter(kek_id=fresh.id).count() == 2
    WrappedDek.objects.exclude(kek_id=fresh.id).delete()


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "7"])
def test_a_row_of_no_kek_is_named_and_the_rest_moved(value: str) -> None:
    first, *_ = [factories.keychain() for _ in range(3)]
    rotation.rotate_kek(actor=OPERATOR)
    if alter(WrappedDek, "kek_id", value, key=first.pk):
        result = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
        assert (result.done, [bad.code for bad in result.failures]) == (2, ["unknown-kek"])
