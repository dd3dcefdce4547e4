"""What the pool has workers do: forget old permits, and watch the clock."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from keyvault.due import Duty
from keyvault.models import Credential, Lease, PoolKey
from keyvault.models.lease import big, moment
from keyvault.pool.engine import clock_us
from keyvault.pool.keys import locked_key
from keyvault.pool.writing import write_key
from keyvault.windows import DAY, SECOND

logger = logging.getLogger(__name__)

# How long a permit stays on after it has left the longest window: somebody may look at it.
KEPT_US: Final = 3_600 * SECOND
KEYS_AT_A_TIME: Final = 100
# A step forward that is noticed; two readings of the clock are never further apart by themselves.
FORWARD_TOLERANCE_US: Final = 2 * SECOND
# How long all keys rest after such a step.
FORWARD_REST_US: Final = 300 * SECOND


def prune(_now: datetime) -> int:
    """Deletes permits that have left every window of their key; a bounded number of keys a run.

    Returns:
        How many rows went.
    """
    oldest_us = clock_us() - DAY * SECOND - 2 * KEPT_US
    old = Lease.objects.filter(key=OuterRef("pk"), use_by_us__lt=oldest_us)
    keys = PoolKey.objects.filter(Exists(old)).values_list("credential_id", flat=True)
    return sum(_prune_key(credential_id) for credential_id in keys[:KEYS_AT_A_TIME])


def _prune_key(credential_id: UUID) -> int:
    with transaction.atomic():
        row = locked_key(credential_id=credential_id)
        state = row.advanced()
        write_key(key_id=row.id, version=row.version, state=state)
        gone_us = min(window.horizon_us for window in state.windows) - KEPT_US
        gone = Lease.objects.filter(key_id=row.id, use_by_us__lt=gone_us)
        _note_use(credential_id=credential_id, leases=gone)
        deleted, _ = gone.delete()
        return deleted


def _note_use(*, credential_id: UUID, leases: QuerySet[Lease]) -> None:
    """Keep when a backend last borrowed the key, before the log forgets it."""
    last = leases.filter(token__isnull=False).aggregate(last_us=Max("granted_us"))["last_us"]
    if last is not None:
        at = moment(last)
        before = Q(last_used_at=None) | Q(last_used_at__lt=at)
        Credential.objects.filter(before, pk=credential_id).update(last_used_at=at)


class ClockWatch:
    """Compares the database's clock with this machine's time since boot.

    A clock that jumps ahead makes permits look older than they are. When that is seen, all keys
    rest for one five-minute window. A clock that is set back needs no watch: the log follows it
    (`keyvault.windows`).
    """

    def __init__(self, *, since_boot: Callable[[], float], clock: Callable[[], int]) -> None:
        self._since_boot = since_boot
        self._clock = clock
        self._last: tuple[float, int] | None = None

    def look(self, _now: datetime) -> int:
        """Rests all keys when the clock has jumped ahead since the last look.

        The clock is read between two readings of the time since boot, so a slow answer is never
        taken for a jump.

        Returns:
            How many keys rest.
        """
        before = self._since_boot()
        clock_now_us = self._clock()
        after = self._since_boot()
        last, self._last = self._last, (before, clock_now_us)
        if last is None:
            return 0
        ahead_us = clock_now_us - last[1] - int((after - last[0]) * SECOND)
        if ahead_us <= FORWARD_TOLERANCE_US:
            return 0
        logger.error("the clock jumped ahead: all keys rest", extra={"ahead_us": ahead_us})
        rested_until_us = clock_now_us + FORWARD_REST_US
        return PoolKey.objects.update(
            cooled_until_us=Greatest(F("cooled_until_us"), big(rested_until_us)),
            version=F("version") + 1,
        )


def _seconds_since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


PRUNING = Duty(name="pool.prune", interval_seconds=300, run=prune)
CLOCK = Duty(
    name="pool.clock",
    interval_seconds=1,
    run=ClockWatch(since_boot=_seconds_since_boot, clock=clock_us).look,
)
