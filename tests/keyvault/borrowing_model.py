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
        before: what was known of it until it was overspent: (that moment, counted, end_us).
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
    before: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return not (self.settlement or self.is_revoked)

    def overspend(self, *, used: int, now_us: int) -> None:
        """More than was permitted turns out to have been sent, the last of it just now."""
        self.before.append((now_us, self.counted, self.end_us))
        self.counted, self.end_us = used, now_us

    def known_at(self, at_us: int) -> tuple[int, int]:
        """Requests and the moment of the last one; later a pool can know of more, not of less."""
        for until_us, counted, end_us in self.before:
            if at_us < until_us:
                return counted, end_us
        return self.counted, self.end_us


def most_in_any_span(loans: Sequence[Loan], *, span_us: int) -> int:
    """The most requests that the vendor can have counted in any span, wherever it starts.

    Of those in the fullest span one loan was granted last; the span began less than its length
    before that. What was overspent unbeknown to whoever granted it is not held against them.
    """
    return max(
        (
            _sent(loans[: n + 1], since_us=last.granted_us - span_us, at_us=last.granted_us)
            for n, last in enumerate(loans)
            if last.known_at(last.granted_us)[0]
        ),
        default=0,
    )


def _sent(loans: Sequence[Loan], *, since_us: int, at_us: int) -> int:
    known = [each.known_at(at_us) for each in loans]
    return sum(counted for counted, end_us in known if end_us + TRANSIT_US > since_us)


def room(loans: Iterable[Loan], *, limits: Sequence[Sequence[int]], now_us: int) -> int:
    """What a key could give at a moment, by what is known of its loans."""
    known = list(loans)
    left = min(
        limit
        - sum(
            each.counted for each in known if each.end_us + TRANSIT_US + seconds * SECOND > now_us
        )
        for seconds, limit in limits
    )
    return max(left, 0)
