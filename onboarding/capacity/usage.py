"""What backends really sent with a store's keys: the pool's log, and peaks kept for longer.

The log forgets a permit about a day after its use, so a duty notes the busiest moments of each day.
What happened today is read from the log, what lies further back from those notes. A day is one of
the site's time zone, in which the vendor counts, too; a reader's time zone changes no number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import F, Sum
from django.utils import timezone

from keyvault.models import Credential, Lease
from keyvault.models.lease import microseconds, moment
from lightspeed.ratelimits import DEFAULT_LIMITS
from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR
from onboarding.models import DailyPeak, Store

_MICROSECONDS = 1_000_000
MEASURED_FOR = timedelta(days=30)
# The log is whole for at least this long: a day, and the hour that the pool keeps besides. A day is
# therefore noted once more after its midnight.
LOGGED_FOR = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """The requests of one stretch of time; `at` is its beginning."""

    at: datetime
    requests: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """The requests of one day of the site's time zone."""

    day: date
    requests: int


def usage(
    *, store: Store, seconds: int, since: datetime, until: datetime | None = None
) -> list[UsagePoint]:
    """The requests lent out by stretches of `seconds`, the quiet ones included. One query.

    Args:
        store: whose keys, removed ones included.
        seconds: the length of a stretch.
        since: where to begin; rounded down to a whole stretch.
        until: where to end; now when it is left out.
    """
    step = seconds * _MICROSECONDS
    first = microseconds(since) // step
    last = microseconds(until or timezone.now()) // step
    rows = (
        Lease.objects.filter(
            key__credential__keychain_id=store.pk,
            token__isnull=False,
            use_by_us__gte=first * step,
            granted_us__gte=first * step,
            granted_us__lt=(last + 1) * step,
        )
        .annotate(stretch=F("granted_us") / step)
        .values_list("stretch")
        .annotate(total=Sum("counted"))
    )
    found = {int(stretch): requests for stretch, requests in rows}
    return [
        UsagePoint(at=moment(each * step), requests=found.get(each, 0))
        for each in range(first, last + 1)
    ]


def usage_by_day(*, store: Store, days: int) -> list[DayTotal]:
    """The requests of whole days, today last, the quiet ones included. Two queries.

    Args:
        store: whose keys, removed ones included.
        days: how many, today among them.
    """
    today = current_day()
    first, yesterday = today - timedelta(days=days - 1), today - timedelta(days=1)
    noted = DailyPeak.objects.filter(store=store, day__range=(first, yesterday))
    totals = dict(noted.values_list("day", "total"))
    logged: dict[date, int] = {}
    for point in usage(store=store, seconds=FIVE_MINUTES, since=_midnight(yesterday)):
        day = current_day(point.at)
        logged[day] = logged.get(day, 0) + point.requests
    if is_whole_in_log(yesterday) or yesterday not in totals:
        totals[yesterday] = logged[yesterday]
    totals[today] = logged[today]
    each = (first + timedelta(days=number) for number in range(days))
    return [DayTotal(day=day, requests=totals.get(day, 0)) for day in each]


def busiest(*, store: Store, day: date) -> DailyPeak | None:
    """The busiest moments of a day as the log has them, not saved; None for a quiet day. One query.

    The windows stand still on the clock, as the vendor's do.
    """
    return next(iter(_busiest(store=store, days=[day])), None)


def busiest_of_all(*, since: date) -> Iterator[DailyPeak]:
    """The same for every store and each of its days from one on, store by store. One query.

    Args:
        since: yesterday or later; the log knows nothing of earlier days.
    """
    step = FIVE_MINUTES * _MICROSECONDS
    first_us = microseconds(_midnight(since))
    rows = (
        Lease.objects.filter(
            key__credential__keychain__store__isnull=False,
            token__isnull=False,
            use_by_us__gte=first_us,
            granted_us__gte=first_us,
        )
        .annotate(stretch=F("granted_us") / step)
        .values_list("key__credential__keychain_id", "stretch")
        .annotate(total=Sum("counted"))
        .order_by("key__credential__keychain_id", "stretch")
    )
    for store_id, stretches in groupby(rows.iterator(), key=itemgetter(0)):
        points = [UsagePoint(at=moment(int(n) * step), requests=total) for _, n, total in stretches]
        for day, its in groupby(points, key=lambda point: current_day(point.at)):
            peak = _peak(store_id=store_id, day=day, points=list(its))
            if peak.total:
                yield peak


