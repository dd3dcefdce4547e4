"""How much of the vendor's limits is spent: python -m benchmarks.pool [--quick].

Real processes (4 of 8 threads) spend all they can against the simulator, with fixed and with
sliding windows at the same time: Latchkey first, then the others beside each other, each on keys of
its own. Utilisation is the number of accepted requests against the most that any scheduler could
send under the same windows, guard and use-by (`benchmarks.ideal`). Latchkey starts so long before a
turn of the shortest window that is told that it has spent it by then. What counts of several runs
is the worst utilisation and all refusals. `best_library` is, of the real libraries (`limits` and
`pyrate-limiter`), the one with the highest utilisation, and of two alike the one with fewer
refusals; blind round-robin is no library. The full run adds a stranger who uses a fifth of each
key, which the vendor's headers have shown before it begins: utilisation is then of the rest. It
takes 40 minutes: eleven for Latchkey with few keys, eleven with ten, and six for the others with
each number of keys, since they look for a free one all the time. The last line is JSON.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks import ideal, limiters, servers
from benchmarks.policies import LIBRARIES, POLICIES
from benchmarks.scene import Limits, Scene, scene
from benchmarks.stranger import Stranger
from tools.postgres import PostgresServer

PROCESSES = 4
QUICK: Limits = [(20, 1), (100, 15), (300, 45)]
FULL: Limits = [(20, 1), (300, 300), (3000, 3600), (12000, 86400)]


@dataclass(frozen=True, slots=True)
class Times:
    """How long is measured.

    Attributes:
        seconds: for Latchkey.
        turn_after: when the shortest window that the vendor tells turns, after the start.
        others: for the others.
    """

    seconds: float
    turn_after: float
    others: float


@dataclass(frozen=True, slots=True)
class Run:
    """One policy on the keys of one store.

    Attributes:
        policy: of `benchmarks.policies`.
        keys: how many.
        foreign: the part of each key that a stranger uses.
    """

    policy: str
    keys: int
    foreign: float = 0.0

    @property
    def name(self) -> str:
        """As it is printed."""
        return "with a stranger" if self.foreign else self.policy


# It ends just before sliding windows would give one second's worth more: whoever is a little late
# has still been able to send all that counts.
QUICK_TIMES = Times(seconds=19.9, turn_after=9.5, others=9)
FULL_TIMES = Times(seconds=660, turn_after=100, others=360)
# What runs at the same time; the machine must be able to.
QUICK_OURS = [[Run("latchkey", 3)]]
FULL_OURS = [
    [Run("latchkey", 1), Run("latchkey", 3), Run("latchkey", 3, foreign=0.2)],
    [Run("latchkey", 10)],
]
# From when all are ready until they start.
LEAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Result:
    """What one policy reached."""

    utilisation: float
    refused: int
    longest_wait: float


@dataclass(frozen=True, slots=True)
class Start:
    """One moment by two clocks."""

    monotonic: float
    wall: float


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute, windows scaled down")
    is_quick = parser.parse_args().quick
    limits, times = (QUICK, QUICK_TIMES) if is_quick else (FULL, FULL_TIMES)
    peers = [*limiters.install(), "blind"]
    beside = [[Run(each, keys) for each in peers] for keys in ([3] if is_quick else [1, 3, 10])]
    groups = [*(QUICK_OURS if is_quick else FULL_OURS), *beside]
    found: dict[tuple[str, str], list[Result]] = {}
    with _scenes(limits, keys=[run.keys for group in groups for run in group]) as scenes:
        for group in groups:
            for run, windows, result in _together(scenes, runs=group, times=times):
                found.setdefault((run.name, windows), []).append(result)
        size = scenes[0].bytes_per_key()
    facts = {kind: _facts(_worst(found["latchkey", kind])) for kind in ("fixed", "sliding")}
    facts |= {"best_library": _facts(_best(found))}
    foreign = [each for run, results in found.items() if run[0] not in POLICIES for each in results]
    facts |= {"foreign": _facts(_worst(foreign))} if foreign else {}
    sys.stdout.write(json.dumps(facts | {"bytes_per_key": size}) + "\n")


def _best(found: dict[tuple[str, str], list[Result]]) -> Result:
    """Of the libraries, each at its worst, the one that spends most."""
    at_worst = [
        _worst(found[name, "fixed"] + found[name, "sliding"])
        for name in LIBRARIES
        if (name, "fixed") in found
    ]
    return max(
        at_worst, key=lambda each: (each.utilisation, -each.refused), default=Result(0, 0, 0)
    )


@contextlib.contextmanager
def _scenes(limits: Limits, *, keys: Sequence[int]) -> Iterator[list[Scene]]:
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as threads:
        entered = [
            threads.submit(stack.enter_context, _scene(windows, limits=limits, keys=keys))
            for windows in ("fixed", "sliding")
        ]
        yield [each.result() for each in entered]


@contextlib.contextmanager
def _scene(windows: str, *, limits: Limits, keys: Sequence[int]) -> Iterator[Scene]:
    with (
        PostgresServer() as database,
        servers.folder() as folder,
        scene(
            windows=windows, limits=limits, keys=keys, database=database.url, folder=folder
        ) as opened,
    ):
        yield opened


def _together(
    scenes: Sequence[Scene], *, runs: Sequence[Run], times: Times
) -> Iterator[tuple[Run, str, Result]]:
    """Runs policies beside each other in all scenes: (run, windows, result)."""
    is_ours = runs[0].policy == "latchkey"
    seconds = times.seconds if is_ours else times.others
    cast = [
        (at, run, _plan(at, policy=run.policy, seconds=seconds)) for at in scenes for run in runs
    ]
    strangers = [_stranger(at, plan=plan) if run.foreign else None for at, run, plan in cast]
    running = [_ready(plan) for _, _, plan in cast]
    start = _start(limits=scenes[0].limits, times=times, is_aligned=is_ours)
    for processes in running:
        _go(processes, start=start)
    with ThreadPoolExecutor(len(cast)) as threads:
        at_work = [
            threads.submit(stranger.run, start.monotonic, seconds, share=run.foreign)
            for stranger, (_, run, _) in zip(strangers, cast, strict=True)
            if stranger is not None
        ]
    for each in at_work:
        each.result()
    for (at, run, _), processes, stranger in zip(cast, running, strangers, strict=True):
        most = ideal.most(windows=at.windows, limits=at.limits, start=start.wall, seconds=seconds)
        taken = 0 if stranger is None else stranger.accepted
        result = _result(processes, most=most * run.keys - taken)
        _print(at.windows, run=run, result=result)
        yield run, at.windows, result


def _stranger(at: Scene, *, plan: dict[str, Any]) -> Stranger:
    """Somebody else on the keys of a plan, whom Latchkey has seen already."""
    stranger = Stranger(port=at.port, pairs=plan["pairs"], limits=at.limits)
    stranger.appear(url=plan["url"], token=plan["token"], store=plan["store"])
    return stranger


def _start(*, limits: Limits, times: Times, is_aligned: bool) -> Start:
    """Soon, and where wanted so long before a turn as the times say."""
    monotonic, wall = time.monotonic() + LEAD_SECONDS, time.time() + LEAD_SECONDS
    told = min(span for _, span in limits if span > 1)
    wait = (-times.turn_after - wall) % told if is_aligned else 0
    return Start(monotonic=monotonic + wait, wall=wall + wait)


def _plan(at: Scene, *, policy: str, seconds: float) -> dict[str, Any]:
    """On a store of its own, so that each policy finds every window unspent."""
    shop = next(at.shops)
    return {
        "policy": policy,
        "windows": at.windows,
        "limits": at.limits,
        "processes": PROCESSES,
        "port": at.port,
        "url": at.url,
        "database": at.database,
        "store": shop.id,
        "token": shop.token,
        "pairs": shop.pairs,
        "peers": str(limiters.FOLDER),
        "seconds": seconds,
    }


def _ready(plan: dict[str, Any]) -> list["subprocess.Popen[str]"]:
    """Processes that wait to be told when to start."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.spender"],
            cwd=servers.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        _tell(process, json.dumps(plan))
    for process in processes:
        _hear(process)
    return processes


