"""When Latchkey may be asked again after it gave nothing, for all threads of a pool together."""

import copy
from collections.abc import Callable

from latchkey.errors import LatchkeyError, PoolEmptyError

# An answer that names no time to wait is not believed for long.
SHORTEST_PAUSE_SECONDS = 0.005
SHORT_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

# What went wrong, and how long to wait before asking again.
Refusal = tuple[LatchkeyError, float]


class Turns:
    """What Latchkey said last, when it gave nothing; for whoever holds the right to ask."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.succeed()

    def succeed(self) -> None:
        """Forgets it."""
        self._failure: LatchkeyError | None = None
        self._come_back = self._ask_at = 0.0
        self._shortest = SHORTEST_PAUSE_SECONDS
        self._pause = SHORT_PAUSE_SECONDS

    def fail(self, failure: LatchkeyError) -> Refusal:
        """Keeps it."""
        if isinstance(failure, PoolEmptyError):
            pause = max(failure.retry_after_seconds, self._shortest)
            self._shortest = min(self._shortest * 2, SHORT_PAUSE_SECONDS)
        else:
            pause = self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        now = self._clock()
        self._failure, self._come_back = failure, now + pause
        # Somebody may settle or add a key meanwhile: who has not heard may ask soon again.
        self._ask_at = now + min(pause, SHORT_PAUSE_SECONDS)
        return failure, pause

    def refusal(self) -> Refusal | None:
        """What was said a moment ago, to whoever comes next; None: ask."""
        now = self._clock()
        if self._failure is None or now >= self._ask_at:
            return None
        return copy.copy(self._failure), max(self._come_back - now, 0.0)
