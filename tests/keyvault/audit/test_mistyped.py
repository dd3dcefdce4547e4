"""What the database lets an intruder put into a checkpoint is named, not stumbled over."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action
from keyvault.audit.sealer import seal_new_entries
from keyvault.audit.verification import verify
from tests.keyvault.triggers import untriggered

pytestmark = pytest.mark.django_db
COLUMNS = ["previous", "first_entry", "last_entry", "count", "root", "leaves", "at", "signature"]


def _altered(sql: str) -> bool:
    """Whether the database took it; PostgreSQL keeps to its types."""
    try:
        with untriggered(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError:
        return False
    return True


def _seal(times: int) -> None:
    for _ in range(times):
        audit.record(action=Action.DRAFT_OPENED, actor=audit.SYSTEM)
        seal_new_entries(timezone.now())


@pytest.mark.parametrize("column", COLUMNS)
def test_another_type_in_a_checkpoint_is_named(column: str) -> None:
    _seal(3)
    if _altered(f"UPDATE keyvault_auditcheckpoint SET {column} = 'x' WHERE id = 2"):  # noqa: S608  # ours
        problem = verify(anchor=None).problems[0]
        assert (problem.kind, problem.checkpoint_id) == ("checkpoint", 2)


def test_bytes_that_are_no_text_are_named() -> None:
    _seal(2)
    text = {"sqlite": "CAST(x'ff' AS TEXT)", "postgresql": "E'\\xff'"}[connection.vendor]
    if _altered(f"UPDATE keyvault_auditcheckpoint SET ranges = {text} WHERE id = 1"):  # noqa: S608  # ours
        assert verify(anchor=None).problems[0].checkpoint_id == 1


@pytest.mark.parametrize("at", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
def test_a_time_that_no_clock_shows_is_named(at: str) -> None:
    _seal(2)
    if connection.vendor == "postgresql":
        assert _altered(f"UPDATE keyvault_auditcheckpoint SET at = '{at}' WHERE id = 2")  # noqa: S608  # ours
        assert verify(anchor=None).problems[0].checkpoint_id == 2


def test_a_text_among_what_waits_is_told() -> None:
    _seal(1)
    if _altered("INSERT INTO keyvault_auditpending (entry_id) VALUES ('x')"):
        assert verify(anchor=None).problems[0].kind == "inserted"
