"""The client's pool: batches, clocks, restarts of Latchkey."""

import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.client.desk import HEADERS, USE_BY, Desk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.errors import LatchkeyError, LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.pool import Pool


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


def test_where_the_vendor_is_costs_one_lease_at_most(desk: Desk) -> None:
    """An event loop would stand still at each further one."""
    pool = desk.pool()
    _spend(pool, 4)

    assert {pool.base_url for _ in range(3)} == {desk.base_url}
    _spend(pool, 8)
    desk.answers = [PoolEmptyError(retry_after_seconds=9)]
    assert pool.base_url == desk.base_url

    assert desk.asked == [4, 8]
    assert desk.slept == []


def test_a_request_that_is_given_up_is_counted_and_holds_nothing_back(desk: Desk) -> None:
    pool = desk.pool()
    pool.lose(pool.take())
    _spend(pool, 3)

    _spend(pool, 1)

    assert desk.settled[0]["used"] == 4
    assert desk.settled[0]["last_used_at"] == USE_BY


def test_leaving_gives_back_what_is_not_used_while_a_request_is_out(desk: Desk) -> None:
    with desk.pool() as pool:
        held = pool.take()
    pool.give_back(held, status=200, headers=HEADERS)

    assert [(each["used"], each["last_used_at"]) for each in desk.settled] == [(1, USE_BY)]


def test_answers_are_not_waited_for_until_the_lease_cannot_be_settled(desk: Desk) -> None:
    pool = desk.pool()
    pool.take()
    desk.now += 35

    _spend(pool, 1)

    assert (desk.settled[0]["id"], desk.settled[0]["used"]) == ("lease-1", 1)
    assert desk.settled[0]["last_used_at"] == USE_BY


def test_a_lease_that_comes_too_late_is_given_back_and_said(desk: Desk) -> None:
    desk.answer_seconds = 2

    with pytest.raises(UnavailableError, match="use_within_seconds than 2"):
        desk.pool().take()

    assert desk.now < 140
    assert len(desk.settled) == len(desk.asked) > 1
    assert {each["used"] for each in desk.settled} == {0}


def test_no_thread_waits_for_the_waiting_of_another(desk: Desk) -> None:
    desk.answers = [PoolEmptyError(retry_after_seconds=2)]
    pool = desk.pool()
    other = threading.Thread(target=_spend, args=(pool, 1), daemon=True)

    def meet() -> None:
        other.start()
        other.join(10)
        assert not other.is_alive()

    desk.while_asleep = meet
    _spend(pool, 1)

    assert desk.asked == [4]
    assert desk.slept == [2]


def test_what_latchkey_said_a_moment_ago_is_not_asked_for_again(desk: Desk) -> None:
    desk.answers = [PoolEmptyError(retry_after_seconds=60)]
    pool = desk.pool(wait_seconds=1)

    for _ in range(3):
        with pytest.raises(PoolEmptyError):
            pool.take()
    desk.now += 0.1
    _spend(pool, 1)

    assert desk.asked == [4]


def test_a_store_that_has_moved_is_sent_no_key_at_its_old_address(desk: Desk) -> None:
    pool = desk.pool()
    assert pool.base_url == desk.base_url
    _spend(pool, 4)
    desk.base_url = "https://elsewhere.example.test/"

    with pytest.raises(LatchkeyError, match=r"elsewhere.*base_url"):
        pool.take()
    assert pool.base_url == desk.base_url
    pool.take()
    pool.close()

    assert desk.settled[1]["used"] == 1
