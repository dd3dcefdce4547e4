"""Threads that ask at the same time and are served by one of them."""

import os
import threading
from collections.abc import Callable

import pytest

from keyvault.pool import gathering
from keyvault.pool.gathering import MOST, Company, Gathering
from tests.keyvault.at_once import at_once


class Doubling:
    """Doubles numbers, and does not end the first batch before a number of others wait."""

    def __init__(self, *, others: int) -> None:
        self.others = others
        self.batches: list[list[int]] = []
        self.handed_over = 0
        self.gathering: Gathering[int, int] = Gathering(self._doubled, on_handover=self._hand_over)

    def ask(self, number: int) -> Callable[[], int]:
        return lambda: self.gathering.ask(number)

    def _hand_over(self) -> None:
        self.handed_over += 1

    def _doubled(self, numbers: list[int]) -> list[int | Exception]:
        self.batches.append(numbers)
        while len(self.batches) == 1 and len(self.gathering.waiting) < self.others:
            os.sched_yield()
        return [ValueError(str(n)) if n < 0 else 2 * n for n in numbers]


def test_who_comes_alone_is_served_at_once() -> None:
    work = Doubling(others=0)
    assert work.gathering.ask(4) == 8
    assert work.batches == [[4]]
    assert work.handed_over == 0


def test_who_comes_meanwhile_is_served_together() -> None:
    work = Doubling(others=12)
    assert at_once([work.ask(number) for number in range(13)]) == list(range(0, 26, 2))
    assert [len(batch) for batch in work.batches] == [1, 12]
    assert work.handed_over == 2


def test_no_batch_is_larger_than_the_most() -> None:
    work = Doubling(others=MOST + 4)
    found = at_once([work.ask(number) for number in range(MOST + 5)])
    assert found == list(range(0, 2 * MOST + 10, 2))
    assert [len(batch) for batch in work.batches] == [1, MOST, 4]


def test_an_exception_is_of_the_one_whose_ask_it_was() -> None:
    work = Doubling(others=3)
    found = at_once([work.ask(number) for number in (1, -2, 3, 4)])
    assert [found[0], *found[2:]] == [2, 6, 8]
    assert isinstance(found[1], ValueError)
    assert str(found[1]) == "-2"


def test_what_the_work_raises_is_raised_for_all_and_the_next_are_served() -> None:
    def refuse(numbers: list[int]) -> list[int]:
        if -1 in numbers:
            message = "the database went away"
            raise OSError(message)
        return numbers

    gathering: Gathering[int, int] = Gathering(refuse)
    found = at_once([lambda: gathering.ask(-1)] * 6)
    assert [str(each) for each in found] == ["the database went away"] * 6
    assert gathering.ask(5) == 5


class Pair:
    """Two queues that a thread asks one after the other, and which batches they served."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.company = Company()
        self.first = Gathering(self._serve, company=self.company, asks_again=True)
        self.second = Gathering(self._serve, company=self.company)

    def _serve(self, asks: list[str]) -> list[str]:
        self.batches.append(sorted(asks))
        return asks


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def set_seconds(seconds: float) -> None:
        monkeypatch.setattr(gathering, "PATIENCE_SECONDS", seconds)

    return set_seconds


def _until(holds: Callable[[], object]) -> None:
    while not holds():
        os.sched_yield()


def test_whoever_is_expected_is_waited_for(patience: Callable[[float], None]) -> None:
    patience(600)
    pair = Pair()

    def early() -> None:
        _until(is_expected.is_set)
        pair.first.ask("early")

    def late() -> None:
        with pair.company.expected():
            is_expected.set()
            _until(lambda: pair.first.waiting)
            pair.first.ask("late")

    is_expected = threading.Event()
    at_once([early, late])
    assert pair.batches == [["early", "late"]]


def test_whoever_leaves_is_waited_for_no_more(patience: Callable[[float], None]) -> None:
    patience(600)
    pair = Pair()

    def leaving() -> None:
        with pair.company.expected():
            is_expected.set()
            _until(lambda: pair.first.waiting)

    def asking() -> None:
        _until(is_expected.is_set)
        pair.first.ask("asking")

    is_expected = threading.Event()
    at_once([leaving, asking])
    assert pair.batches == [["asking"]]


def test_whoever_takes_too_long_is_waited_for_once(patience: Callable[[float], None]) -> None:
    patience(0.001)
    pair = Pair()
    pair.company.expect([-1])
    assert pair.second.ask("one") == "one"
    patience(600)
    assert pair.second.ask("two") == "two"
    assert pair.batches == [["one"], ["two"]]


def test_a_full_batch_waits_for_nobody(patience: Callable[[float], None]) -> None:
    patience(600)
    pair = Pair()
    pair.company.expect([-1])
    assert at_once([lambda: pair.second.ask("full")] * MOST) == ["full"] * MOST
    assert pair.batches == [["full"] * MOST]


def test_those_who_were_served_are_expected_where_they_ask_next(
    patience: Callable[[float], None],
) -> None:
    patience(600)
    pair = Pair()

    def asks_at_once() -> None:
        with pair.company.expected():
            both_expected.wait()
            pair.first.ask("a")
            pair.second.ask("A")

    def asks_when_the_other_waits() -> None:
        with pair.company.expected():
            both_expected.wait()
            pair.first.ask("b")
            _until(lambda: pair.second.waiting)
            pair.second.ask("B")

    both_expected = threading.Barrier(2, timeout=10)
    at_once([asks_at_once, asks_when_the_other_waits])
    assert pair.batches == [["a", "b"], ["A", "B"]]


def test_whoever_failed_is_waited_for_no_more_once_it_has_left(
    patience: Callable[[float], None],
) -> None:
    patience(600)
    company = Company()

    def refuse(_numbers: list[int]) -> list[int | Exception]:
        return [ValueError("refused")]

    first: Gathering[int, int] = Gathering(refuse, company=company, asks_again=True)
    second: Gathering[int, int] = Gathering(lambda numbers: numbers, company=company)
    with company.expected(), pytest.raises(ValueError, match="refused"):
        first.ask(1)
    assert second.ask(2) == 2


def test_a_company_is_at_work_for_one_queue_at_a_time() -> None:
    company = Company()
    at_work: list[int] = []
    batches: list[int] = []

    def work(numbers: list[int]) -> list[int]:
        assert not at_work
        at_work.extend(numbers)
        _until(lambda: batches or len(one.waiting) + len(other.waiting) == 3)
        batches.append(len(numbers))
        at_work.clear()
        return numbers

    one: Gathering[int, int] = Gathering(work, company=company)
    other: Gathering[int, int] = Gathering(work, company=company)
    asks = [lambda: one.ask(1), lambda: other.ask(2), lambda: one.ask(3), lambda: other.ask(4)]
    assert at_once(asks) == [1, 2, 3, 4]
    assert sorted(batches) == [1, 1, 2]
