"""Requests against limits, as figures for a drawing and for the table beside it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR
from onboarding.capacity.usage import MEASURED_FOR, limits_together, usage, usage_by_day
from onboarding.models import Store

# The drawing's own units; it is stretched to the width of the page.
HEIGHT = 100
BAR_WIDTH = 10
GAP = 2
# Room above the highest of bars and limit.
HEADROOM = 1.15

# What is looked back on, by the length of one stretch.
LOOKED_BACK = {
    FIVE_MINUTES: timedelta(hours=3),
    HOUR: timedelta(hours=24),
    DAY: MEASURED_FOR,
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of time in the drawing's units, from the top left.

    Attributes:
        x: where it stands; likewise `y`.
        height: how high it is.
        at: when the stretch began; a whole day is a date, the same for every reader.
        requests: what was sent in it.
        is_near_limit: little was left.
    """

    x: int
    y: float
    height: float
    at: datetime | date
    requests: int
    is_near_limit: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing.

    Attributes:
        seconds: the length of a stretch.
        limit: what all keys together may send in one; 0: no key may be lent.
        peak: the most that was sent in one.
        bars: oldest first.
        width: of the drawing.
        limit_y: where the line of the limit lies.
    """

    seconds: int
    limit: int
    peak: int
    bars: tuple[Bar, ...]
    width: int
    limit_y: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sent at all."""
        return self.peak == 0

    @property
    def peak_percent(self) -> int:
        """The peak as a share of the limit."""
        return round(100 * self.peak / self.limit) if self.limit else 0


# From here on a stretch is called near its limit.
NEAR_LIMIT = 0.9


def usage_chart(*, store: Store, seconds: int, limits: dict[int, int] | None = None) -> Chart:
    """The chart of one length of stretch. One query, two for days; one more without `limits`.

    Args:
        store: whose keys.
        seconds: a key of `LOOKED_BACK`.
        limits: what all keys together may send, if that is known already.
    """
    together = limits_together(store=store) if limits is None else limits
    limit = together.get(seconds, 0)
    points = _points(store=store, seconds=seconds)
    peak = max(requests for _, requests in points)
    scale = HEIGHT / (max(limit, peak, 1) * HEADROOM)
    bars = tuple(
        Bar(
            x=number * (BAR_WIDTH + GAP),
            y=round(HEIGHT - requests * scale, 2),
            height=round(requests * scale, 2),
            at=at,
            requests=requests,
            is_near_limit=bool(limit) and requests >= limit * NEAR_LIMIT,
        )
        for number, (at, requests) in enumerate(points)
    )
    return Chart(
        seconds=seconds,
        limit=limit,
        peak=peak,
        bars=bars,
        width=len(bars) * (BAR_WIDTH + GAP) - GAP,
        limit_y=round(HEIGHT - limit * scale, 2),
    )


def _points(*, store: Store, seconds: int) -> list[tuple[datetime | date, int]]:
    span = LOOKED_BACK[seconds]
    if seconds == DAY:
        return [(each.day, each.requests) for each in usage_by_day(store=store, days=span.days)]
    found = usage(store=store, seconds=seconds, since=timezone.now() - span)
    return [(each.at, each.requests) for each in found]
