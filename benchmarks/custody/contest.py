"""Contestants that take turns, so that whatever else the machine does slows all of them down."""

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

OURS = "Latchkey"
Work = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Contest:
    """What came out.

    Attributes:
        title: what was done.
        rates: operations a second of each contestant in each round.
    """

    title: str
    rates: dict[str, list[float]]

    def rate(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates[name])

    def ratio(self, *, over: Iterable[str]) -> float | None:
        """Ours over the fastest of the others: the median of what each round gives."""
        others = [name for name in over if name in self.rates]
        if not others:
            return None
        fastest = max(others, key=self.rate)
        turns = zip(self.rates[OURS], self.rates[fastest], strict=True)
        return round(statistics.median(ours / theirs for ours, theirs in turns), 3)

    def show(self) -> None:
        """Prints a table, the fastest first."""
        print(f"\n{self.title}")
        for name in sorted(self.rates, key=self.rate, reverse=True):
            times = self.ratio(over=[name])
            print(f"  {name:52} {self.rate(name):12,.0f} a second   ours: {times:8.2f} times that")


def hold(title: str, contestants: dict[str, Work], *, rounds: int) -> Contest:
    """Lets all take turns, so many rounds."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    gc.collect()
    for _ in range(rounds):
        for name, work in contestants.items():
            start = time.perf_counter()
            count = work()
            rates[name].append(count / (time.perf_counter() - start))
    return Contest(title, rates)


def repeated(work: Callable[[], object], *, times: int) -> Work:
    """The same thing so many times as one turn."""

    def run() -> int:
        for _ in range(times):
            work()
        return times

    return run
