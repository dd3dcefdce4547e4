"""Latchkey and the clock, as far as a pool sees them."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.hidden import Hidden
from latchkey.lease import Lease
from latchkey.pool import Pool

USE_BY = datetime(2026, 1, 1, tzinfo=UTC)
BASE_URL = "https://vendor.example.test/"
HEADERS = {
    "X-RateLimit-Limit": "300/3000/12000",
    "X-RateLimit-Remaining": "299/2999/11999",
    "X-RateLimit-Reset": "1/2/3",
}


class Desk:
    """Answers at once.

    Attributes:
        answer_seconds: how long it takes to.
        answers: what it refuses with next.
        base_url: where the vendor is.
        while_asleep: what happens while somebody waits.
    """

    def __init__(self) -> None:
        self.now = 100.0
        self.answer_seconds = 0.0
        self.answers: list[Exception] = []
        self.base_url = BASE_URL
        self.asked: list[int] = []
        self.settled: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.is_closed = False
        self.while_asleep: Callable[[], object] = bool

    def lease(self, store: str, *, permits: int, **_: Any) -> Lease:
        if self.answers:
            raise self.answers.pop(0)
        self.asked.append(permits)
        self.now += self.answer_seconds
        return Lease(
            id=f"lease-{len(self.asked)}",
            permits=permits,
            use_by=USE_BY,
            base_url=self.base_url,
            language="nl",
            credential=Hidden(key=f"k{len(self.asked)}", secret="s"),
        )

    def settle(self, lease_id: str, **facts: Any) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.settled.append({"id": lease_id, **facts})

    def close(self) -> None:
        self.is_closed = True

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.while_asleep()

    def pool(self, **options: Any) -> Pool:
        return Pool(
            connection=self,  # type: ignore[arg-type]
            store="s",
            clock=lambda: self.now,
            sleep=self.sleep,
            **options,
        )
