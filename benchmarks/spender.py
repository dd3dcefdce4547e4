"""One process of eight threads that spends all it can.

Its plan is a line of JSON on stdin. When it is ready it says so, and is told when to start.
"""

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from benchmarks.policies import POLICIES, Work
from benchmarks.vendor import Vendor

THREADS = 8


class Spending:
    """What the threads of this process sent."""

    def __init__(self, *, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self.by_status: Counter[int] = Counter()
        self.waits: list[float] = []

    def run(self, work: Work, ends_at: float) -> None:
        """Spends until the time is over."""
        vendor = Vendor(port=self._port)

        def send(key: str, secret: str) -> tuple[int, dict[str, str]]:
            is_in_time = time.monotonic() < ends_at
            status, headers = vendor.get(key, secret)
            with self._lock:
                self.by_status[status] += is_in_time
            return status, headers

        while time.monotonic() < ends_at:
            waited = work(send, ends_at)
            if waited is not None:
                self.waits.append(waited)


def main() -> None:
    """Starts when it is told, as all processes do, and prints what was sent."""
    plan = json.loads(sys.stdin.readline())
    sys.path.append(plan["peers"])
    work = POLICIES[plan["policy"]](plan)
    spending = Spending(port=plan["port"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    starts_at = float(sys.stdin.readline())
    time.sleep(max(starts_at - time.monotonic(), 0))
    ends_at = starts_at + plan["seconds"]
    with ThreadPoolExecutor(THREADS) as threads:
        for each in [threads.submit(spending.run, work, ends_at) for _ in range(THREADS)]:
            each.result()
    facts = {
        "accepted": spending.by_status[200],
        "refused": spending.by_status[429],
        "longest_wait": max(spending.waits, default=0.0),
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
