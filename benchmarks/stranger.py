"""Somebody else's program on the same keys, whom the vendor's headers show."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scene import Limits
from benchmarks.vendor import Vendor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "client"))

from latchkey.connection import Connection
from latchkey.pool import HEADERS

# So many of its requests on each key does the vendor show before anybody else begins.
SHOWN = 3


class Stranger:
    """Was at work before, sends at an even pace on each key, and takes what it is given."""

    def __init__(self, *, port: int, pairs: Sequence[Sequence[str]], limits: Limits) -> None:
        self._port = port
        self._pairs = pairs
        self._limits = limits
        self.accepted = 0

    def appear(self, *, url: str, token: str, store: str) -> None:
        """Has Latchkey see each key in use, as the check of a new key would.

        Args:
            url: Latchkey's.
            token: of a backend.
            store: the one whose keys these are.
        """
        vendor, latchkey = Vendor(port=self._port), Connection(url=url, token=token)
        for pair in self._pairs:
            for _ in range(SHOWN):
                vendor.get(*pair)
        for _ in self._pairs:
            lease = latchkey.lease(store)
            _, headers = vendor.get(lease.credential["key"], lease.credential["secret"])
            told = {name: headers[header] for name, header in HEADERS.items()}
            latchkey.settle(lease.id, used=1, rate_limit=told)

    def run(self, starts_at: float, seconds: float, *, share: float) -> None:
        """Uses so much of what each key may carry in that time."""
        pace = min(span / limit for limit, span in self._limits if span > 1 and span <= seconds)
        pause = pace / share / len(self._pairs)
        vendor = Vendor(port=self._port)
        for number in range(int(seconds / pause)):
            time.sleep(max(starts_at + number * pause - time.monotonic(), 0))
            key, secret = self._pairs[number % len(self._pairs)]
            status, _ = vendor.get(key, secret)
            self.accepted += status == 200
