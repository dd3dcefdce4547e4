"""Counting permits: what enters a window, what leaves it, and when."""

from collections.abc import Sequence
from dataclasses import replace

from keyvault.windows.sharing import batch_due, faded, usable
from keyvault.windows.state import SECOND, KeyState, TrafficClass, Window


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
        interactive_load=faded(state=state, now_us=now_us),
    )


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
        batch_free_us, load = batch_due(state=state, permits=permits), state.interactive_load
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

    A turn that may be under way is kept when the vendor names the next one: what it lets leave has
    not been looked for yet.

    Args:
        state: as it is.
        seconds: which window.
        from_us: the earliest moment of the turn.
        until_us: the latest.
    """
    windows = tuple(
        replace(each, reset_from_us=from_us, reset_until_us=until_us)
        if each.seconds == seconds and not _turns(each, now_us=state.high_water_us, next_us=from_us)
        else each
        for each in state.windows
    )
    return replace(state, windows=windows, next_free_us=0)


def _turns(window: Window, *, now_us: int, next_us: int) -> bool:
    """Whether a turn that was named may have come, and the one at `next_us` is another."""
    return 0 < window.reset_from_us <= now_us and next_us > window.reset_until_us


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
        used: requests that were sent, more than `counted` when the lease was overspent.
        last_used_us: the last one, after `use_by_us` only when it was overspent.
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
