"""Every way to change the record is found, and the first bad entry is named."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, checkpoints, tree
from keyvault.audit.findings import Report
from keyvault.audit.leaves import leaves_between
from keyvault.audit.sealer import file_sink, seal_new_entries
from keyvault.audit.verification import verify
from keyvault.models import AuditCheckpoint, AuditEntry, AuditPending
from tests.keyvault.triggers import untriggered

pytestmark = pytest.mark.django_db


@pytest.fixture
def unguarded() -> Iterator[None]:
    """An attacker who owns the database drops the triggers first, and puts them back after."""
    with untriggered():
        yield


def _record(times: int = 1, **facts: Any) -> list[int]:
    before = set(AuditEntry.objects.values_list("id", flat=True))
    for _ in range(times):
        audit.record(action=Action.DRAFT_OPENED, actor=audit.SYSTEM, facts=facts)
    return sorted(set(AuditEntry.objects.values_list("id", flat=True)) - before)


def _seal() -> int:
    return seal_new_entries(timezone.now())


def _verify() -> Report:
    return verify(anchor=file_sink().last())


def _first(report: Report) -> tuple[str, int | None]:
    problem = next(problem for problem in report.problems if problem.kind != "unguarded")
    return problem.kind, problem.entry_id


def test_a_fresh_record_is_intact() -> None:
    _record(3)
    assert _seal() == 3
    _record(2)
    assert _seal() == 2
    _record(1)
    report = _verify()
    assert report.is_intact
    assert (report.entries, report.checkpoints, report.unsealed) == (5, 2, 1)


def test_neighbours_that_are_sound_are_read_together() -> None:
    _record(3)
    _seal()
    with CaptureQueriesContext(connection) as one:
        assert _verify().is_intact
    for _ in range(2):
        _record(2)
        _seal()
    with CaptureQueriesContext(connection) as three:
        assert _verify().is_intact
    assert len(three) == len(one)


def test_small_checkpoints_are_read_together_and_the_bad_one_is_named() -> None:
    ids = []
    for _ in range(20):
        ids += _record(2)
        _seal()
    assert _verify().entries == 40
    with untriggered():
        AuditEntry.objects.filter(pk=ids[13]).update(action="draft.deleted")
    report = _verify()
    assert [each.entry_id for each in report.problems if each.entry_id] == [ids[13]]
    assert (report.entries, report.checkpoints) == (38, 20)


def test_nothing_is_sealed_twice() -> None:
    _record()
    _seal()
    assert _seal() == 0
    assert AuditCheckpoint.objects.count() == 1


def test_an_entry_that_commits_late_is_sealed_by_a_later_checkpoint() -> None:
    ids = _record(3)
    AuditPending.objects.filter(entry_id=ids[1]).delete()  # as if not visible yet
    _seal()
    AuditPending.objects.create(entry_id=ids[1])
    _record(1)
    _seal()
    ranges = list(AuditCheckpoint.objects.order_by("id").values_list("ranges", flat=True))
    assert ranges == [f"{ids[0]},{ids[2]}", f"{ids[1]},{ids[2] + 1}"]
    assert _verify().is_intact


EDITS: dict[str, Any] = {
    "action": "draft.deleted",
    "actor": "person:99",
    "subject": "credential:0",
    "facts": {"reason": "none"},
    "request_id": "another",
    "at": timezone.now(),
    "keychain_id": "7f4a60b2-8a0c-4f4e-9d33-5b0d5be0c1ab",
    "nonce": "7f4a60b2-8a0c-4f4e-9d33-5b0d5be0c1ab",
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_column_is_found(column: str, unguarded: None) -> None:
    ids = _record(5)
    _seal()
    AuditEntry.objects.filter(pk=ids[3]).update(**{column: EDITS[column]})
    assert _first(_verify()) == ("edited", ids[3])


def test_bytes_moved_to_the_next_column_are_found(unguarded: None) -> None:
    ids = _record(2)
    _seal()
    AuditEntry.objects.filter(pk=ids[0]).update(action="draft", actor="opened\nsystem:worker")
    assert _first(_verify()) == ("edited", ids[0])


@pytest.mark.parametrize("column", ["action", "actor", "nonce"])
def test_a_nul_hides_no_tail(column: str, unguarded: None) -> None:
    ids = _record(3)
    _seal()
    tail = {"sqlite": "char(0)", "postgresql": "chr(0)"}[connection.vendor]
    edit = (
        f"UPDATE keyvault_auditentry SET {column} = {column} || {tail} || 'lease.granted' "  # noqa: S608  # ours
        f"WHERE id = {ids[1]}"
    )
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(edit)
    else:
        with connection.cursor() as cursor:
            cursor.execute(edit)
        assert _first(_verify()) == ("edited", ids[1])


@pytest.mark.parametrize("which", [0, 2, 4])
def test_a_deleted_entry_is_found(which: int, unguarded: None) -> None:
    ids = _record(5)
    _seal()
    _record(2)
    _seal()
    AuditEntry.objects.filter(pk=ids[which]).delete()
    assert _first(_verify()) == ("deleted", ids[which])


def test_reordered_entries_are_found(unguarded: None) -> None:
    ids = [_record(1, number=number)[0] for number in range(4)]
    _seal()
    first, second = AuditEntry.objects.get(pk=ids[1]), AuditEntry.objects.get(pk=ids[2])
    for entry, pk in ((first, ids[2]), (second, ids[1])):
        columns = {"facts": entry.facts, "nonce": entry.nonce, "at": entry.at}
        AuditEntry.objects.filter(pk=pk).update(**columns)
    assert _first(_verify()) == ("edited", ids[1])


def test_an_inserted_entry_is_found() -> None:
    _record(3)
    _seal()
    strange = _record()[0]
    AuditPending.objects.filter(entry_id=strange).delete()
    assert _first(_verify()) == ("inserted", strange)


def test_an_entry_that_vanished_before_it_was_sealed_is_found(unguarded: None) -> None:
    _record()
    _seal()
    AuditPending.objects.create(entry_id=999_999)
    assert _first(_verify()) == ("deleted", 999_999)


def test_a_tail_cut_off_with_its_checkpoints_is_found(unguarded: None) -> None:
    _record(3)
    _seal()
    tail = _record(2)
    _seal()
    AuditEntry.objects.filter(pk__in=tail).delete()
    AuditCheckpoint.objects.order_by("id").last().delete()  # type: ignore[union-attr]
    report = _verify()
    assert report.problems[0].kind == "rolled-back"
    assert report.problems[0].checkpoint_id == 2


def test_a_database_that_went_on_after_a_roll_back_is_found(unguarded: None) -> None:
    _record(3)
    _seal()
    _record(2)
    _seal()
    anchor = file_sink().last()
    AuditEntry.objects.filter(pk__in=_tail(2)).delete()
    AuditCheckpoint.objects.order_by("id").last().delete()  # type: ignore[union-attr]
    for _ in range(3):
        _record()
        with pytest.raises(Exception, match="rolled back or altered"):
            _seal()
    assert file_sink().last() == anchor
    assert _verify().problems[0].kind == "rolled-back"


def _tail(count: int) -> list[int]:
    return list(AuditEntry.objects.order_by("-id").values_list("id", flat=True)[:count])


def _forged(checkpoint: AuditCheckpoint) -> dict[str, Any]:
    """An attacker without the signing key makes the checkpoint fit the edited entries."""
    entry = checkpoint.first_entry
    edited = leaves_between(first=entry, last=entry)[entry]
    forged = tree.leaf_hash(edited) + bytes(checkpoint.leaves)[tree.HASH_BYTES :]
    return {"leaves": forged, "root": tree.root_of(forged)}


def test_an_edit_with_a_recomputed_chain_is_found_by_its_signature(unguarded: None) -> None:
    for _ in range(3):
        _record(3)
        _seal()
    chain = list(AuditCheckpoint.objects.order_by("id"))
    AuditEntry.objects.filter(pk=chain[1].first_entry).update(actor="person:99")
    AuditCheckpoint.objects.filter(pk=2).update(**_forged(chain[1]))
    chain[1].refresh_from_db()
    AuditCheckpoint.objects.filter(pk=3).update(previous=checkpoints.digest_of(chain[1]))
    problem = _verify().problems[0]
    assert (problem.kind, problem.checkpoint_id) == ("checkpoint", 2)


CHECKPOINT_EDITS: list[Callable[[AuditCheckpoint], dict[str, Any]]] = [
    lambda row: {"count": row.count + 1},
    lambda row: {"ranges": row.ranges + ",77"},
    lambda _: {"ranges": "x"},
    lambda _: {"ranges": "1-99999999999999"},
    lambda _: {"at": timezone.now()},
    lambda _: {"key_id": "sign-0"},
    lambda _: {"signature": bytes(64)},
    lambda _: {"previous": bytes(range(32))},
    lambda _: {"root": bytes(32)},
    lambda row: {"leaves": bytes(len(row.leaves))},
    lambda _: {"leaves": b""},
    lambda row: {"first_entry": row.first_entry - 1},
]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("edit", CHECKPOINT_EDITS)
def test_an_altered_checkpoint_is_found(
    edit: Callable[[AuditCheckpoint], dict[str, Any]], number: int, unguarded: None
) -> None:
    for _ in range(3):
        _record(2)
        _seal()
    row = AuditCheckpoint.objects.get(pk=number)
    AuditCheckpoint.objects.filter(pk=number).update(**edit(row))
    assert _verify().problems[0].checkpoint_id == number


def test_a_missing_checkpoint_is_found(unguarded: None) -> None:
    for _ in range(3):
        _record(2)
        _seal()
    AuditCheckpoint.objects.filter(pk=2).delete()
    problem = _verify().problems[0]
    assert (problem.kind, problem.checkpoint_id) == ("checkpoint", 2)


def test_a_dropped_trigger_is_found(unguarded: None) -> None:
    _record()
    _seal()
    assert {problem.kind for problem in _verify().problems} == {"unguarded"}


_LIKE_ENTRY = "ON keyvault_auditentry"
DISARMED = {
    "sqlite": {
        "keyvault_auditentry_no_update": [
            "DROP TRIGGER keyvault_auditentry_no_update",
            f"CREATE TRIGGER keyvault_auditentry_no_update BEFORE UPDATE {_LIKE_ENTRY} "
            "BEGIN SELECT 1; END",
        ],
        "keyvault_auditcheckpoint_no_delete": [
            "DROP TRIGGER keyvault_auditcheckpoint_no_delete",
            f"CREATE TRIGGER keyvault_auditcheckpoint_no_delete BEFORE DELETE {_LIKE_ENTRY} "
            "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END",
        ],
    },
    "postgresql": {
        "keyvault_auditentry_append_only": [
            "ALTER TABLE keyvault_auditentry"
            " ENABLE REPLICA TRIGGER keyvault_auditentry_append_only",
        ],
        "keyvault_auditcheckpoint_append_only": [
            "DROP TRIGGER keyvault_auditcheckpoint_append_only ON keyvault_auditcheckpoint",
            "CREATE TRIGGER keyvault_auditcheckpoint_append_only BEFORE TRUNCATE"
            " ON keyvault_auditcheckpoint"
            " FOR EACH STATEMENT EXECUTE FUNCTION keyvault_audit_is_append_only()",
        ],
        "keyvault_auditentry_pending": [
            "CREATE OR REPLACE FUNCTION keyvault_audit_note_pending() RETURNS trigger"
            " LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
        ],
    },
}


def test_a_trigger_that_guards_nothing_any_more_is_found() -> None:
    for name, statements in DISARMED[connection.vendor].items():
        with transaction.atomic(), connection.cursor() as cursor:
            assert _verify().is_intact
            for statement in statements:
                cursor.execute(statement)
            assert [name in problem.message for problem in _verify().problems] == [True]
            transaction.set_rollback(True)


def test_triggers_that_our_sessions_pass_over_are_found() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
        assert {problem.kind for problem in _verify().problems} == {"unguarded"}


def test_the_sink_is_filled_again_after_it_was_cut_short() -> None:
    for _ in range(3):
        _record()
        _seal()
    path = Path(settings.KEYVAULT_CHECKPOINTS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    _seal()
    assert file_sink().last()["id"] == 3  # type: ignore[index]
    assert _verify().is_intact