def _busiest(*, store: Store, days: Sequence[date]) -> list[DailyPeak]:
    """The same for neighbouring days, the quiet ones left out. One query, none for no day."""
    if not days:
        return []
    ended = _midnight(max(days) + timedelta(days=1)) - timedelta(microseconds=1)
    by_day: dict[date, list[UsagePoint]] = {}
    for point in usage(store=store, seconds=FIVE_MINUTES, since=_midnight(min(days)), until=ended):
        by_day.setdefault(current_day(point.at), []).append(point)
    peaks = (_peak(store_id=store.pk, day=day, points=by_day[day]) for day in days)
    return [peak for peak in peaks if peak.total]


def _peak(*, store_id: UUID, day: date, points: Sequence[UsagePoint]) -> DailyPeak:
    """Of a day's stretches of five minutes; quiet ones may be left out."""
    midnight, an_hour = _midnight(day).astimezone(UTC), timedelta(hours=1)
    hours: dict[int, int] = {}
    for point in points:
        number = (point.at - midnight) // an_hour
        hours[number] = hours.get(number, 0) + point.requests
    five = max(points, key=lambda point: point.requests)
    hour = max(hours, key=lambda number: hours[number])
    return DailyPeak(
        store_id=store_id,
        day=day,
        five_minutes=five.requests,
        five_minutes_at=five.at,
        hour=hours[hour],
        hour_at=midnight + hour * an_hour,
        total=sum(point.requests for point in points),
    )


def measured_peaks(
    *, store: Store, since: date | None = None, until: date | None = None
) -> dict[int, UsagePoint]:
    """The busiest five minutes, hour and day, and when; empty when nothing was sent.

    Two queries at most.

    Args:
        store: whose keys.
        since: the first day; `MEASURED_FOR` ago when it is left out.
        until: the last day; today when it is left out.
    """
    today = current_day()
    first, last = since or today - MEASURED_FOR, until or today
    peaks = list(DailyPeak.objects.filter(store=store, day__range=(first, last)))
    noted = {peak.day for peak in peaks}
    logged = [
        day
        for day in (today, today - timedelta(days=1))
        if first <= day <= last and (is_whole_in_log(day) or day not in noted)
    ]
    peaks += _busiest(store=store, days=logged)
    return _highest(peaks)


def current_day(now: datetime | None = None) -> date:
    """Today as the vendor counts."""
    return timezone.localdate(now, timezone=timezone.get_default_timezone())


def is_whole_in_log(day: date) -> bool:
    """Whether the log has not begun to forget the day."""
    return _midnight(day) >= timezone.now() - LOGGED_FOR


def limits_of_one_key(*, store: Store) -> list[tuple[int, int]]:
    """The windows of the store's weakest key; the vendor's usual ones before there is a key."""
    usual = {each.seconds: each.limit for each in DEFAULT_LIMITS}
    shown = Credential.objects.filter(
        keychain_id=store.pk, kind=Credential.Kind.BASIC, state__in=Credential.LIVE_STATES
    ).values_list("limits", flat=True)
    told: dict[int, int] = {}
    for limits in shown:
        for seconds, limit in limits:
            told[seconds] = min(told.get(seconds, limit), limit)
    return sorted((usual | told).items())


def limits_together(*, store: Store) -> dict[int, int]:
    """What all keys that may be lent can send in each window, together. One query."""
    together: dict[int, int] = {}
    for limits in Credential.objects.filter(
        keychain_id=store.pk, state=Credential.State.ACTIVE
    ).values_list("limits", flat=True):
        for seconds, limit in limits:
            together[seconds] = together.get(seconds, 0) + limit
    return together


def _highest(peaks: Iterable[DailyPeak]) -> dict[int, UsagePoint]:
    points: dict[int, list[UsagePoint]] = {FIVE_MINUTES: [], HOUR: [], DAY: []}
    for peak in peaks:
        points[FIVE_MINUTES].append(UsagePoint(peak.five_minutes_at, peak.five_minutes))
        points[HOUR].append(UsagePoint(peak.hour_at, peak.hour))
        points[DAY].append(UsagePoint(_midnight(peak.day), peak.total))
    return {
        seconds: max(each, key=lambda point: point.requests)
        for seconds, each in points.items()
        if each
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())
