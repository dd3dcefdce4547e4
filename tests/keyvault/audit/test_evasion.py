"""Tricks of who owns the database and knows how verifying works."""

import pytest
from django.db import connection
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, tree
from keyvault.audit.leaves import leaves_between
from keyvault.audit.sealer import seal_new_entries
from keyvault.audit.verification import verify
from keyvault.models import AuditCheckpoint, AuditEntry, AuditPending
from tests.keyvault.triggers import untriggered

pytestmark = pytest.mark.django_db


def _record(times: int = 1) -> list[int]:
    before = AuditEntry.objects.count()
    for _ in range(times):
        audit.record(action=Action.DRAFT_OPENED, actor=audit.SYSTEM)
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True)[before:])


def _seal() -> int:
    return seal_new_entries(timezone.now())


def test_an_entry_with_a_line_of_its_own_is_found() -> None:
    AuditEntry.objects.create(at=timezone.now(), action="draft.opened", actor="person:1\nperson:2")
    entry = AuditEntry.objects.get()
    _seal()
    problem = verify(anchor=None).problems[0]
    assert (problem.kind, problem.entry_id) == ("edited", entry.pk)


def test_an_edit_with_its_leaf_recomputed_is_found_by_the_root() -> None:
    ids = _record(3)
    _seal()
    with untriggered():
        AuditEntry.objects.filter(pk=ids[1]).update(actor="person:2")
        found = b"".join(map(tree.leaf_hash, leaves_between(first=ids[0], last=ids[-1]).values()))
        AuditCheckpoint.objects.update(leaves=found)
    assert verify(anchor=None).problems[0].checkpoint_id == 1


def test_an_entry_that_is_kept_from_the_sealer_is_found() -> None:
    sealed = _record()[0]
    _seal()
    kept = _record()[0]
    AuditPending.objects.update(entry_id=sealed)
    assert ("inserted", kept) in {(bad.kind, bad.entry_id) for bad in verify(anchor=None).problems}
    assert _seal() == 1  # the other one, a second time
    problems = verify(anchor=None).problems
    assert (problems[0].kind, problems[0].checkpoint_id) == ("checkpoint", 2)
    assert (problems[1].kind, problems[1].entry_id) == ("inserted", kept)


def test_an_entry_of_no_time_keeps_nothing_from_being_sealed() -> None:
    kept = _record()[0]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO keyvault_auditentry"
            " (at, action, actor, subject, facts, request_id, nonce)"
            " SELECT 'infinity', action, actor, subject, facts, request_id, gen_random_uuid()"
            " FROM keyvault_auditentry"
        )
    assert _seal() == 2
    assert verify(anchor=None).is_intact
    with untriggered(), connection.cursor() as cursor:
        cursor.execute("UPDATE keyvault_auditentry SET at = 'infinity' WHERE id = %s", [kept])
    problem = verify(anchor=None).problems[0]
    assert (problem.kind, problem.entry_id) == ("edited", kept)
