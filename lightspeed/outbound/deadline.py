"""A moment by which something must be done, however slowly the other side trickles."""

import time
from collections.abc import Callable
from dataclasses import dataclass

#: Seconds of a clock that never jumps.
Monotonic = Callable[[], float]

#: For one request: look-up, connection, TLS, headers and body together.
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock.

    Attributes:
        at: the reading of `clock` at which it is over.
        clock: where the time comes from.
    """

    at: float
    clock: Monotonic

    @classmethod
    def after(cls, seconds: float, *, clock: Monotonic = time.monotonic) -> "Deadline":
        """Start one that is over in `seconds`."""
        return cls(at=clock() + seconds, clock=clock)

    def sooner(self, seconds: float) -> "Deadline":
        """Return one that is over in `seconds`, or with this one, whichever comes first."""
        return Deadline(at=min(self.at, self.clock() + seconds), clock=self.clock)

    def seconds_left(self) -> float:
        """Return what is left, never below 0."""
        return max(self.at - self.clock(), 0.0)

    def is_over(self) -> bool:
        """Tell whether nothing is left."""
        return self.seconds_left() <= 0
