"""Threads that ask at the same time and are served by one of them."""

import os
import threading
from collections.abc import Callable

from keyvault.pool.gathering import MOST, Gathering
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
        while len(self.batches) == 1 and len(self.gathering) < self.others:
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
    assert work.handed_over == 1


def test_as_many_work_at_the_same_time_as_there_are_places() -> None:
    both_at_work = threading.Barrier(2, timeout=10)

    def work(numbers: list[int]) -> list[int]:
        both_at_work.wait()
        return numbers

    gathering: Gathering[int, int] = Gathering(work, places=2)

    assert at_once([lambda: gathering.ask(1), lambda: gathering.ask(2)]) == [1, 2]
    assert at_once([lambda: gathering.ask(3), lambda: gathering.ask(4)]) == [3, 4]


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
