"""How many requests a key may still carry: the arithmetic of its windows, without a database.

A vendor allows a key `limit` requests in each span of `seconds`, for several spans at once. The
pool writes down every grant of permits with its *use-by*, the last moment at which one of them may
be sent. A permit counts from its grant until `use_by + transit + seconds`: so long could a window
of the vendor reach that the request fell into.

    grant            use_by  +transit                     + seconds
      |-----------------|-------|--------------------------------|
      ^ counts from here                            leaves here ^

Why this never grants too much. Take any span of `seconds`, and of the permits that could fall into
it the one that was granted last, at t. Every other one could still arrive `seconds` before that
moment or later, so at t it had not left the window and was counted. All of them together were found
to be at most `limit`. No order of grants, use-bys and settlements changes this, and whether the
vendor's windows slide or stand still makes no difference.

A window keeps no list: `counted` is the sum of the permits whose use-by lies beyond `horizon_us`,
and moving the horizon on subtracts those that it passes. The log itself is the leases' table.

When a vendor's window stands still and says when it turns (`reset`), the horizon may jump to the
turn as soon as it has surely passed: what was sent before it no longer counts. The turn is always
one that the vendor named; nothing is extrapolated, so a change to summer time cannot mislead it.

All times are whole microseconds of the database's clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from keyvault.errors import VaultError

TrafficClass = Literal["interactive", "batch"]

SECOND: Final = 1_000_000
DAY: Final = 86_400
# The longest way of a request to the vendor, unless the setting of that name says otherwise.
TRANSIT_SECONDS: Final = 0.5
# A step back of the clock that is waited out; a longer one moves the log along with the clock.
CLOCK_TOLERANCE_US: Final = 5 * SECOND
# Kept free once somebody else is seen to use the key, for as long as a sighting is remembered.
RESERVE: Final = 0.02
RESERVE_HOLDS_US: Final = 3_600 * SECOND
# Batch leaves this much of each window to interactive use.
BATCH_YIELD: Final = 0.05
# Below this a limit is not shared out.
SMALLEST_SHARED: Final = 10
# How far ahead of an even pace batch may run.
BATCH_BURST_US: Final = 300 * SECOND


class WindowsError(VaultError, ValueError):
    """The limits of a key make no sense."""

    code = "windows"


@dataclass(frozen=True, slots=True)
class Window:
    """One vendor limit of a key, and how much of it is spent.

    Attributes:
        seconds: the span.
        limit: requests that the vendor allows in it.
        counted: permits whose use-by lies beyond the horizon.
        horizon_us: permits with a use-by up to here have left.
        reset_from_us: earliest moment of the next turn that the vendor named; 0: none is known.
        reset_until_us: latest moment of that turn.
    """

    seconds: int
    limit: int
    counted: int = 0
    horizon_us: int = 0
    reset_from_us: int = 0
    reset_until_us: int = 0


@dataclass(frozen=True, slots=True)
class KeyState:
    """What the pool knows of one key.

    Attributes:
        windows: by growing span.
        high_water_us: the latest time at which the state was written.
        next_free_us: no interactive permit is free before; when it lies in the past, look.
        batch_free_us: no batch permit before.
        cooled_until_us: the vendor refused a request: nothing before.
        foreign_seen_us: when somebody else's use was last seen.
        interactive_load: interactive permits of the last day, old ones fading.
    """

    windows: tuple[Window, ...]
    high_water_us: int = 0
    next_free_us: int = 0
    batch_free_us: int = 0
    cooled_until_us: int = 0
    foreign_seen_us: int = 0
    interactive_load: float = 0.0

    @property
    def headroom(self) -> int:
        """Permits left in the longest window."""
        return self.windows[-1].limit - self.windows[-1].counted


def fresh(*, limits: Sequence[tuple[int, int]], now_us: int, transit_us: int) -> KeyState:
    """The state of a key that has carried nothing.

    Args:
        limits: (seconds, requests) of each vendor window, in any order.
        now_us: the present.
        transit_us: the longest way of a request to the vendor.

    Raises:
        WindowsError: no window, a span twice, or a number below 1.
    """
    spans = {seconds for seconds, _ in limits}
    if not limits or len(spans) != len(limits) or any(min(pair) < 1 for pair in limits):
        message = "a key needs windows of one second and one request or more, each span once"
        raise WindowsError(message)
    return KeyState(
        windows=tuple(
            Window(seconds=seconds, limit=limit, horizon_us=now_us - seconds * SECOND - transit_us)
            for seconds, limit in sorted(limits)
        ),
        high_water_us=now_us,
    )


def horizon_us(*, window: Window, now_us: int, transit_us: int) -> int:
    """Up to which use-by permits have left the window; it never moves back."""
    horizon = max(window.horizon_us, now_us - window.seconds * SECOND - transit_us)
    if 0 < window.reset_until_us <= now_us:
        horizon = max(horizon, window.reset_from_us - transit_us)
    return horizon


def advance(*, state: KeyState, now_us: int, transit_us: int, left: Sequence[int]) -> KeyState:
    """Moves the horizons on.

    Args:
        state: as it was written.
        now_us: the present, not before `state.high_water_us`.
        transit_us: the longest way of a request to the vendor.
        left: for each window the permits of the log with a use-by beyond its old horizon and up to
            `horizon_us` of now.
    """
    windows = []
    for window, gone in zip(state.windows, left, strict=True):
        horizon = horizon_us(window=window, now_us=now_us, transit_us=transit_us)
        is_past = window.reset_until_us <= now_us
        # Each lease does this for each window: the constructor costs a third of replace().
        windows.append(
            Window(
                seconds=window.seconds,
                limit=window.limit,
                counted=window.counted - gone,
                horizon_us=horizon,
                reset_from_us=0 if is_past else window.reset_from_us,
                reset_until_us=0 if is_past else window.reset_until_us,
            )
        )
    return replace(
        state,
        windows=tuple(windows),
        high_water_us=now_us,
        interactive_load=_faded(state=state, now_us=now_us),
    )


def usable(*, window: Window, state: KeyState, traffic_class: TrafficClass = "interactive") -> int:
    """Of a window's limit the part that a class may spend, what is spent already included."""
    limit = window.limit
    seen_us = state.foreign_seen_us
    if seen_us and state.high_water_us - seen_us < RESERVE_HOLDS_US:
        limit -= _share(RESERVE, window.limit)
    if traffic_class == "batch":
        limit -= _share(BATCH_YIELD, window.limit)
    return max(limit, 0)


