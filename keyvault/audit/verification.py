"""Finding out whether anybody has changed the record.

Three layers, from the outside in: the copy of the last checkpoint that is kept outside of the
database, the chain of checkpoints with the signature at its end, and the entries under each root.
Only when something does not fit is the rest looked at, to name the first bad entry or checkpoint.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from keyvault.audit import checkpoints, signing, tree
from keyvault.audit.entrystream import EntryStream
from keyvault.audit.snapshot import snapshot
from keyvault.models import AuditCheckpoint, AuditPending

TRIGGERS = {
    "sqlite": (
        "keyvault_auditentry_no_update",
        "keyvault_auditentry_no_delete",
        "keyvault_auditentry_no_replace",
        "keyvault_auditcheckpoint_no_update",
        "keyvault_auditcheckpoint_no_delete",
        "keyvault_auditcheckpoint_no_replace",
        "keyvault_auditentry_pending",
    ),
    "postgresql": (
        "keyvault_auditentry_append_only",
        "keyvault_auditcheckpoint_append_only",
        "keyvault_auditentry_pending",
    ),
}
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit.

    Attributes:
        kind: "edited", "deleted", "inserted", "checkpoint", "rolled-back" or "unguarded".
        message: what is wrong, for an operator.
        entry_id: the entry concerned.
        checkpoint_id: the checkpoint concerned.
    """

    kind: str
    message: str
    entry_id: int | None = None
    checkpoint_id: int | None = None


@dataclass(slots=True)
class Report:
    """What a verification found.

    Attributes:
        entries: entries that a checkpoint covers and that fit.
        checkpoints: checkpoints in the chain.
        unsealed: entries that wait for their checkpoint.
        problems: in the order of the record; the first names the first bad entry.
        tip: hash of the last checkpoint in hex, for keeping elsewhere.
    """

    entries: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    problems: list[Problem] = field(default_factory=list)
    tip: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(*, anchor: dict[str, Any] | None) -> Report:
    """Verifies the whole record, as it stands at this moment.

    Reads only, in one snapshot, beside live traffic; a few queries per ten thousand entries.

    Args:
        anchor: a checkpoint that was kept outside of the database, as a sink holds it; None when
            there is none.

    Returns:
        What was found.

    Raises:
        KeyringError: signatures cannot be checked.
    """
    report = Report()
    chain = _Chain(keys=signing.public_keys(), report=report, anchor=anchor)
    with snapshot():
        _walk(chain, report)
        report.problems += _missing_triggers()
    chain.finish()
    report.problems.sort(key=_order)
    return report


def _walk(chain: "_Chain", report: Report) -> None:
    stream = EntryStream()
    for checkpoint in AuditCheckpoint.objects.order_by("id").iterator(chunk_size=500):
        if len(report.problems) >= MOST_PROBLEMS:
            break
        chain.add(checkpoint)
        found = list(_compare(checkpoint, stream))
        report.problems += found
        report.entries += 0 if found else checkpoint.count
    else:
        _look_behind(stream, report)


def _order(problem: Problem) -> tuple[float, float]:
    """The order of the record, so that the first problem names the first bad entry."""
    behind = float("inf")
    return (problem.checkpoint_id or behind, problem.entry_id or behind)


