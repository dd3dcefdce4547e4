"""Serving what several threads ask at the same time by one of them, all at once.

Whoever waits in such a queue must hold nothing that the one who serves may need: no connection of
a pool (see `keyvault.pool.turns.holds_connection`), no lock.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

MOST: Final = 32


def _closed() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Place(Generic[Ask, Answer]):
    """Of a thread in the queue.

    Attributes:
        ask: what it wants.
        bell: rings when it was served, or when it is to lead.
        leads: whether it serves those who wait.
        answer: what it gets; an exception is raised.
    """

    ask: Ask
    bell: threading.Lock = field(default_factory=_closed)
    leads: bool = False
    answer: Answer | BaseException | None = None


class Gathering(Generic[Ask, Answer]):
    """A queue whose first thread does the work of all who stand in it.

    Whoever finds nobody at work begins at once, alone; who comes meanwhile waits, and the first of
    them then does it for all. So nobody waits for company, and the more threads there are, the
    fewer statements each of them costs.
    """

    def __init__(
        self,
        work: Callable[[list[Ask]], Sequence[Answer | Exception]],
        *,
        on_handover: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes an empty queue.

        Args:
            work: gives each ask's answer in order; an exception as an answer is for that ask alone,
                one that it raises for all of them.
            on_handover: gives back what `work` has taken; called when another one goes on with it.
        """
        self._work = work
        self._on_handover = on_handover
        self._lock = threading.Lock()
        self._waiting: deque[_Place[Ask, Answer]] = deque()
        self._is_led = False

    def __len__(self) -> int:
        """How many wait for the next turn."""
        return len(self._waiting)

    def ask(self, ask: Ask) -> Answer:
        """Waits for the answer to one ask.

        Raises:
            Exception: see `work`.
        """
        mine: _Place[Ask, Answer] = _Place(ask)
        with self._lock:
            self._waiting.append(mine)
            mine.leads = not self._is_led
            self._is_led = True
        if not mine.leads:
            mine.bell.acquire()
        if mine.leads:
            self._lead()
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        return mine.answer  # type: ignore[return-value]  # None only where Answer may be None

    def _lead(self) -> None:
        with self._lock:
            served = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        try:
            self._serve(served)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                if following is None:
                    self._is_led = False
                else:
                    following.leads = True
            for place in served:
                place.bell.release()
            if following is not None:
                following.bell.release()
                self._on_handover()

    def _serve(self, places: list[_Place[Ask, Answer]]) -> None:
        try:
            answers = self._work([place.ask for place in places])
            for place, answer in zip(places, answers, strict=True):
                place.answer = answer
        except BaseException as error:
            for place in places:
                place.answer = error
            raise
