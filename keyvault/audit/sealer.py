"""The sealer: covers new entries with signed checkpoints, about once a second.

Entries get their ids when they are inserted and become visible when they are committed, in another
order. A sealer that remembered "the last id" would miss the late ones, and on PostgreSQL no look at
ids alone tells that nothing below an id is still to come. So a trigger notes each entry in
`AuditPending` in the entry's own transaction: what is visible there is committed and not sealed,
whatever its id, and the sealer removes it in the transaction of its checkpoint.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from keyvault import due
from keyvault.audit import checkpoints, signing, tree
from keyvault.audit.leaves import pending_leaves
from keyvault.audit.sinks import FileSink
from keyvault.due import Duty
from keyvault.errors import RolledBackError
from keyvault.models import AuditCheckpoint, AuditPending, AuditSealer

MOST_ENTRIES = 10_000
CLAIM_SECONDS = 60.0
_NAME = "sealer"


def seal_new_entries(now: datetime) -> int:
    """Covers every committed entry that no checkpoint covers yet.

    One sealer works at a time, by a claimed row; others return at once. Each checkpoint is a
    transaction of its own. Then the sink is brought up to date, outside of any transaction.

    Args:
        now: the present time; it stands in the checkpoints.

    Returns:
        How many entries were sealed.

    Raises:
        KeyringError: nothing can be signed; the entries stay pending.
        RolledBackError: the entries are sealed, but the sink knows another chain.
        OSError: the sink refused; the next run tries again.
    """
    if not AuditPending.objects.exists() and _sink_is_complete():
        return 0
    AuditSealer.objects.get_or_create(name=_NAME, defaults={"due_at": now})
    rows = due.claim(AuditSealer.objects.filter(name=_NAME), now=now, claim_seconds=CLAIM_SECONDS)
    if not rows:
        return 0
    sealed = 0
    try:
        while count := _seal_once(rows[0], now=now):
            sealed += count
        fill_sink()
    finally:
        due.finish(rows[0], due_at=rows[0].due_at)
    return sealed


def fill_sink() -> int:
    """Writes the checkpoints that the sink does not hold yet.

    Nothing is appended to a sink that has seen another chain: that would hide a rolled-back
    database behind newer checkpoints.

    Returns:
        How many were written.

    Raises:
        RolledBackError: the database lacks what the sink holds; verify, and restore or start a new
            file.
        OSError: the sink refused.
    """
    sink = file_sink()
    last = sink.last()
    known = int(last["id"]) if last else 0
    if last is not None:
        _refuse_other_chain(last)
    missing = AuditCheckpoint.objects.defer("leaves").filter(pk__gt=known).order_by("id")
    lines = [checkpoints.as_line(checkpoint) for checkpoint in missing.iterator()]
    if lines:
        sink.append(lines)
    return len(lines)


def file_sink() -> FileSink:
    """The sink that the settings name."""
    return FileSink(Path(settings.KEYVAULT_CHECKPOINTS))


def _seal_once(row: AuditSealer, *, now: datetime) -> int:
    key_id = signing.active_key_id()
    with transaction.atomic():
        entries = pending_leaves(limit=MOST_ENTRIES)
        mine = AuditSealer.objects.filter(pk=row.pk, fence=row.fence)
        until = now + timedelta(seconds=CLAIM_SECONDS)
        if not entries or not mine.update(claimed_until=until):
            return 0
        ids = [entry_id for entry_id, _ in entries]
        leaves = b"".join(tree.leaf_hash(entry) for _, entry in entries)
        last = checkpoints.tip()
        checkpoint = AuditCheckpoint(
            pk=last.id + 1,
            previous=last.digest,
            first_entry=ids[0],
            last_entry=ids[-1],
            count=len(ids),
            ranges=checkpoints.ranges_of(ids),
            root=tree.root_of(leaves),
            leaves=leaves,
            at=now,
            key_id=key_id,
        )
        checkpoint.signature = signing.sign(checkpoints.body_of(checkpoint), key_id=key_id)
        checkpoint.save(force_insert=True)
        AuditPending.objects.filter(entry_id__in=ids).delete()
    return len(ids)


def _refuse_other_chain(last: dict[str, Any]) -> None:
    same = AuditCheckpoint.objects.defer("leaves").filter(pk=int(last["id"])).first()
    if same is None or checkpoints.digest_of(same).hex() != last["hash"]:
        message = (
            f"checkpoint {last['id']} was written outside but is not in the database: it was "
            "rolled back or altered. Run: manage.py keyvault verify"
        )
        raise RolledBackError(message)


def _sink_is_complete() -> bool:
    last = file_sink().last()
    newest = AuditCheckpoint.objects.order_by("-id").values_list("id", flat=True).first()
    return (int(last["id"]) if last else None) == newest


SEALER = Duty(name="audit.seal", interval_seconds=1, run=seal_new_entries)
