"""What an entry holds, and that it cannot be changed."""

import uuid
from datetime import timedelta

import pytest
import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from keyvault import audit
from keyvault.audit import Action
from keyvault.audit.denials import write_denial_counts
from keyvault.audit.sealer import seal_new_entries
from keyvault.models import AuditEntry, AuditPending, DenialCount
from tests.keyvault.factories import BACKEND, OWNER

pytestmark = pytest.mark.django_db


def test_recording_is_one_insert(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        audit.record(action=Action.DRAFT_OPENED, actor=OWNER)


def test_an_entry_carries_the_request_it_came_from() -> None:
    with structlog.contextvars.bound_contextvars(request_id="0b6e"):
        audit.record(action=Action.DRAFT_OPENED, actor=OWNER, facts={"b": 1, "a": [2]})
    entry = AuditEntry.objects.get()
    assert (entry.request_id, entry.actor, entry.facts) == ("0b6e", "person:1", {"a": [2], "b": 1})


def test_control_characters_cannot_forge_a_line() -> None:
    actor = audit.Actor("command", "x\nperson:1\u202e")
    with structlog.contextvars.bound_contextvars(request_id="a\r\n" + "b" * 100):
        audit.record(
            action=Action.DRAFT_OPENED, actor=actor, subject="draft:\0", facts={"why": "a\nb"}
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor, subject, facts, request_id FROM keyvault_auditentry")
        row = cursor.fetchone()
    assert row[:2] == ("command:x?person:1?", "draft:?")
    assert all(value.isprintable() for value in row)
    assert len(row[3]) == 64


def test_an_entry_waits_for_its_checkpoint_and_goes_with_its_transaction() -> None:
    with transaction.atomic():
        audit.record(action=Action.DRAFT_OPENED, actor=OWNER)
        transaction.set_rollback(True)
    assert not AuditPending.objects.exists()
    audit.record(action=Action.DRAFT_OPENED, actor=OWNER)
    assert AuditPending.objects.get().entry_id == AuditEntry.objects.get().pk


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE keyvault_auditentry SET action = 'x'",
        "DELETE FROM keyvault_auditentry",
        "UPDATE keyvault_auditcheckpoint SET count = 0",
        "DELETE FROM keyvault_auditcheckpoint",
    ],
)
def test_the_database_refuses_to_change_the_record(sql: str) -> None:
    audit.record(action=Action.DRAFT_OPENED, actor=OWNER)
    seal_new_entries(timezone.now())
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


REPLACING = {
    "sqlite": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "postgresql": "INSERT INTO {table} SELECT * FROM {table} "
    "ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id",
}


@pytest.mark.parametrize("table", ["keyvault_auditentry", "keyvault_auditcheckpoint"])
def test_the_database_refuses_to_replace_the_record(table: str) -> None:
    audit.record(action=Action.DRAFT_OPENED, actor=OWNER)
    seal_new_entries(timezone.now())
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(REPLACING[connection.vendor].format(table=table))


def test_a_keychain_shows_its_own_entries_newest_first() -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    for keychain_id in (mine, other, mine):
        audit.record(action=Action.DRAFT_OPENED, actor=OWNER, keychain_id=keychain_id)
    ids = [entry.pk for entry in audit.entries_for(keychain_id=mine)]
    assert len(ids) == 2
    assert ids == sorted(ids, reverse=True)


def test_loans_are_passed_over_unread() -> None:
    mine = uuid.uuid4()
    loan = {"at": timezone.now(), "action": Action.LEASE_GRANTED, "keychain_id": mine}
    AuditEntry.objects.bulk_create(AuditEntry(**loan) for _ in range(5000))
    for _ in range(4):
        audit.record(action=Action.CREDENTIAL_PAUSED, actor=OWNER, keychain_id=mine)
    found = audit.entries_without_loans(keychain_id=mine)
    assert [entry.action for entry in found] == ["credential.paused"] * 4
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE keyvault_auditentry")
    assert "keyvault_audit_without_loans" in found.all()[:8].explain()


def test_an_entry_names_itself_for_staff() -> None:
    audit.record(action=Action.DRAFT_OPENED, actor=OWNER)
    assert str(AuditEntry.objects.get()).endswith("draft.opened")


def test_a_flood_of_denials_becomes_two_entries() -> None:
    for _ in range(25):
        audit.record_denial(actor=BACKEND, subject="store:1")
    assert AuditEntry.objects.count() == 1
    assert write_denial_counts(timezone.now()) == 0
    assert write_denial_counts(timezone.now() + timedelta(minutes=2)) >= 1
    total = AuditEntry.objects.order_by("id").last()
    assert total is not None
    assert total.facts["by"] == str(BACKEND)
    assert not DenialCount.objects.exists()


def test_a_single_denial_is_one_entry() -> None:
    audit.record_denial(actor=BACKEND)
    write_denial_counts(timezone.now() + timedelta(minutes=2))
    assert AuditEntry.objects.count() == 1


def test_each_actor_has_its_own_first_denial() -> None:
    audit.record_denial(actor=BACKEND)
    audit.record_denial(actor=OWNER)
    audit.record_denial(actor=OWNER, action=Action.LEASE_DENIED)
    assert AuditEntry.objects.count() == 3
