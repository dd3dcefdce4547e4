"""Noting the busiest moments of each day, before the pool's log forgets them."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from onboarding.capacity.usage import busiest_of_all, current_day, is_whole_in_log
from onboarding.models import DailyPeak

KEPT_FOR: Final = timedelta(days=400)
# Rows that one statement writes.
AT_ONCE: Final = 500
_FIELDS: Final = ("five_minutes", "five_minutes_at", "hour", "hour_at", "total")


def note_peaks(*, now: datetime) -> int:
    """Note the busiest moments of today and of yesterday, for the stores that sent anything.

    Idempotent. A day that the log holds whole is written anew; one that it has begun to forget is
    noted only if nothing is. Run it at least every hour. Three queries, and one for 500 rows: the
    worker has other things to do.

    Args:
        now: the present.

    Returns:
        How many rows were written.
    """
    today = current_day(now)
    yesterday = today - timedelta(days=1)
    noted = DailyPeak.objects.filter(day=yesterday).values_list("store_id", flat=True)
    known = frozenset() if is_whole_in_log(yesterday) else frozenset(noted)
    peaks = (
        peak
        for peak in busiest_of_all(since=yesterday)
        if peak.day == today or peak.store_id not in known
    )
    written = 0
    while rows := list(islice(peaks, AT_ONCE)):
        DailyPeak.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=("store", "day"), update_fields=_FIELDS
        )
        written += len(rows)
    DailyPeak.objects.filter(day__lt=today - KEPT_FOR).delete()
    return written
