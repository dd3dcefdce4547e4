"""Serving what several threads ask at the same time by one of them, all at once.

Whoever waits in such a queue must hold nothing that the one who serves may need: no connection of
a pool (see `keyvault.pool.turns.holds_connection`), no lock.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

MOST: Final = 32
# So long an ask waits for those that are expected; a thread that takes longer is not waited for.
PATIENCE_SECONDS: Final = 0.02


def _closed() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Turn(Generic[Ask, Answer]):
    """Of one thread.

    Attributes:
        ask: what it wants.
        thread: its identity.
        bell: rings when it was served, or when it is to serve.
        is_patient: whether it waits for those who are expected.
        served: whom it serves, itself first; empty: another one serves it.
        answer: what it gets; an exception is raised.
    """

    ask: Ask
    thread: int = field(default_factory=threading.get_ident)
    bell: threading.Lock = field(default_factory=_closed)
    is_patient: bool = True
    served: "list[_Turn[Ask, Answer]]" = field(default_factory=list)
    answer: Answer | BaseException | None = None


class Company:
    """Threads that ask at one or more queues, and which of them are on their way.

    One of them is at work at a time: what the others come with meanwhile makes the next batch
    larger.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queues: list[Gathering[Any, Any]] = []
        self._expected: set[int] = set()
        self._is_at_work = False

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Lets others wait for this thread, which will ask soon."""
        self.expect([threading.get_ident()])
        try:
            yield
        finally:
            self.leave()

    def expect(self, threads: Iterable[int]) -> None:
        """Lets others wait for threads that will ask soon.

        Each of them asks or calls `leave` before it waits for anything else.

        Args:
            threads: their identities.
        """
        with self.lock:
            self._expected.update(threads)

    def leave(self) -> None:
        """Lets nobody wait for this thread any more."""
        with self.lock:
            self._expected.discard(threading.get_ident())
            first = self._next()
        _ring(first)

    def line_up(self, turn: _Turn[Any, Any], *, queue: "Gathering[Any, Any]") -> None:
        """Puts a thread at the end of a queue; whoever is to serve now is told."""
        with self.lock:
            self._expected.discard(turn.thread)
            queue.waiting.append(turn)
            first = self._next()
        _ring(first)

    def hurry(self, turn: _Turn[Any, Any]) -> None:
        """Waits no more for those who are expected, once this turn has come."""
        with self.lock:
            turn.is_patient = False
            first = self._next()
        _ring(first)

    def end(self, *, expected: Iterable[int]) -> bool:
        """Ends the work of a thread; whoever is to serve next is told.

        Args:
            expected: the threads that will ask again soon.

        Returns:
            Whether another thread serves now.
        """
        with self.lock:
            self._is_at_work = False
            self._expected.update(expected)
            first = self._next()
        _ring(first)
        return first is not None

    def _next(self) -> _Turn[Any, Any] | None:
        """Who is to serve now; called with the lock."""
        queue = next((each for each in self.queues if each.waiting), None)
        if queue is None or self._is_at_work:
            return None
        if not queue.waiting[0].is_patient:
            self._expected.clear()
        if self._expected and len(queue.waiting) < MOST:
            return None
        self._is_at_work = True
        return queue.first()


class Gathering(Generic[Ask, Answer]):
    """A queue whose first thread does the work of all who stand in it.

    Who comes while one is at work waits, and the first of them then does it for all. Threads that
    are known to be on their way are waited for as well, a moment at most; while they use the
    processor nobody loses by that. Who comes alone begins at once.
    """

    def __init__(
        self,
        work: Callable[[list[Ask]], Sequence[Answer | Exception]],
        *,
        company: Company | None = None,
        asks_again: bool = False,
        on_handover: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes an empty queue.

        Args:
            work: gives each ask's answer in order; an exception as an answer is for that ask alone,
                one that it raises for all of them.
            company: whom to wait for; of its queues the one that was made first is served first.
            asks_again: whether those who were served are expected at another queue next.
            on_handover: gives back what `work` has taken; called unless a thread was served alone
                and nobody follows it.
        """
        self._work = work
        self._company = company or Company()
        self._company.queues.append(self)
        self._asks_again = asks_again
        self._on_handover = on_handover
        self.waiting: deque[_Turn[Ask, Answer]] = deque()

    def first(self) -> _Turn[Ask, Answer]:
        """Takes those who wait, MOST at most; the first of them is to serve all."""
        served = [self.waiting.popleft() for _ in range(min(len(self.waiting), MOST))]
        served[0].served = served
        return served[0]

    def ask(self, ask: Ask) -> Answer:
        """Waits for the answer to one ask.

        Raises:
            Exception: see `work`.
        """
        mine: _Turn[Ask, Answer] = _Turn(ask)
        self._company.line_up(mine, queue=self)
        if not mine.bell.acquire(timeout=PATIENCE_SECONDS):
            self._company.hurry(mine)
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
            again = [turn.thread for turn in served] if self._asks_again else []
            is_followed = self._company.end(expected=again)
            for turn in served:
                turn.bell.release()
            if is_followed or len(served) > 1:
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


def _ring(turn: _Turn[Any, Any] | None) -> None:
    if turn is not None:
        turn.bell.release()
