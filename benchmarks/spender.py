"""One process of eight threads that spends all it can.

Its plan is a line of JSON on stdin. When it is ready it says so, and is told when to start.
"""

import base64
import http.client
import json
import sys
import threading
import time
from collections import Counter

from benchmarks.policies import POLICIES, Work

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
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)

        def send(key: str, secret: str) -> tuple[int, dict[str, str]]:
            is_in_time = time.monotonic() < ends_at
            pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
            headers = {"Authorization": f"Basic {pair}"}
            connection.request("GET", "/nl/products/count.json", headers=headers)
            response = connection.getresponse()
            response.read()
            with self._lock:
                self.by_status[response.status] += is_in_time
            return response.status, dict(response.headers)

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
    threads = [threading.Thread(target=spending.run, args=(work, ends_at)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    facts = {
        "accepted": spending.by_status[200],
        "refused": spending.by_status[429],
        "longest_wait": max(spending.waits, default=0.0),
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
