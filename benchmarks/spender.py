"""One process of eight threads that spends all it can; its plan is JSON on stdin."""

import base64
import http.client
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from latchkey.connection import Connection
from latchkey.errors import LatchkeyError
from latchkey.pool import Pool

THREADS = 8
Send = Callable[[str, str], tuple[int, dict[str, str]]]


def main() -> None:
    """Spends until the time is over and prints the waits."""
    plan = json.loads(sys.stdin.read())
    ends_at = time.monotonic() + plan["seconds"]
    work = _POLICIES[plan["policy"]](plan)
    waits: list[float] = []
    threads = [
        threading.Thread(target=_spend, args=(work, plan["port"], ends_at, waits))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps({"waits": sorted(waits)[-200:], "requests": len(waits)}))


def _spend(
    work: Callable[[Send, float], float | None], port: int, ends_at: float, waits: list[float]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def send(key: str, secret: str) -> tuple[int, dict[str, str]]:
        pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
        connection.request(
            "GET", "/nl/products/count.json", headers={"Authorization": f"Basic {pair}"}
        )
        response = connection.getresponse()
        response.read()
        return response.status, dict(response.headers)

    while time.monotonic() < ends_at:
        waited = work(send, ends_at)
        if waited is not None:
            waits.append(waited)


def _latchkey(plan: dict[str, object]) -> Callable[[Send, float], float | None]:
    connection = Connection(url=str(plan["url"]), token=str(plan["token"]))
    pool = Pool(connection=connection, store=str(plan["store"]), wait_seconds=0.5)

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


def _moving_windows(plan: dict[str, object]) -> Callable[[Send, float], float | None]:
    """What limiter libraries do in one process: its share of each key's windows, remembered."""
    lock = threading.Lock()
    pairs = [tuple(pair) for pair in plan["pairs"]]  # type: ignore[attr-defined]  # JSON
    limits = [(limit // int(plan["processes"]), span) for limit, span in plan["limits"]]  # type: ignore[attr-defined, call-overload]  # JSON
    logs: dict[tuple[str, str], deque[float]] = {pair: deque() for pair in pairs}

    def free_in(pair: tuple[str, str], now: float) -> float:
        log = logs[pair]
        return max(
            (log[-limit] + span - now if len(log) >= limit else 0.0) for limit, span in limits
        )

    def work(send: Send, ends_at: float) -> float | None:
        before = time.monotonic()
        with lock:
            pair = min(pairs, key=lambda each: free_in(each, before))
            wait = free_in(pair, before)
            if wait <= 0:
                logs[pair].append(before)
        if wait > 0:
            time.sleep(max(min(wait, 0.05, ends_at - before), 0))
            return None
        send(*pair)
        return time.monotonic() - before

    return work


def _blind(plan: dict[str, object]) -> Callable[[Send, float], float | None]:
    """Round-robin that backs off when it is refused."""
    turns = cycle([tuple(pair) for pair in plan["pairs"]])  # type: ignore[attr-defined]  # JSON
    lock = threading.Lock()

    def work(send: Send, _ends_at: float) -> float | None:
        before = time.monotonic()
        with lock:
            pair = next(turns)
        status, _ = send(*pair)
        if status == 429:
            time.sleep(0.5)
        return time.monotonic() - before

    return work


_POLICIES = {"latchkey": _latchkey, "moving windows": _moving_windows, "blind": _blind}

if __name__ == "__main__":
    main()
