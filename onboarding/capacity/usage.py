"""What backends really sent with a store's keys, read from the pool's log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Sum
from django.utils import timezone

from keyvault.models import Credential, Lease
from keyvault.models.lease import microseconds, moment
from lightspeed.ratelimits import DEFAULT_LIMITS
from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR
from onboarding.models import Store

_MICROSECONDS = 1_000_000
MEASURED_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """The requests of one stretch of time; `at` is its beginning."""

    at: datetime
    requests: int


def usage(*, store: Store, seconds: int, since: datetime) -> list[UsagePoint]:
    """The requests lent out by stretches of `seconds`, the quiet ones included. One query.

    Args:
        store: whose keys, removed ones included.
        seconds: the length of a stretch.
        since: where to begin; rounded down to a whole stretch.
    """
    step = seconds * _MICROSECONDS
    first = microseconds(since) // step
    last = microseconds(timezone.now()) // step
    rows = (
        Lease.objects.filter(
            key__credential__keychain_id=store.pk,
            token__isnull=False,
            use_by_us__gte=first * step,
            granted_us__gte=first * step,
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


def measured_peaks(*, store: Store, since: datetime | None = None) -> dict[int, int]:
    """The busiest five minutes, hour and day; empty when nothing was sent. Three queries."""
    began = since or timezone.now() - MEASURED_FOR
    peaks = {
        seconds: max(point.requests for point in usage(store=store, seconds=seconds, since=began))
        for seconds in (FIVE_MINUTES, HOUR, DAY)
    }
    return peaks if any(peaks.values()) else {}


def limits_of_one_key(*, store: Store) -> list[tuple[int, int]]:
    """The windows of the store's weakest key; the vendor's usual ones before there is a key."""
    usual = {each.seconds: each.limit for each in DEFAULT_LIMITS}
    shown = Credential.objects.filter(
        keychain_id=store.pk, state__in=Credential.LIVE_STATES
    ).values_list("limits", flat=True)
    found = dict(usual)
    for number, limits in enumerate(shown):
        for seconds, limit in limits:
            found[seconds] = limit if number == 0 else min(found.get(seconds, limit), limit)
    return sorted(found.items())


def limits_together(*, store: Store) -> dict[int, int]:
    """What all keys that may be lent can send in each window, together. One query."""
    together: dict[int, int] = {}
    for limits in Credential.objects.filter(
        keychain_id=store.pk, state=Credential.State.ACTIVE
    ).values_list("limits", flat=True):
        for seconds, limit in limits:
            together[seconds] = together.get(seconds, 0) + limit
    return together