def free_permits(*, state: KeyState, traffic_class: TrafficClass = "interactive") -> int:
    """How many permits the key can give at `state.high_water_us`."""
    now_us = state.high_water_us
    if now_us < state.cooled_until_us:
        return 0
    room = min(
        usable(window=window, state=state, traffic_class=traffic_class) - window.counted
        for window in state.windows
    )
    if traffic_class == "batch":
        room = min(room, _paced(state=state))
    return max(room, 0)


def grant(
    *, state: KeyState, permits: int, traffic_class: TrafficClass, leaves: Sequence[int | None],
    use_by_us: int, transit_us: int,
) -> KeyState:  # fmt: skip
    """Counts a grant, and says when the next permit is free.

    Args:
        state: advanced to now.
        permits: at most `free_permits`.
        traffic_class: who asked.
        leaves: for each window the oldest use-by that it still counts, None when it counts none.
        use_by_us: the last moment to use the new permits.
        transit_us: the longest way of a request to the vendor.
    """
    batch_free_us, load = state.batch_free_us, state.interactive_load + permits
    if traffic_class == "batch":
        batch_free_us, load = _batch_due(state=state, permits=permits), state.interactive_load
    windows = tuple(
        Window(
            seconds=each.seconds,
            limit=each.limit,
            counted=each.counted + permits,
            horizon_us=each.horizon_us,
            reset_from_us=each.reset_from_us,
            reset_until_us=each.reset_until_us,
        )
        for each in state.windows
    )
    after = replace(state, windows=windows, batch_free_us=batch_free_us, interactive_load=load)
    next_free_us = 0
    for window, oldest in zip(windows, leaves, strict=True):
        if window.counted >= usable(window=window, state=after):
            first = use_by_us if oldest is None else min(oldest, use_by_us)
            moment = leaves_at_us(window=window, use_by_us=first, transit_us=transit_us)
            next_free_us = max(next_free_us, moment)
    return replace(after, next_free_us=next_free_us)


