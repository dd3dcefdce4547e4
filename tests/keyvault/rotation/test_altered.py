"""Rows of data keys whose ids an intruder has altered, which SQLite allows, stop no other row."""

import pytest
from django.db import DatabaseError, connection, transaction

from keyvault import rotation
from keyvault.audit import Actor
from keyvault.models import WrappedDek
from tests.keyvault import factories

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


def _alter(column: str, value: str) -> bool:
    """Alters the first row; False where the database keeps to its types, as PostgreSQL does."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE keyvault_wrappeddek SET {column} = {value}"  # noqa: S608  # constants
                " WHERE keychain_id = (SELECT min(keychain_id) FROM keyvault_wrappeddek)"
            )
    except DatabaseError:
        return False
    return True


@pytest.mark.parametrize("value", IDS.values(), ids=IDS)
def test_a_row_of_no_keychain_is_named_and_the_rest_moved(value: str) -> None:
    for _ in range(3):
        factories.keychain()
    fresh = rotation.rotate_kek(actor=OPERATOR)
    if not _alter("keychain_id", value):
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
    for _ in range(3):
        factories.keychain()
    rotation.rotate_kek(actor=OPERATOR)
    if _alter("kek_id", value):
        result = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
        assert (result.done, [bad.code for bad in result.failures]) == (2, ["unknown-kek"])
