"""Finding out whether anybody has changed the record.

Three layers, from the outside in: the copy of the last checkpoint that is kept outside of the
database, the chain of checkpoints with the signature at its end, and the entries under each root.
Only when something does not fit is the rest looked at, to name the first bad entry or checkpoint.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from keyvault.audit import checkpoints, leaves, signing, tree
from keyvault.audit.chain import Chain
from keyvault.audit.findings import Problem, Report
from keyvault.audit.mistyped import first_mistyped
from keyvault.audit.snapshot import snapshot
from keyvault.audit.spans import Spans
from keyvault.audit.triggers import missing_triggers
from keyvault.models import AuditCheckpoint, AuditEntry, AuditPending

MOST_PROBLEMS = 100
# Entries that are read by one query.
MOST_AT_ONCE = 2_500


def verify(*, anchor: dict[str, Any] | None) -> Report:
    """Verifies the whole record, as it stands at this moment.

    Reads only, in one snapshot, beside live traffic; a few queries per 2,500 entries.

    Args:
        anchor: a checkpoint that was kept outside of the database, as a sink holds it; None when
            there is none.

    Returns:
        What was found.

    Raises:
        KeyringError: signatures cannot be checked.
    """
    report = Report()
    chain = Chain(keys=signing.public_keys(), report=report, anchor=anchor)
    with snapshot():
        if mistyped := first_mistyped():
            report.problems.append(mistyped)
        else:
            _walk(chain, report)
            chain.finish()
        report.problems += missing_triggers()
    report.problems = sorted(report.problems, key=_order)[:MOST_PROBLEMS]
    return report


def _walk(chain: Chain, report: Report) -> None:
    sealed = Spans()
    for neighbours, are_good in _hashed():
        for checkpoint in neighbours:
            if len(report.problems) >= MOST_PROBLEMS:
                return
            chain.add(checkpoint)
            found = [] if are_good else list(_compare(checkpoint))
            found += _sealed_twice(checkpoint, sealed=sealed)
            report.problems += found
            report.entries += 0 if found else checkpoint.count
    _look_behind(report, sealed=sealed)


def _hashed() -> Iterator[tuple[list[AuditCheckpoint], bool]]:
    """Neighbours, and whether their entries lead to their roots.

    A thread hashes what was read while the database forms the next run.
    """
    with ThreadPoolExecutor(1) as hasher:
        before: tuple[list[AuditCheckpoint], Future[bool]] | None = None
        for neighbours in _neighbours():
            run = _read(neighbours)
            if before:
                yield before[0], before[1].result()
            before = neighbours, hasher.submit(_lead_to_roots, run, neighbours)
        if before:
            yield before[0], before[1].result()


def _neighbours() -> Iterator[list[AuditCheckpoint]]:
    """The checkpoints in order, together those whose entries one query can read."""
    together: list[AuditCheckpoint] = []
    entries = 0
    for checkpoint in AuditCheckpoint.objects.order_by("id").iterator(chunk_size=500):
        entries += checkpoint.count
        if together and not (
            entries <= MOST_AT_ONCE
            and checkpoint.first_entry == together[-1].last_entry + 1
            and _has_no_gap(checkpoint)
        ):
            yield together
            together, entries = [], checkpoint.count
        together.append(checkpoint)
    if together:
        yield together


def _order(problem: Problem) -> tuple[float, float]:
    """The order of the record, so that the first problem names the first bad entry."""
    behind = float("inf")
    return (problem.checkpoint_id or behind, problem.entry_id or behind)


def _compare(checkpoint: AuditCheckpoint) -> Iterator[Problem]:
    """The entries of one checkpoint against its root; when they differ, which."""
    if not _lead_to_roots(_read([checkpoint]), [checkpoint]):
        yield from _name_the_bad(checkpoint)


def _read(neighbours: list[AuditCheckpoint]) -> leaves.Run | None:
    """The entries of neighbouring checkpoints by one query; None when ids are missing."""
    first, last = neighbours[0].first_entry, neighbours[-1].last_entry
    count = sum(checkpoint.count for checkpoint in neighbours)
    if not count or last - first + 1 != count or not all(map(_has_no_gap, neighbours)):
        return None
    return leaves.run_of(first=first, last=last)


def _lead_to_roots(run: leaves.Run | None, neighbours: list[AuditCheckpoint]) -> bool:
    """Whether the entries are what was sealed, by one hash each. No query."""
    entries = run and run.entries()
    if not entries:
        return False
    found = b"".join([sha256(entry).digest() for entry in entries])
    start = 0
    for checkpoint in neighbours:
        end = start + checkpoint.count * tree.HASH_BYTES
        mine = found[start:end]
        if mine != checkpoint.leaves or tree.root_of(mine) != checkpoint.root:
            return False
        start = end
    return True


def _has_no_gap(checkpoint: AuditCheckpoint) -> bool:
    first, last = checkpoint.first_entry, checkpoint.last_entry
    return checkpoint.ranges == (str(first) if first == last else f"{first}-{last}")


def _name_the_bad(checkpoint: AuditCheckpoint) -> Iterator[Problem]:
    """One by one: also the way of checkpoints whose ids have gaps."""
    number, kept = checkpoint.pk, bytes(checkpoint.leaves)
    ids = _ids_of(checkpoint, most=len(kept) // tree.HASH_BYTES)
    agrees = ids and (ids[0], ids[-1]) == (checkpoint.first_entry, checkpoint.last_entry)
    agrees = agrees and len(ids) == checkpoint.count == len(kept) // tree.HASH_BYTES
    if not agrees or tree.root_of(kept) != checkpoint.root:
        yield Problem("checkpoint", f"checkpoint {number} is altered", checkpoint_id=number)
        return
    present: dict[int, bytes] = {}
    for first, last in checkpoints.spans_in(checkpoint.ranges):
        present |= leaves.leaves_between(first=first, last=last)
    for index, entry_id in enumerate(ids):
        entry = present.get(entry_id)
        start = index * tree.HASH_BYTES
        if entry is None:
            message = f"entry {entry_id} is gone"
            yield Problem("deleted", message, entry_id=entry_id, checkpoint_id=number)
        elif not _fits(entry, kept[start : start + tree.HASH_BYTES]):
            message = f"entry {entry_id} is not what was sealed"
            yield Problem("edited", message, entry_id=entry_id, checkpoint_id=number)


def _fits(entry: bytes, leaf: bytes) -> bool:
    return entry.count(b"\n") == leaves.NEWLINES and tree.leaf_hash(entry) == leaf


def _ids_of(checkpoint: AuditCheckpoint, *, most: int) -> list[int]:
    """The ids in order; nothing when the ranges are malformed or hold more than there can be."""
    try:
        spans = list(checkpoints.spans_in(checkpoint.ranges))
    except ValueError:
        return []
    sizes = [last - first + 1 for first, last in spans]
    if min(sizes) < 1 or sum(sizes) > most:
        return []
    return [entry_id for first, last in spans for entry_id in range(first, last + 1)]


def _sealed_twice(checkpoint: AuditCheckpoint, *, sealed: Spans) -> list[Problem]:
    """Notes what a checkpoint covers; no entry is covered by two."""
    number = checkpoint.pk
    try:
        spans = list(checkpoints.spans_in(checkpoint.ranges))
    except ValueError:
        return []  # told as altered
    fresh = [sealed.add(first=first, last=last) for first, last in spans]
    if all(fresh):
        return []
    message = f"checkpoint {number} covers entries that another one covers"
    return [Problem("checkpoint", message, checkpoint_id=number)]


def _look_behind(report: Report, *, sealed: Spans) -> None:
    """Entries that no checkpoint covers must be waiting for one, and those that wait must exist."""
    waiting = set(AuditPending.objects.values_list("entry_id", flat=True))
    report.unsealed = AuditEntry.objects.filter(pk__in=AuditPending.objects.values("pk")).count()
    again = {entry_id for entry_id in waiting if entry_id in sealed}
    missing = len(waiting) - report.unsealed
    if not (missing or again) and AuditEntry.objects.count() == len(sealed) + report.unsealed:
        return
    there = set(AuditEntry.objects.values_list("id", flat=True))
    found = {
        "was put in without being sealed": (
            "inserted",
            {i for i in there - waiting if i not in sealed},
        ),
        "vanished before it was sealed": ("deleted", waiting - there - again),
        "waits for a checkpoint, but one covers it": ("inserted", again),
    }
    for what, (kind, ids) in found.items():
        report.problems += [
            Problem(kind, f"entry {entry_id} {what}", entry_id=entry_id) for entry_id in sorted(ids)
        ]
