"""Spending permits: leases in batches ahead of need, settled with what the vendor says.

No clock but the monotonic one of this process is used. A lease's use-by is counted from the moment
before it was asked for, which is earlier than the grant: so a permit is never used late, whatever
the clocks of the two machines say. For the same reason the last use is reported as the use-by minus
what was left of it.
"""

import base64
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from latchkey.auth import auth_of
from latchkey.connection import Connection
from latchkey.errors import LatchkeyError, PoolEmptyError, UnavailableError
from latchkey.held import Held

MOST_PERMITS = 100
FIRST_PERMITS = 4
# What is left of a lease's time when it is given up: a request needs a moment to be sent.
MARGIN_SECONDS = 0.1
# Between two asks for a permit: an answer that names no time to wait is not believed for long.
SHORTEST_PAUSE_SECONDS = 0.005
SHORT_PAUSE_SECONDS = 0.1
# Of an X25519 or Ed25519 private key.
KEY_BYTES = 32
# What Latchkey reads of one of the vendor's headers.
HEADER_CHARACTERS = 200
OUTCOMES = {429: "throttled", 401: "unauthorized", 403: "forbidden"}
HEADERS = {
    "limit": "X-RateLimit-Limit",
    "remaining": "X-RateLimit-Remaining",
    "reset": "X-RateLimit-Reset",
}


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
        self._lock = threading.Lock()
        self._leasing = threading.Lock()
        self._held: Held | None = None
        self._batch = FIRST_PERMITS

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
        """Where the vendor's API of this store is; leases when nothing is held yet."""
        return self._current().lease.base_url

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
        """
        while True:
            held = self._current()
            with self._lock:
                if self._is_usable(held):
                    held.used += 1
                    held.open += 1
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
            if held.used >= held.lease.permits:
                held.is_over = True
        self._settle_when_done(held)

    def close(self) -> None:
        """Gives back what is not used."""
        with self._lock:
            held, self._held = self._held, None
            if held is not None:
                held.is_over = True
        if held is not None:
            self._settle_when_done(held)
        self._connection.close()

    def _current(self) -> Held:
        """A lease that can be used; one thread at a time asks for a new one."""
        held = self._held
        if held is not None and self._is_usable(held):
            return held
        with self._leasing:
            with self._lock:
                held = self._held
                if held is not None and self._is_usable(held):
                    return held
                self._held = None
                if held is not None:
                    self._learn(held)
                    held.is_over = True
            if held is not None:
                self._settle_when_done(held)
            fresh = self._lease()
            with self._lock:
                self._held = fresh
            return fresh

    def _is_usable(self, held: Held) -> bool:
        is_late = self._clock() >= held.until - MARGIN_SECONDS
        return not held.is_over and not is_late and held.used < held.lease.permits

    def _learn(self, held: Held) -> None:
        """What was spent in time may well be more next time; what was not may be less."""
        if held.used >= held.lease.permits:
            self._batch = min(self._batch * 2, MOST_PERMITS)
        else:
            self._batch = max(held.used, 1)

    def _lease(self) -> Held:
        """A new lease, asked for until the time to wait is over."""
        give_up = self._clock() + self._wait
        pause, shortest = 0.1, SHORTEST_PAUSE_SECONDS
        while True:
            before = self._clock()
            try:
                lease = self._connection.lease(
                    self._store,
                    permits=self._batch,
                    traffic_class=self._class,
                    use_within_seconds=self._use_within,
                )
            except PoolEmptyError as error:
                failure: LatchkeyError = error
                pause = max(error.retry_after_seconds, shortest)
                shortest = min(shortest * 2, SHORT_PAUSE_SECONDS)
            except UnavailableError as error:
                failure = error
                pause = min(pause * 2, 5.0)
            else:
                return Held(lease=lease, until=before + self._use_within)
            if self._clock() + pause > give_up:
                raise failure
            self._sleep(pause)

    def _settle_when_done(self, held: Held) -> None:
        """Settles once; when Latchkey is away its permits simply count as used."""
        with self._lock:
            if not held.is_over or held.open or held.is_settled:
                return
            held.is_settled = True
            if self._held is held:
                self._held = None
                self._learn(held)
        left = timedelta(seconds=max(held.until - held.last_used, 0.0))
        with suppress(LatchkeyError):
            self._connection.settle(
                held.lease.id,
                used=held.used,
                outcome=held.outcome,
                last_used_at=held.lease.use_by - left if held.used else None,
                rate_limit=held.rate_limit,
            )


def pool(store: str, *, url: str | None = None, token: str | None = None, **options: Any) -> Pool:
    """A store's permits; see `Pool` for the options.

    Args:
        store: the store's id.
        url: default: LATCHKEY_URL.
        token: default: LATCHKEY_TOKEN.
        **options: for `Pool`.
    """
    return Pool(connection=connect(url=url, token=token), store=store, **options)


def connect(*, url: str | None = None, token: str | None = None) -> Connection:
    """The way to Latchkey that the environment names.

    Raises:
        ValueError: LATCHKEY_URL or LATCHKEY_TOKEN is missing, or a key is no base64.
    """
    url, token = url or os.environ.get("LATCHKEY_URL"), token or os.environ.get("LATCHKEY_TOKEN")
    if not url or not token:
        message = "set LATCHKEY_URL and LATCHKEY_TOKEN"
        raise ValueError(message)
    return Connection(
        url=url,
        token=token,
        private_key=_key("LATCHKEY_PRIVATE_KEY"),
        signing_key=_key("LATCHKEY_SIGNING_KEY"),
    )


def _key(name: str) -> bytes | None:
    text = os.environ.get(name)
    if not text:
        return None
    with suppress(ValueError):
        key = base64.b64decode("".join(text.split()), validate=True)
        if len(key) == KEY_BYTES:
            return key
    message = f"{name} is the base64 of {KEY_BYTES} raw bytes"
    raise ValueError(message)
