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
class _Turn(Generic[Ask, Answer]):
    """Of one thread.

    Attributes:
        ask: what it wants.
        bell: rings when it was served, or when it is to serve.
        served: whom it serves, itself first; empty: another one serves it.
        answer: what it gets; an exception is raised.
    """

    ask: Ask
    bell: threading.Lock = field(default_factory=_closed)
    served: "list[_Turn[Ask, Answer]]" = field(default_factory=list)
    answer: Answer | BaseException | None = None


class Gathering(Generic[Ask, Answer]):
    """A queue whose first thread does the work of all who stand in it.

    Whoever finds a place free begins at once, alone; who comes while all are at work waits, and the
    first of them then does it for all. So nobody waits for company, and the more threads there are,
    the fewer statements each of them costs.
    """

    def __init__(
        self,
        work: Callable[[list[Ask]], Sequence[Answer | Exception]],
        *,
        places: int = 1,
        on_handover: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes an empty queue.

        Args:
            work: gives each ask's answer in order; an exception as an answer is for that ask alone,
                one that it raises for all of them.
            places: how many may be at work at the same time.
            on_handover: gives back what `work` has taken; called when another one goes on with it.
        """
        self._work = work
        self._on_handover = on_handover
        self._lock = threading.Lock()
        self._waiting: deque[_Turn[Ask, Answer]] = deque()
        self._free = places

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def ask(self, ask: Ask) -> Answer:
        """Waits for the answer to one ask.

        Raises:
            Exception: see `work`.
        """
        mine: _Turn[Ask, Answer] = _Turn(ask)
        with self._lock:
            if self._free:
                self._free -= 1
                mine.served = [mine]
            else:
                self._waiting.append(mine)
        if not mine.served:
            mine.bell.acquire()
        if mine.served:
            self._lead(mine.served)
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        return mine.answer  # type: ignore[return-value]  # None only where Answer may be None

    def _lead(self, served: list[_Turn[Ask, Answer]]) -> None:
        try:
            self._serve(served)
        finally:
            with self._lock:
                following = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
                self._free += not following
            for turn in served:
                turn.bell.release()
            if following:
                following[0].served = following
                following[0].bell.release()
                self._on_handover()

    def _serve(self, turns: list[_Turn[Ask, Answer]]) -> None:
        try:
            answers = self._work([turn.ask for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answer = answer
        except BaseException as error:
            for turn in turns:
                turn.answer = error
            raise
