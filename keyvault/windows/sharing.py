"""Who may have how much of a key: foreign clients, interactive use, batch at an even pace."""

import math
from typing import Final

from keyvault.windows.state import DAY, SECOND, KeyState, TrafficClass, Window

# Kept free once somebody else is seen to use the key, for as long as a sighting is remembered.
RESERVE: Final = 0.02
RESERVE_HOLDS_US: Final = 3_600 * SECOND
# Batch leaves this much of each window to interactive use.
BATCH_YIELD: Final = 0.05
# Below this a limit is not shared out.
SMALLEST_SHARED: Final = 10
# How far ahead of an even pace batch may run.
BATCH_BURST_US: Final = 300 * SECOND


def usable(*, window: Window, state: KeyState, traffic_class: TrafficClass = "interactive") -> int:
    """Of a window's limit the part that a class may spend, what is spent already included."""
    limit = window.limit
    if is_shared(state):
        limit -= _share(RESERVE, window.limit)
    if traffic_class == "batch":
        limit -= _share(BATCH_YIELD, window.limit)
    return max(limit, 0)


def is_shared(state: KeyState) -> bool:
    """Whether somebody else was seen to use the key, not too long ago."""
    seen_us = state.foreign_seen_us
    return bool(seen_us) and state.high_water_us - seen_us < RESERVE_HOLDS_US


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


def faded(*, state: KeyState, now_us: int) -> float:
    """The interactive load now: it loses a day's share for each part of a day that passed."""
    passed = (now_us - state.high_water_us) / (DAY * SECOND)
    return state.interactive_load / (1 + max(passed, 0.0))


def batch_due(*, state: KeyState, permits: int) -> int:
    """Until when a grant to batch has used up the pace."""
    start_us = max(state.batch_free_us, state.high_water_us)
    return start_us + int(permits * _batch_interval_us(state))


def _share(part: float, limit: int) -> int:
    """A part of a limit in whole requests, rounded up; a limit too small to share stays whole."""
    return math.ceil(limit * part) if limit >= SMALLEST_SHARED else 0


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