def with_reset(*, state: KeyState, seconds: int, from_us: int, until_us: int) -> KeyState:
    """The state with the vendor's word on when one of its standing windows turns.

    Args:
        state: as it is.
        seconds: which window.
        from_us: the earliest moment of the turn.
        until_us: the latest.
    """
    windows = tuple(
        replace(each, reset_from_us=from_us, reset_until_us=until_us)
        if each.seconds == seconds
        else each
        for each in state.windows
    )
    return replace(state, windows=windows, next_free_us=0)


def cooled(*, state: KeyState, until_us: int) -> KeyState:
    """The state after the vendor refused a request."""
    return replace(state, cooled_until_us=max(state.cooled_until_us, until_us))


def free_from(*, state: KeyState, free_us: int) -> KeyState:
    """The state with the moment of the next interactive permit, as the log tells it."""
    return replace(state, next_free_us=free_us)


def leaves_at_us(*, window: Window, use_by_us: int, transit_us: int) -> int:
    """When a permit with this use-by leaves the window, as far as is known now."""
    slides_out = use_by_us + transit_us + window.seconds * SECOND
    if window.reset_until_us and use_by_us + transit_us <= window.reset_from_us:
        return min(slides_out, window.reset_until_us)
    return slides_out


def settle(
    *, state: KeyState, counted: int, use_by_us: int, used: int, last_used_us: int
) -> KeyState:
    """Takes back what a lease did not use, and shortens the rest to its last use.

    Args:
        state: advanced to now or not; both are exact.
        counted: permits that the log counts for the lease.
        use_by_us: the lease's use-by in the log.
        used: permits that were used, at most `counted`.
        last_used_us: the last use, at most `use_by_us`.
    """
    windows = tuple(
        replace(
            window,
            counted=window.counted
            - (counted if use_by_us > window.horizon_us else 0)
            + (used if last_used_us > window.horizon_us else 0),
        )
        for window in state.windows
    )
    # Something may be free at once: whoever comes next looks.
    return replace(state, windows=windows, next_free_us=0)


def shifted(*, state: KeyState, by_us: int) -> KeyState:
    """The state after the clock was set back: all its times move along.

    At least no time has passed since the state was written, so nothing leaves too early. The rows
    of the log must be moved by the same amount in the same transaction.
    """
    windows = tuple(
        replace(window, horizon_us=window.horizon_us + by_us, reset_from_us=0, reset_until_us=0)
        for window in state.windows
    )
    return replace(
        state,
        windows=windows,
        high_water_us=state.high_water_us + by_us,
        next_free_us=0,
        batch_free_us=max(state.batch_free_us + by_us, 0),
        cooled_until_us=max(state.cooled_until_us + by_us, 0),
        foreign_seen_us=max(state.foreign_seen_us + by_us, 0),
    )


def _share(part: float, limit: int) -> int:
    """A part of a limit in whole requests, rounded up; a limit too small to share stays whole."""
    return math.ceil(limit * part) if limit >= SMALLEST_SHARED else 0


def _faded(*, state: KeyState, now_us: int) -> float:
    """The interactive load now: it loses a day's share for each part of a day that passed."""
    passed = (now_us - state.high_water_us) / (DAY * SECOND)
    return state.interactive_load / (1 + max(passed, 0.0))


def _batch_interval_us(state: KeyState) -> float:
    """The even pace of batch: what interactive use is not expected to need, spread out."""
    longest = state.windows[-1]
    share = usable(window=longest, state=state, traffic_class="batch")
    share -= int(state.interactive_load * longest.seconds / DAY)
    return longest.seconds * SECOND / max(share, 1)


def _paced(*, state: KeyState) -> int:
    """Batch permits that the pace allows now: 0, or one and what the burst holds."""
    ahead_us = max(state.batch_free_us - state.high_water_us, 0)
    if ahead_us > BATCH_BURST_US:
        return 0
    return 1 + int((BATCH_BURST_US - ahead_us) // _batch_interval_us(state))


def _batch_due(*, state: KeyState, permits: int) -> int:
    start_us = max(state.batch_free_us, state.high_water_us)
    return start_us + int(permits * _batch_interval_us(state))
