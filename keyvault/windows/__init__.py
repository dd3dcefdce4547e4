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

from keyvault.windows.counting import (
    advance,
    cooled,
    free_from,
    grant,
    horizon_us,
    leaves_at_us,
    settle,
    shifted,
    with_reset,
)
from keyvault.windows.sharing import (
    BATCH_BURST_US,
    BATCH_YIELD,
    RESERVE,
    RESERVE_HOLDS_US,
    free_permits,
    is_shared,
    usable,
)
from keyvault.windows.state import (
    CLOCK_TOLERANCE_US,
    DAY,
    SECOND,
    TRANSIT_SECONDS,
    KeyState,
    TrafficClass,
    Window,
    WindowsError,
    fresh,
)

__all__ = [
    "BATCH_BURST_US",
    "BATCH_YIELD",
    "CLOCK_TOLERANCE_US",
    "DAY",
    "RESERVE",
    "RESERVE_HOLDS_US",
    "SECOND",
    "TRANSIT_SECONDS",
    "KeyState",
    "TrafficClass",
    "Window",
    "WindowsError",
    "advance",
    "cooled",
    "free_from",
    "free_permits",
    "fresh",
    "grant",
    "horizon_us",
    "is_shared",
    "leaves_at_us",
    "settle",
    "shifted",
    "usable",
    "with_reset",
]
