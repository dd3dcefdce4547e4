"""The client's pool: batches, clocks, restarts of Latchkey."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.errors import LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.lease import Lease
from latchkey.pool import Pool

USE_BY = datetime(2026, 1, 1, tzinfo=UTC)
HEADERS = {
    "X-RateLimit-Limit": "300/3000/12000",
    "X-RateLimit-Remaining": "299/2999/11999",
    "X-RateLimit-Reset": "1/2/3",
}


class Desk:
    """Latchkey and the clock, as far as the pool sees them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answers: list[Exception] = []
        self.asked: list[int] = []
        self.settled: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.is_closed = False

    def lease(self, store: str, *, permits: int, **_: Any) -> Lease:
        if self.answers:
            raise self.answers.pop(0)
        self.asked.append(permits)
        return Lease(
            id=f"lease-{len(self.asked)}",
            permits=permits,
            use_by=USE_BY,
            base_url="https://vendor.example.test/",
            language="nl",
            credential={"key": "k", "secret": "s"},
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

    def pool(self, **options: Any) -> Pool:
        return Pool(
            connection=self,  # type: ignore[arg-type]
            store="s",
            clock=lambda: self.now,
            sleep=self.sleep,
            **options,
        )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _spend(pool: Pool, times: int, status: int = 200) -> None:
    for _ in range(times):
        pool.give_back(pool.take(), status=status, headers=HEADERS)


def test_permits_are_spent_before_another_lease_is_asked_for(desk: Desk) -> None:
    _spend(desk.pool(), 4)

    assert desk.asked == [4]
    assert desk.settled[0]["used"] == 4
    assert desk.settled[0]["rate_limit"]["remaining"] == "299/2999/11999"


def test_a_busy_program_asks_for_more_at_a_time(desk: Desk) -> None:
    _spend(desk.pool(), 13)

    assert desk.asked == [4, 8, 16]


def test_a_lease_is_given_up_before_its_use_by(desk: Desk) -> None:
    pool = desk.pool()
    _spend(pool, 1)
    desk.now += 1.95

    _spend(pool, 1)

    assert desk.asked == [4, 1]
    assert (desk.settled[0]["used"], desk.settled[0]["outcome"]) == (1, "ok")


def test_the_last_use_is_told_by_the_clock_of_use_by(desk: Desk) -> None:
    pool = desk.pool()
    held = pool.take()
    desk.now += 0.5
    pool.give_back(held, status=200, headers={})
    pool.close()

    assert desk.settled[0]["last_used_at"] == USE_BY - timedelta(seconds=1.5)


def test_without_an_answer_the_last_use_is_the_use_by(desk: Desk) -> None:
    pool = desk.pool()
    pool.give_back(pool.take(), status=None, headers={})
    pool.close()

    assert desk.settled[0]["last_used_at"] == USE_BY


def test_a_lease_is_settled_when_its_last_answer_is_in(desk: Desk) -> None:
    pool = desk.pool()
    held = [pool.take() for _ in range(4)]
    for each in held[:3]:
        pool.give_back(each, status=200, headers={})
    assert desk.settled == []

    pool.give_back(held[3], status=200, headers={})

    assert desk.settled[0]["used"] == 4


@pytest.mark.parametrize(
    ("status", "outcome"), [(429, "throttled"), (401, "unauthorized"), (403, "forbidden")]
)
def test_a_refusal_ends_the_lease_and_is_told(desk: Desk, status: int, outcome: str) -> None:
    pool = desk.pool()

    _spend(pool, 1, status)
    _spend(pool, 1)

    assert desk.settled[0]["outcome"] == outcome
    assert len(desk.asked) == 2


def test_an_empty_pool_is_waited_for(desk: Desk) -> None:
    desk.answers = [PoolEmptyError(retry_after_seconds=1.25)]

    _spend(desk.pool(), 1)

    assert desk.slept == [1.25]


def test_an_empty_pool_is_not_waited_for_longer_than_asked(desk: Desk) -> None:
    desk.answers = [PoolEmptyError(retry_after_seconds=60)]

    with pytest.raises(PoolEmptyError):
        desk.pool(wait_seconds=5).take()
    assert desk.slept == []


def test_a_restart_of_latchkey_is_survived_on_the_lease_that_is_held(desk: Desk) -> None:
    pool = desk.pool()
    pool.take()
    desk.answers = [UnavailableError("away")] * 3

    for _ in range(3):
        pool.take()
    assert desk.slept == []
    held = pool.take()

    assert held.lease.id == "lease-2"
    assert len(desk.slept) == 3


@pytest.mark.parametrize(
    ("status", "type_"), [(422, "overspent"), (409, "lease-closed"), (404, "not-found")]
)
def test_a_settlement_that_is_refused_is_not_repeated(desk: Desk, status: int, type_: str) -> None:
    pool = desk.pool()
    held = [pool.take() for _ in range(4)]
    desk.answers = [LeaseRefusedError(status=status, type_=type_, title="No")]

    for each in held:
        pool.give_back(each, status=200, headers=HEADERS)
    _spend(pool, 1)
    pool.close()

    assert desk.answers == []
    assert [each["id"] for each in desk.settled] == ["lease-2"]


@pytest.mark.parametrize("value", [None, "", "9" * 201])
def test_headers_that_latchkey_does_not_read_keep_no_refusal_from_it(
    desk: Desk, value: str | None
) -> None:
    pool = desk.pool()
    headers = {**HEADERS, "X-RateLimit-Reset": value}

    pool.give_back(pool.take(), status=429, headers=headers)  # type: ignore[arg-type]  # a vendor's

    assert desk.settled[0]["outcome"] == "throttled"
    assert desk.settled[0]["rate_limit"] is None


def test_redirects_are_told_even_beyond_the_permits(desk: Desk) -> None:
    pool = desk.pool()
    for _ in range(3):
        pool.give_back(pool.take(), status=200, headers=HEADERS)
    pool.give_back(pool.take(), status=200, headers=HEADERS, redirects=2)

    assert desk.settled[0]["used"] == 6


def test_leaving_gives_back_what_is_not_used(desk: Desk) -> None:
    with desk.pool() as pool:
        _spend(pool, 1)

    assert desk.settled[0]["used"] == 1
    assert desk.is_closed
    assert pool.base_url == "https://vendor.example.test/"
