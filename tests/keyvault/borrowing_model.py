"""What a backend knows of its loans, and when the vendor can have seen their requests.

Times are whole microseconds as they really passed, whatever the pool's clock was set to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from keyvault.windows import SECOND

TRANSIT_US = SECOND // 2


@dataclass
class Loan:
    """One lease, and what has come of it.

    Attributes:
        id: the lease's.
        key: the credential's id.
        granted_us: from when its requests can have been sent.
        end_us: until when they can have been sent.
        counted: requests that can have been sent until then.
        permits: as granted.
        told_us: the use-by in the words of the pool's clock.
        settlement: what ended it.
    """

    id: str
    key: str
    granted_us: int
    end_us: int
    counted: int
    permits: int
    told_us: int
    settlement: dict[str, Any] = field(default_factory=dict)
    is_revoked: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.settlement or self.is_revoked)


def most_in_any_span(loans: Sequence[Loan], *, span_us: int) -> int:
    """The most requests that the vendor can have counted in any span, wherever it starts.

    Of those in the fullest span one loan was granted last; the span began less than its length
    before that.
    """
    return max(
        (
            sum(
                each.counted
                for each in loans[: n + 1]
                if each.end_us + TRANSIT_US > last.granted_us - span_us
            )
            for n, last in enumerate(loans)
            if last.counted
        ),
        default=0,
    )


def room(loans: Iterable[Loan], *, limits: Sequence[Sequence[int]], now_us: int) -> int:
    """What a key could give at a moment, by what is known of its loans."""
    known = list(loans)
    return min(
        limit
        - sum(
            each.counted for each in known if each.end_us + TRANSIT_US + seconds * SECOND > now_us
        )
        for seconds, limit in limits
    )
