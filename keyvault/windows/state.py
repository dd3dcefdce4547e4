"""What the pool knows of a key: each window, and how much of it is spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from keyvault.errors import VaultError

TrafficClass = Literal["interactive", "batch"]

SECOND: Final = 1_000_000
DAY: Final = 86_400
# The longest way of a request to the vendor, unless the setting of that name says otherwise.
TRANSIT_SECONDS: Final = 0.5
# A step back of the clock that is waited out; a longer one moves the log along with the clock.
CLOCK_TOLERANCE_US: Final = 5 * SECOND


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
