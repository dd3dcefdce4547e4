"""Ways to spend a store's keys in one of several processes: Latchkey, limiter libraries, none.

Each takes the plan of its process and gives a function that sends one request, or waits a moment
when it finds nothing free. The libraries are used as their own documentation shows:

limits           one process cannot see another's counters without Redis, so each has its share
pyrate-limiter   counts in PostgreSQL, for all processes together
blind            round-robin that pauses when it is refused
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from latchkey.connection import Connection
from latchkey.errors import LatchkeyError
from latchkey.pool import Pool

PAUSE_SECONDS = 0.02
REFUSED_PAUSE_SECONDS = 0.5

Plan = dict[str, Any]
Send = Callable[[str, str], tuple[int, dict[str, str]]]
# Sends one request, if it may; the seconds that it waited before, None when it sent none.
Work = Callable[[Send, float], float | None]


def latchkey(plan: Plan) -> Work:
    """Permits of leases."""
    connection = Connection(url=plan["url"], token=plan["token"])
    pool = Pool(connection=connection, store=plan["store"], wait_seconds=0.5)

    def work(send: Send, ends_at: float) -> float | None:
        before = time.monotonic()
        try:
            held = pool.take()
        except LatchkeyError:
            time.sleep(min(0.05, max(ends_at - time.monotonic(), 0)))
            return None
        waited = time.monotonic() - before
        credential = held.lease.credential
        status, headers = send(credential["key"], credential["secret"])
        pool.give_back(held, status=status, headers=headers)
        return waited

    return work


def limits(plan: Plan) -> Work:
    """Moving windows of `limits`: the key with most room in its share, checked and hit at once."""
    from limits import RateLimitItemPerSecond  # noqa: PLC0415  # a peer, installed for the run
    from limits.storage import MemoryStorage  # noqa: PLC0415
    from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

    limiter = MovingWindowRateLimiter(MemoryStorage())
    share = plan["processes"]
    items = [RateLimitItemPerSecond(limit // share, span) for limit, span in plan["limits"]]
    lock = threading.Lock()

    def room(key: str) -> int:
        return min(int(limiter.get_window_stats(item, key).remaining) for item in items)

    def take() -> list[str] | None:
        with lock:
            pair: list[str] = max(plan["pairs"], key=lambda each: room(each[0]))
            if not all(limiter.test(item, pair[0]) for item in items):
                return None
            for item in items:
                limiter.hit(item, pair[0])
            return pair

    return _of(take)


def pyrate_limiter(plan: Plan) -> Work:
    """A bucket of `pyrate-limiter` for each key, in PostgreSQL; whichever has room first."""
    from psycopg_pool import ConnectionPool  # noqa: PLC0415  # a peer, installed for the run
    from pyrate_limiter import Limiter, PostgresBucket, Rate  # noqa: PLC0415

    rates = [Rate(limit, span * 1000) for limit, span in plan["limits"]]
    connections = ConnectionPool(plan["database"], min_size=1, max_size=4)
    limiters = [
        (pair, Limiter(PostgresBucket(connections, f"k{pair[0]}", rates))) for pair in plan["pairs"]
    ]
    turns, lock = cycle(range(len(limiters))), threading.Lock()

    def take() -> list[str] | None:
        with lock:
            first = next(turns)
        for pair, limiter in limiters[first:] + limiters[:first]:
            if limiter.try_acquire(pair[0], blocking=False):
                found: list[str] = pair
                return found
        return None

    return _of(take)


def blind(plan: Plan) -> Work:
    """Whichever key's turn it is, whatever it has been used for."""
    turns, lock = cycle(plan["pairs"]), threading.Lock()

    def work(send: Send, _ends_at: float) -> float | None:
        with lock:
            key, secret = next(turns)
        status, _ = send(key, secret)
        if status == 429:
            time.sleep(REFUSED_PAUSE_SECONDS)
        return 0.0

    return work


def _of(take: Callable[[], list[str] | None]) -> Work:
    """Sends when a key can be taken, else looks again in a moment."""
    since = threading.local()

    def work(send: Send, ends_at: float) -> float | None:
        now = time.monotonic()
        since.at = getattr(since, "at", None) or now
        pair = take()
        if pair is None:
            with suppress(ValueError):
                time.sleep(min(PAUSE_SECONDS, ends_at - now))
            return None
        waited: float = time.monotonic() - since.at
        since.at = None
        send(*pair)
        return waited

    return work


POLICIES: dict[str, Callable[[Plan], Work]] = {
    "latchkey": latchkey,
    "limits": limits,
    "pyrate-limiter": pyrate_limiter,
    "blind": blind,
}
LIBRARIES = ("limits", "pyrate-limiter")
