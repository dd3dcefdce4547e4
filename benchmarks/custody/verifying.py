"""Verifying the record; the floor is one SHA-256 chained over the same bytes."""

import uuid
from hashlib import sha256

from django.db import connection
from django.utils import timezone

from benchmarks.custody import contest
from benchmarks.custody.contest import OURS, Contest
from keyvault import audit
from keyvault.audit import sealer
from keyvault.audit.leaves import leaves_between
from keyvault.audit.verification import verify
from keyvault.models import AuditEntry

FLOOR = "bare SHA-256"


def the_record(*, entries: int, rounds: int) -> Contest:
    """Verifies so many entries, sealed a thousand to a checkpoint."""
    _write(entries)
    sealer.MOST_ENTRIES = 1000
    sealer.seal_new_entries(timezone.now())
    last = AuditEntry.objects.order_by("-id")[0].pk
    canonical = list(leaves_between(first=1, last=last).values())

    def floor() -> int:
        link = b""
        for entry in canonical:
            link = sha256(link + entry).digest()
        return len(canonical)

    def ours() -> int:
        report = verify(anchor=sealer.file_sink().last())
        if not report.is_intact:
            raise SystemExit(report.problems[0].message)
        return report.entries

    return contest.hold("Verify the audit record", {FLOOR: floor, OURS: ours}, rounds=rounds)


def _write(entries: int) -> None:
    actor, subject = audit.Actor(kind="backend", id=str(uuid.uuid4())), f"lease:{uuid.uuid4()}"
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                at=timezone.now(),
                action=audit.Action.LEASE_GRANTED.value,
                actor=str(actor),
                keychain_id=uuid.uuid4(),
                subject=subject,
                facts={"class": "interactive", "permits": 20},
                request_id=uuid.uuid4().hex,
            )
            for _ in range(entries)
        ),
        batch_size=1000,
    )
    # What PostgreSQL's own housekeeping does a minute after so many rows.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE keyvault_auditentry")
