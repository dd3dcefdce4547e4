"""Due work: rows that workers claim, and the duties that a worker runs.

A row that has work to do carries four columns (`DueRow`). A worker claims it by a conditional
UPDATE, does the work outside any transaction, and finishes it with the fence that its claim gave.
A worker that was killed holds nothing: once `claimed_until` has passed, anybody may claim the row
again, and the late worker's fence no longer fits. Steps must therefore be safe to repeat.

A *duty* is something that each worker runs again and again: `settings.KEYVAULT_DUTIES` lists them
by dotted path, and `load_duties` gives the objects to the worker command. A duty claims the rows
that it works on itself, so any number of workers may run the same duty at the same time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.db import connections, models, transaction
from django.db.models import F, Q, QuerySet
from django.utils.module_loading import import_string


class DueRow(models.Model):
    """The columns of a row that workers claim; inherit them.

    Attributes:
        due_at: when there is something to do; null when nothing is due.
        claimed_until: until when the claim of a worker holds; null when nobody holds it.
        attempts: claims since the row was last rescheduled or finished in good order.
        fence: grows with each claim; only its holder may finish the row.
        HELD: rows that no worker claims, due or not, for as long as something else keeps them back.
    """

    HELD: ClassVar[Q] = Q(pk__in=())

    due_at = models.DateTimeField(null=True, db_index=True)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    def void_claim(self) -> None:
        """Makes a claim void, whoever holds it: its fence no longer fits. Save both columns.

        For who changes or ends the row's work while somebody may be at it; lock the row before.
        """
        self.fence += 1
        self.claimed_until = None


Row = TypeVar("Row", bound=DueRow)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that each worker runs again and again.

    Attributes:
        name: for logs and metrics, for example "audit.seal".
        interval_seconds: pause between two runs in one worker.
        run: takes the present time (aware, UTC) and returns how many things it did; when that is
            not 0 the worker may run it again at once. It opens its own transactions, claims what it
            works on and leaves its failures as exceptions: the worker logs them and goes on.
        end: what a worker that stops calls once, where runs leave something under way; seconds.
    """

    name: str
    interval_seconds: float
    run: Callable[[datetime], int]
    end: Callable[[], None] | None = None


def load_duties(paths: Iterable[str]) -> list[Duty]:
    """The duties behind dotted paths, each of a `Duty` object.

    Args:
        paths: for example `settings.KEYVAULT_DUTIES`.

    Returns:
        The duties in the order of their paths.

    Raises:
        ImportError: a path leads nowhere; the worker must not start.
        TypeError: a path leads to something else than a Duty.
    """
    duties = []
    for path in paths:
        duty = import_string(path)
        if not isinstance(duty, Duty):
            message = f"{path} is not a Duty"
            raise TypeError(message)
        duties.append(duty)
    return duties


def claim(rows: QuerySet[Row], *, now: datetime, claim_seconds: float, limit: int = 1) -> list[Row]:
    """Claims due rows that nobody else holds, the longest due first.

    One query, and one conditional UPDATE per row, in a transaction of its own. On PostgreSQL rows
    that another worker is claiming at this moment are skipped, not waited for.

    Args:
        rows: where to look; filters of the caller are kept.
        now: the present time.
        claim_seconds: longer than the work can take, its time-outs included.
        limit: the most rows to claim.

    Returns:
        The claimed rows with their new `fence`, `attempts` and `claimed_until`.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    until = now + timedelta(seconds=claim_seconds)
    claimed = []
    with transaction.atomic(using=rows.db):
        due = rows.filter(free, due_at__lte=now).order_by("due_at", "pk")
        if connections[rows.db].features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        for row in due[:limit]:
            won = rows.model._default_manager.using(rows.db).filter(pk=row.pk, fence=row.fence)  # noqa: SLF001  # Django's documented model API
            if won.update(fence=F("fence") + 1, attempts=F("attempts") + 1, claimed_until=until):
                row.fence += 1
                row.attempts += 1
                row.claimed_until = until
                claimed.append(row)
    return claimed


def finish(row: DueRow, *, due_at: datetime | None, **changes: Any) -> bool:
    """Ends a claim in good order, and says when the row is due again.

    One conditional UPDATE. Put it in the transaction of the work's own result, and roll that back
    when the answer is False: somebody else has claimed the row in the meantime.

    Args:
        row: as `claim` gave it.
        due_at: when the row is due again; None: never.
        **changes: further columns to set in the same statement.

    Returns:
        Whether the claim still held.
    """
    return _settle(row, due_at=due_at, attempts=0, **changes)


def retry(row: DueRow, *, due_at: datetime, **changes: Any) -> bool:
    """Gives a claim back after a failure; `attempts` is kept, so that the pause can grow.

    Args:
        row: as `claim` gave it.
        due_at: when to try again.
        **changes: further columns to set in the same statement.

    Returns:
        Whether the claim still held.
    """
    return _settle(row, due_at=due_at, **changes)


def backoff_seconds(attempts: int, *, first: float = 2.0, most: float = 900.0) -> float:
    """The pause before the next try: doubles with each attempt, up to `most`.

    Args:
        attempts: as counted on the row, 1 after the first claim.
        first: the pause after the first attempt.
        most: the longest pause.

    Returns:
        Seconds.
    """
    return min(most, first * 2.0 ** min(attempts - 1, 32))


def _settle(row: DueRow, **changes: Any) -> bool:
    mine = type(row)._default_manager.filter(pk=row.pk, fence=row.fence)  # noqa: SLF001  # Django's documented model API
    return bool(mine.update(claimed_until=None, **changes))