class _Chain:
    """Checks that each checkpoint holds the hash of the one before, and the signatures."""

    def __init__(
        self, *, keys: dict[str, bytes], report: Report, anchor: dict[str, Any] | None
    ) -> None:
        self._keys = keys
        self._report = report
        self._anchor = anchor
        self._last: AuditCheckpoint | None = None
        self._tip = checkpoints.Tip(0, checkpoints.GENESIS)
        self._is_doubtful = False

    def add(self, checkpoint: AuditCheckpoint) -> None:
        expected = self._tip.id + 1
        if checkpoint.pk != expected:
            self._blame(expected, f"checkpoint {expected} is missing")
        elif bytes(checkpoint.previous) != self._tip.digest:
            if not self._is_doubtful:
                self._check_earlier(before=checkpoint.pk)
            self._blame(checkpoint.pk, f"checkpoint {expected} does not follow the one before it")
        if self._is_doubtful:
            self._check_signature(checkpoint)
        self._last = checkpoint
        self._tip = checkpoints.Tip(checkpoint.pk, checkpoints.digest_of(checkpoint))
        self._report.checkpoints += 1
        self._compare_with_anchor()

    def finish(self) -> None:
        if self._last is not None and not self._is_doubtful:
            self._check_signature(self._last)
            if self._is_doubtful:
                self._check_earlier(before=self._last.pk)
        if self._anchor is not None and int(self._anchor["id"]) > self._tip.id:
            message = (
                f"the database ends at checkpoint {self._tip.id}, but {self._anchor['id']} was "
                "written outside: it was rolled back or cut short"
            )
            self._report.problems.append(
                Problem("rolled-back", message, checkpoint_id=self._tip.id + 1)
            )
        self._report.tip = self._tip.digest.hex() if self._tip.id else ""

    def _check_signature(self, checkpoint: AuditCheckpoint) -> None:
        key = self._keys.get(checkpoint.key_id)
        body = checkpoints.body_of(checkpoint)
        if not signing.is_signed(body, public_key=key, signature=bytes(checkpoint.signature)):
            self._is_doubtful = True
            why = "is not signed by us" if key else f"names the unknown key {checkpoint.key_id}"
            self._blame(checkpoint.pk, f"checkpoint {checkpoint.pk} {why}")

    def _check_earlier(self, *, before: int) -> None:
        """The signature at the end no longer vouches for the rest: look at each one."""
        self._is_doubtful = True
        earlier = AuditCheckpoint.objects.defer("leaves").filter(pk__lt=before).order_by("id")
        for checkpoint in earlier.iterator(chunk_size=500):
            self._check_signature(checkpoint)

    def _compare_with_anchor(self) -> None:
        anchor = self._anchor
        if anchor is None or int(anchor["id"]) != self._tip.id:
            return
        if anchor["hash"] != self._tip.digest.hex():
            message = f"checkpoint {self._tip.id} is not the one that was written outside"
            self._report.problems.append(
                Problem("rolled-back", message, checkpoint_id=self._tip.id)
            )

    def _blame(self, checkpoint_id: int, message: str) -> None:
        self._report.problems.append(Problem("checkpoint", message, checkpoint_id=checkpoint_id))


def _compare(checkpoint: AuditCheckpoint, stream: EntryStream) -> Iterator[Problem]:
    """The entries of one checkpoint against its root; when they differ, which."""
    quick = stream.take_run(
        first=checkpoint.first_entry, last=checkpoint.last_entry, count=checkpoint.count
    )
    is_intact = (
        quick is not None
        and b"".join(quick) == checkpoint.leaves
        and tree.root_of(quick) == checkpoint.root
        and checkpoint.ranges == _one_range(checkpoint)
    )
    if not is_intact:
        yield from _name_the_bad(checkpoint, quick, stream)


def _one_range(checkpoint: AuditCheckpoint) -> str:
    first, last = checkpoint.first_entry, checkpoint.last_entry
    return str(first) if first == last else f"{first}-{last}"


def _name_the_bad(
    checkpoint: AuditCheckpoint, quick: Sequence[bytes | None] | None, stream: EntryStream
) -> Iterator[Problem]:
    number = checkpoint.pk
    ids = _ids_of(checkpoint)
    kept = bytes(checkpoint.leaves)
    leaves = [kept[start : start + 32] for start in range(0, len(kept), 32)]
    found = quick if quick is not None else stream.take(ids)
    agrees = ids and (ids[0], ids[-1]) == (checkpoint.first_entry, checkpoint.last_entry)
    agrees = agrees and len(ids) == len(leaves) == len(found) == checkpoint.count
    if not agrees or tree.root_of(leaves) != checkpoint.root:
        yield Problem("checkpoint", f"checkpoint {number} is altered", checkpoint_id=number)
        return
    for entry_id, leaf, present in zip(ids, leaves, found, strict=True):
        if present is None:
            message = f"entry {entry_id} is gone"
            yield Problem("deleted", message, entry_id=entry_id, checkpoint_id=number)
        elif present != leaf:
            message = f"entry {entry_id} is not what was sealed"
            yield Problem("edited", message, entry_id=entry_id, checkpoint_id=number)


def _ids_of(checkpoint: AuditCheckpoint) -> list[int]:
    try:
        return list(checkpoints.ids_in(checkpoint.ranges))
    except ValueError:
        return []


def _look_behind(stream: EntryStream, report: Report) -> None:
    """Entries that no checkpoint covers must be waiting for one, and those that wait must exist."""
    waiting = set(AuditPending.objects.values_list("entry_id", flat=True))
    left = set(stream.left_over())
    report.unsealed = len(waiting & left)
    for entry_id in sorted(left - waiting):
        message = f"entry {entry_id} was put in without being sealed"
        report.problems.append(Problem("inserted", message, entry_id=entry_id))
    for entry_id in sorted(waiting - left):
        message = f"entry {entry_id} vanished before it was sealed"
        report.problems.append(Problem("deleted", message, entry_id=entry_id))


def _missing_triggers() -> list[Problem]:
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(sql)
        present = {name for (name,) in cursor.fetchall()}
    return [
        Problem("unguarded", f"the trigger {name} is missing: the record can be changed")
        for name in TRIGGERS[connection.vendor]
        if name not in present
    ]
