"""Counting requests in windows, exactly.

Two meters with one face: `FixedMeter` starts its windows with the clock, as the vendor's recorded
answers do; `SlidingMeter` looks back from each request. Both take the clock from outside.

    meter = FixedMeter(limits=DEFAULT_LIMITS, clock=time.time)
    verdict = meter.take("a key's identity")   # verdict.is_admitted, verdict.readings
"""

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.limits import DAY_SECONDS, Limit

REFUSED_REQUESTS_COUNT = False
"""Whether a request that was answered 429 takes room in the windows. Inferred, not documented."""

VENDOR_TIME_ZONE = ZoneInfo("Europe/Amsterdam")
"""Where the vendor's day begins at midnight."""

Clock = Callable[[], float]
"""Gives the time as seconds since the epoch."""

_STALE_ENTRIES = 1_024


@dataclass(frozen=True, slots=True)
class Reading:
    """One window as the vendor reports it: `remaining` is -1 while the window blocks."""

    limit: Limit
    remaining: int
    resets_at: float
    reset_seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one request: let in or not, and every window, shortest first."""

    is_admitted: bool
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """One fixed window: from `start` up to, but without, `end`."""

    start: float
    end: float


class Meter(ABC):
    """Counts the requests of each key.

    A request is admitted when every window has room; then it takes room in all of them.
    """

    def __init__(
        self,
        *,
        limits: tuple[Limit, ...],
        clock: Clock,
        count_refused: bool = REFUSED_REQUESTS_COUNT,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._count_refused = count_refused

    def take(self, key: str) -> Verdict:
        """Count one request of the key, or refuse it."""
        now = self._clock()
        used = self._used(key=key, now=now)
        is_admitted = self._has_room(used)
        if is_admitted or self._count_refused:
            self._count(key=key, now=now)
            used = [count + 1 for count in used]
        return Verdict(is_admitted, self._readings(key=key, now=now, used=used, ok=is_admitted))

    def read(self, key: str) -> Verdict:
        """Say what the next `take` would decide, and count nothing."""
        now = self._clock()
        used = self._used(key=key, now=now)
        is_admitted = self._has_room(used)
        return Verdict(is_admitted, self._readings(key=key, now=now, used=used, ok=is_admitted))

    def _has_room(self, used: list[int]) -> bool:
        return all(count < limit.requests for count, limit in zip(used, self._limits, strict=True))

    def _readings(self, *, key: str, now: float, used: list[int], ok: bool) -> tuple[Reading, ...]:
        readings = []
        for index, (limit, count) in enumerate(zip(self._limits, used, strict=True)):
            free = limit.requests - count
            resets_at = self._resets_at(key=key, now=now, index=index)
            readings.append(
                Reading(
                    limit=limit,
                    remaining=max(0, free) if ok or free > 0 else -1,
                    resets_at=resets_at,
                    reset_seconds=max(0, math.ceil(resets_at - now)),
                )
            )
        return tuple(readings)

    @abstractmethod
    def clear(self) -> None:
        """Forget every request."""

    @abstractmethod
    def _used(self, *, key: str, now: float) -> list[int]: ...

    @abstractmethod
    def _count(self, *, key: str, now: float) -> None: ...

    @abstractmethod
    def _resets_at(self, *, key: str, now: float, index: int) -> float: ...


class FixedMeter(Meter):
    """Windows that begin with the clock: all requests of one window leave it at once."""

    def __init__(
        self,
        *,
        limits: tuple[Limit, ...],
        clock: Clock,
        count_refused: bool = REFUSED_REQUESTS_COUNT,
    ) -> None:
        super().__init__(limits=limits, clock=clock, count_refused=count_refused)
        self._spans = [Span(start=0, end=0) for _ in limits]
        self._counts: dict[str, list[tuple[float, int]]] = {}

    def clear(self) -> None:
        """Forget every request."""
        self._counts.clear()

    def _used(self, *, key: str, now: float) -> list[int]:
        counts = self._counts.get(key)
        spans = self._current_spans(now)
        if counts is None:
            return [0] * len(spans)
        return [
            count if start == span.start else 0
            for (start, count), span in zip(counts, spans, strict=True)
        ]

    def _count(self, *, key: str, now: float) -> None:
        used = self._used(key=key, now=now)
        self._counts[key] = [
            (span.start, count + 1)
            for span, count in zip(self._current_spans(now), used, strict=True)
        ]

    def _resets_at(self, *, key: str, now: float, index: int) -> float:
        return self._current_spans(now)[index].end

    def _current_spans(self, now: float) -> list[Span]:
        for index, span in enumerate(self._spans):
            if not span.start <= now < span.end:
                self._spans[index] = span_at(now=now, seconds=self._limits[index].seconds)
        return self._spans


class SlidingMeter(Meter):
    """Windows that look back: a request leaves a window exactly its width after it came."""

    def __init__(
        self,
        *,
        limits: tuple[Limit, ...],
        clock: Clock,
        count_refused: bool = REFUSED_REQUESTS_COUNT,
    ) -> None:
        super().__init__(limits=limits, clock=clock, count_refused=count_refused)
        self._times: dict[str, array[float]] = {}

    def clear(self) -> None:
        """Forget every request."""
        self._times.clear()

    def _used(self, *, key: str, now: float) -> list[int]:
        times = self._times.get(key, ())
        return [len(times) - bisect_right(times, now - limit.seconds) for limit in self._limits]

    def _count(self, *, key: str, now: float) -> None:
        times = self._times.setdefault(key, array("d"))
        stale = bisect_right(times, now - self._limits[-1].seconds)
        if stale >= _STALE_ENTRIES:
            del times[:stale]
        times.append(max(now, times[-1]) if times else now)

    def _resets_at(self, *, key: str, now: float, index: int) -> float:
        """The moment at which the window next gains room, or now when it is empty."""
        times = self._times.get(key, ())
        limit = self._limits[index]
        oldest = max(bisect_right(times, now - limit.seconds), len(times) - limit.requests)
        return times[oldest] + limit.seconds if oldest < len(times) else now


def span_at(*, now: float, seconds: int) -> Span:
    """Give the fixed window of a width that holds a moment.

    A day runs from midnight to midnight in the vendor's time zone, so it has 23 or 25 hours twice
    a year; every other width begins at multiples of itself since the epoch.
    """
    if seconds != DAY_SECONDS:
        start = now // seconds * seconds
        return Span(start=start, end=start + seconds)
    today = datetime.fromtimestamp(now, VENDOR_TIME_ZONE)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return Span(start=midnight.timestamp(), end=(midnight + timedelta(days=1)).timestamp())