def _go(processes: Iterable["subprocess.Popen[str]"], *, start: Start) -> None:
    for process in processes:
        _tell(process, str(start.monotonic))


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None  # noqa: S101  # asked for when it was started
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # noqa: S101  # asked for when it was started
    return process.stdout.readline()


def _result(processes: Iterable["subprocess.Popen[str]"], *, most: float) -> Result:
    told = []
    for process in processes:
        told.append(json.loads(_hear(process)))
        process.wait()
    return Result(
        utilisation=round(sum(each["accepted"] for each in told) / most, 4),
        refused=sum(each["refused"] for each in told),
        longest_wait=max(each["longest_wait"] for each in told),
    )


def _worst(results: Iterable[Result]) -> Result:
    all_of_them = list(results)
    return Result(
        utilisation=min(each.utilisation for each in all_of_them),
        refused=sum(each.refused for each in all_of_them),
        longest_wait=max(each.longest_wait for each in all_of_them),
    )


def _facts(result: Result) -> dict[str, float]:
    return {"utilisation": result.utilisation, "refused": result.refused}


def _print(windows: str, *, run: Run, result: Result) -> None:
    print(
        f"{windows:8} K={run.keys:<3} {run.name:15} {result.utilisation:7.2%} of the most, "
        f"{result.refused} refused, longest wait {result.longest_wait:.2f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
