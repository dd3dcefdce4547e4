"""Noting the busiest moments of each day, before the pool's log forgets them."""

from datetime import date, datetime, timedelta

from keyvault.models import Lease
from keyvault.models.lease import microseconds
from onboarding.capacity.usage import busiest, current_day, is_whole_in_log
from onboarding.models import DailyPeak, Store

KEPT_FOR = timedelta(days=400)
# The log still knows what happened so long ago.
LOOK_BACK = timedelta(hours=25)
_FIELDS = ("five_minutes", "five_minutes_at", "hour", "hour_at", "total")


def note_peaks(*, now: datetime) -> int:
    """Note the busiest moments of today and of yesterday, for the stores that sent anything.

    Idempotent. A day that the log holds whole is written anew; one that it has begun to forget is
    noted only if nothing is. Run it at least every hour. One query for the stores, four for each.

    Args:
        now: the present.

    Returns:
        How many rows were written.
    """
    since_us = microseconds(now - LOOK_BACK)
    senders = Lease.objects.filter(
        token__isnull=False, use_by_us__gte=since_us, granted_us__gte=since_us
    ).values("key__credential__keychain_id")
    today = current_day(now)
    written = 0
    for store in Store.objects.filter(pk__in=senders).iterator():
        written += _note(store=store, day=today - timedelta(days=1))
        written += _note(store=store, day=today)
    DailyPeak.objects.filter(day__lt=today - KEPT_FOR).delete()
    return written


def _note(*, store: Store, day: date) -> int:
    if not is_whole_in_log(day) and DailyPeak.objects.filter(store=store, day=day).exists():
        return 0
    found = busiest(store=store, day=day)
    if found is None:
        return 0
    DailyPeak.objects.update_or_create(
        store=store, day=day, defaults={name: getattr(found, name) for name in _FIELDS}
    )
    return 1
