"""Spending permits: leases in batches ahead of need, settled with what the vendor says.

No clock but the monotonic one of this process is used. A lease's use-by is counted from the moment
before it was asked for, which is earlier than the grant: so a permit is never used late, whatever
the clocks of the two machines say. For the same reason the last use is reported as the use-by minus
what was left of it.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from latchkey.auth import auth_of
from latchkey.book import HEADERS, MARGIN_SECONDS, Book
from latchkey.connection import Connection
from latchkey.environment import connect
from latchkey.errors import LatchkeyError, PoolEmptyError, UnavailableError
from latchkey.forked import renew_in_child
from latchkey.held import Held
from latchkey.hidden import Secret
from latchkey.turns import Refusal, Turns

__all__ = ["HEADERS", "Pool", "connect", "pool"]


class Pool:
    """One store's permits; safe to share between threads.

    Args:
        connection: the way to Latchkey.
        store: the store's id.
        traffic_class: "batch" for what can wait.
        use_within_seconds: how long a batch of permits lives; short ones are free again sooner.
        wait_seconds: how long a request waits for a permit before `PoolEmptyError`.
        clock: monotonic seconds.
        sleep: waits.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        store: str,
        traffic_class: str = "interactive",
        use_within_seconds: int = 2,
        wait_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._store = store
        self._class = traffic_class
        self._use_within = use_within_seconds
        self._wait = wait_seconds
        self._clock = clock
        self._sleep = sleep
        self._book = Book(clock)
        self.begin()
        renew_in_child(self)

    def begin(self) -> None:
        """Begins with no lease; what another process holds is its own."""
        self._leasing = threading.Lock()
        self._turns = Turns(self._clock)
        self._told: str | None = None
        self._has_moved = False
        self._book.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Where the vendor's API of this store is; the first time it leases to find out."""
        if self._told is None or self._has_moved:
            give_up = self._clock() + self._wait
            while (held := self._book.peek()) is None:
                self._pause(self._refresh(give_up))
            self._told, self._has_moved = held.lease.base_url, False
        return self._told

    @property
    def auth(self) -> Any:  # noqa: ANN401  # an auth object of whichever library is there
        """An auth object for httpx and requests."""
        return auth_of(self)

    def take(self) -> Held:
        """Takes one permit, waiting for it when the pool is empty.

        Returns:
            The lease that it belongs to; `give_back` it with the vendor's answer.

        Raises:
            PoolEmptyError: none came free within `wait_seconds`.
            UnavailableError: Latchkey did not answer within `wait_seconds`.
            LeaseRefusedError: the store has no key, or the token no right.
            LatchkeyError: the store is elsewhere now; ask for `base_url` again.
        """
        give_up = self._clock() + self._wait
        while (held := self._taken()) is None:
            self._pause(self._refresh(give_up))
        return held

    async def take_async(self) -> Held:
        """Does what `take` does, while the event loop goes on."""
        give_up = self._clock() + self._wait
        while (held := self._taken()) is None:
            # No permit is taken in that thread: a task that is cancelled could not give it back.
            await asyncio.sleep(await asyncio.to_thread(self._refresh, give_up))
        return held

    def give_back(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Says how the vendor answered; a lease that is done is settled.

        Args:
            held: as `take` gave it.
            status: the vendor's; None: there was no answer.
            headers: the vendor's.
            redirects: further requests that were sent to follow the vendor's word.
        """
        self._book.note(held, status=status, headers=headers, redirects=redirects)
        self._settle(self._book.due())

    async def give_back_async(
        self, held: Held, *, status: int | None, headers: Mapping[str, str], redirects: int = 0
    ) -> None:
        """Does what `give_back` does, while the event loop goes on."""
        self._book.note(held, status=status, headers=headers, redirects=redirects)
        if due := self._book.due():
            await asyncio.to_thread(self._settle, due)

    def is_late(self, held: Held) -> bool:
        """Whether a permit can no longer be used in time."""
        return self._book.is_late(held)

    def put_back(self, held: Held) -> None:
        """Takes a permit back that was not used."""
        self._book.put_back(held)

    def lose(self, held: Held) -> None:
        """Says that nobody will say how the vendor answered; counts when the pool is next used."""
        self._book.lose(held)

    def close(self) -> None:
        """Gives back what is not used."""
        self._settle(self._book.due() + self._book.close())
        self._connection.close()

    def _taken(self) -> Held | None:
        held = self._book.take()
        if held is not None and self._told not in {None, held.lease.base_url}:
            self._book.put_back(held)
            self._has_moved = True
            message = f"this store is at {held.lease.base_url} now: ask for base_url again"
            raise LatchkeyError(message)
        return held

    def _refresh(self, give_up: float) -> float:
        """Asks for a lease when none can be used; one thread at a time.

        Returns:
            How long to wait before looking again; 0: there is one.
        """
        with self._leasing:
            if self._book.peek() is not None:
                return 0.0
            self._settle(self._book.due())
            refusal = self._turns.refusal() or self._refusal_to_lease()
        if refusal is None:
            return 0.0
        failure, pause = refusal
        if self._clock() + pause > give_up:
            raise failure
        return pause

    def _refusal_to_lease(self) -> Refusal | None:
        try:
            self._lease()
        except (PoolEmptyError, UnavailableError) as error:
            return self._turns.fail(error)
        self._turns.succeed()
        return None

    def _lease(self) -> None:
        before, chapter = self._clock(), self._book.chapter
        lease = self._connection.lease(
            self._store,
            permits=self._book.batch,
            traffic_class=self._class,
            use_within_seconds=self._use_within,
        )
        held = Held(lease=lease, until=before + self._use_within)
        if self._book.open(held, chapter=chapter):
            return
        self._settle([held])
        if self._clock() >= held.until - MARGIN_SECONDS:
            message = (
                "Latchkey's answer came too late to be used: "
                f"ask for a longer use_within_seconds than {self._use_within}"
            )
            raise UnavailableError(message)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)

    def _settle(self, done: list[Held]) -> None:
        """Settles; when Latchkey is away the permits simply count as used."""
        for held in done:
            left = timedelta(seconds=max(held.until - held.used_until, 0.0))
            with suppress(LatchkeyError):
                self._connection.settle(
                    held.lease.id,
                    used=held.used,
                    outcome=held.outcome,
                    last_used_at=held.lease.use_by - left if held.used else None,
                    rate_limit=held.rate_limit,
                )


def pool(
    store: str, *, url: str | None = None, token: str | Secret[str] | None = None, **options: Any
) -> Pool:
    """A store's permits; see `Pool` for the options.

    Args:
        store: the store's id.
        url: default: LATCHKEY_URL.
        token: default: LATCHKEY_TOKEN.
        **options: for `Pool`.
    """
    token = Secret.or_none(token)
    return Pool(connection=connect(url=url, token=token), store=store, **options)
