"""Somebody else's program on the same keys, whom the vendor's headers show."""

import time
from collections.abc import Sequence

from benchmarks.scene import Limits
from benchmarks.vendor import Vendor


class Stranger:
    """Sends at an even pace on each key, and takes what it is given."""

    def __init__(self, *, port: int, pairs: Sequence[Sequence[str]], limits: Limits) -> None:
        self._port = port
        self._pairs = pairs
        self._limits = limits
        self.accepted = 0

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
