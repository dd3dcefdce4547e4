"""The most that any scheduler could send with one key, without any delay of its own.

A request may be on its way for `TRANSIT_SECONDS`, so nobody knows in which of two windows it is
counted: it counts in both. Where windows stand still, a scheduler may know when they turn if the
vendor tells it; of the window of one second nobody tells, so it counts as one that slides.
"""

from bisect import bisect_right

from benchmarks.scene import Limits
from keyvault.windows import TRANSIT_SECONDS


def most(*, windows: str, limits: Limits, start: float, seconds: float) -> int:
    """How many requests a key can carry from a start on.

    Args:
        windows: "fixed" or "sliding".
        limits: (requests, seconds) of each window.
        start: by the vendor's clock, which fixed windows begin with.
        seconds: how long.
    """
    sent: list[float] = []
    now = start
    while now < start + seconds:
        free_at = max(
            _free_at(now, sent=sent, limit=limit, span=span, is_fixed=windows == "fixed")
            for limit, span in limits
        )
        if free_at <= now:
            sent.append(now)
        now = free_at
    return len(sent)


def _free_at(now: float, *, sent: list[float], limit: int, span: int, is_fixed: bool) -> float:
    """The first moment, now or later, at which this window has room for one request more."""
    if not is_fixed or span == 1:
        return max(now, sent[-limit] + span + TRANSIT_SECONDS) if len(sent) >= limit else now
    for moment in (now, now + TRANSIT_SECONDS):
        begins = moment - moment % span
        if len(sent) - bisect_right(sent, begins - TRANSIT_SECONDS) >= limit:
            return begins + span
    return now
