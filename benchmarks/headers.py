"""The vendor's rate-limit headers where its windows are scaled down."""

import os
from collections.abc import Sequence
from typing import Final

from lightspeed.ratelimits import WindowReading, window_reading

# The windows that the headers tell, in their order: all but the one of a second.
SPANS: Final = [
    int(each) for each in os.environ.get("BENCHMARK_SPANS", "300,3600,86400").split(",")
]


def read(*, limit: str, remaining: str, reset: str) -> Sequence[WindowReading]:
    """One reading for each window; nothing when the headers do not tell as many."""
    columns = [[int(part) for part in header.split("/")] for header in (limit, remaining, reset)]
    if any(len(column) != len(SPANS) for column in columns):
        return ()
    return [
        window_reading(seconds=seconds, limit=most, remaining=left, reset_seconds=until)
        for seconds, most, left, until in zip(SPANS, *columns, strict=True)
    ]
