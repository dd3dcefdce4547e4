"""Which leases a program holds, and what it has used of them. Nothing in here talks or waits."""

import threading
from collections import deque
from collections.abc import Callable, Mapping

from latchkey.held import Held

MOST_PERMITS = 100
FIRST_PERMITS = 4
# What is left of a lease's time when it is given up: a request needs a moment to be sent.
MARGIN_SECONDS = 0.1
# After a lease's use-by its last answers are waited for so long; it can be settled for a minute.
ANSWERS_SECONDS = 30.0
# What Latchkey reads of one of the vendor's headers.
HEADER_CHARACTERS = 200
OUTCOMES = {429: "throttled", 401: "unauthorized", 403: "forbidden"}
HEADERS = {
    "limit": "X-RateLimit-Limit",
    "remaining": "X-RateLimit-Remaining",
    "reset": "X-RateLimit-Reset",
}


class Book:
    """The leases of one pool; safe to share between threads.

    Attributes:
        batch: how many permits to ask for.
        chapter: how often it was closed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.chapter = 0
        self.begin()

    def begin(self) -> None:
        """Begins with nothing held."""
        self._lock = threading.Lock()
        self._current: Held | None = None
        self._held: list[Held] = []
        self._lost: deque[Held] = deque()
        self.batch = FIRST_PERMITS

    def take(self) -> Held | None:
        """Gives out one permit, if there is one."""
        with self._lock:
            held = self._usable()
            if held is not None:
                held.used += 1
                held.open += 1
            return held

    def peek(self) -> Held | None:
        """The lease that the next permit would be of."""
        with self._lock:
            return self._usable()

    def is_late(self, held: Held) -> bool:
        """Whether what is left of its time is too short to send a request."""
        return self._clock() >= held.until - MARGIN_SECONDS

    def put_back(self, held: Held) -> None:
        """Takes a permit back that was not used."""
        with self._lock:
            held.used -= 1
            held.open -= 1

    def lose(self, held: Held) -> None:
        """Notes that a request was given up; the garbage collector may call it at any point."""
        self._lost.append(held)

    def note(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Notes how the vendor answered; see `latchkey.pool.Pool.give_back`."""
        told = {name: str(headers.get(header) or "") for name, header in HEADERS.items()}
        outcome = OUTCOMES.get(status or 0)
        with self._lock:
            held.open -= 1
            held.used += redirects
            # Whoever has answered has received; without an answer it may be on its way still.
            held.last_used = held.until if status is None else max(self._clock(), held.last_used)
            if all(0 < len(value) <= HEADER_CHARACTERS for value in told.values()):
                held.rate_limit = told
            if outcome is not None:
                held.outcome, held.is_over = outcome, True

    def open(self, held: Held, *, chapter: int) -> bool:
        """Makes a lease the one that permits are of.

        Args:
            held: it.
            chapter: when it was asked for; when the book was closed since, nobody would settle it.

        Returns:
            Whether it can be used.
        """
        with self._lock:
            if chapter != self.chapter or self.is_late(held):
                return False
            self._current = held
            self._held.append(held)
            return True

    def due(self) -> list[Held]:
        """Leases that are done; each is handed out once."""
        while self._lost:
            self.note(self._lost.popleft(), status=None, headers={})
        with self._lock:
            self._usable()
            done = [each for each in self._held if self._is_done(each)]
            self._held = [each for each in self._held if each not in done]
            return done

    def close(self) -> list[Held]:
        """Ends all of them; each is handed out once."""
        with self._lock:
            self.chapter += 1
            ended, self._held, self._current = self._held, [], None
            for held in ended:
                held.is_over = True
            return ended

    def _usable(self) -> Held | None:
        """The current lease; one that cannot be used any more is put aside."""
        held = self._current
        if held is None:
            return None
        is_spent = held.used >= held.lease.permits
        if not (is_spent or held.is_over or self.is_late(held)):
            return held
        # What was spent in time may well be more next time; what was not may be less.
        self.batch = min(self.batch * 2, MOST_PERMITS) if is_spent else max(held.used, 1)
        held.is_over, self._current = True, None
        return None

    def _is_done(self, held: Held) -> bool:
        is_waited_for = held.open and self._clock() < held.until + ANSWERS_SECONDS
        return held.is_over and not is_waited_for
