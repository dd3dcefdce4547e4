"""Fifty callers in four processes find their token expired: what does the vendor see, what do they?

    python -m benchmarks.renewal [--quick] [--repetitions N]

The far side is the simulator's token endpoint of X-Series, which ends a refresh token with its
first use and the whole family when a dead one is shown: one call too many loses the family. The
database is that of this environment's `DATABASE_URL`, else SQLite in a temporary folder.

1. N repetitions with an answer after 150 ms, each right after a bare call of the same endpoint, and
   ten (one) with an answer after 12 s.
2. `kill -9` of the process that renews, and what the next caller finds:
   R, after the answer     the old token lives until the new one is used: the grant must come back
   X, before the question  nothing has happened at the vendor: the grant must come back
   X, after the answer     the only copy of the new pair is gone and the old one is dead. Nobody can
                           save this family: it must be told as "outcome unknown", the old token not
                           be shown while the access token lives, once after that, and then consent
                           be asked for

The last line is JSON:

upstream_calls_max  the most token calls that the vendor saw in one repetition
served_min          the fewest of the fifty who held the new token at the end of one
families_lost       families that died though the vendor's rules left a way to keep them: those that
                    were not alive after a repetition, and those that did not come back after a kill
                    of the first two kinds
vs_one_call         from the start of a repetition until all fifty hold the new token, over one bare
                    token call, both as medians of the 150 ms repetitions
kills, x_kills      how many of the first two kinds, and of the third
x_told              of the third kind, those that ended just as described
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.renewal_callers import Worker
from benchmarks.renewal_scene import (
    bare_call,
    connect,
    let_claim_run_out,
    let_run_out,
    make_keyring,
    prepare,
    register_clients,
    state_of,
)

if TYPE_CHECKING:
    from simulator.running import RunningSimulator

PROCESSES = 4
CALLERS = 50
FAST_SECONDS = 0.15
SLOW_SECONDS = 12.0


@dataclass(frozen=True)
class Repetition:
    """What came of one; a slow one has no bare call beside it."""

    upstream_calls: int
    served: int
    seconds: float
    one_call_seconds: float = 0.0


@dataclass(frozen=True)
class Size:
    """How much is done."""

    fast: int
    slow: int
    kills: int


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--repetitions", type=int, help="with an answer after 150 ms")
    arguments = parser.parse_args()
    size = Size(fast=40, slow=1, kills=1) if arguments.quick else Size(1000, 10, 20)
    with tempfile.TemporaryDirectory(prefix="latchkey-renewal-") as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        fast = arguments.repetitions or size.fast
        print(json.dumps(run(Size(fast=fast, slow=size.slow, kills=size.kills))))


def run(size: Size) -> dict[str, object]:
    """Measures everything beside one simulator."""
    from simulator.running import RunningSimulator  # noqa: PLC0415 - after the environment

    with RunningSimulator() as simulator:
        prepare(simulator.url_eu1)
        workers = [Worker(url=simulator.url_eu1) for _ in range(PROCESSES)]
        try:
            return report(Bench(simulator=simulator, workers=workers), size=size)
        finally:
            for worker in workers:
                worker.stop()


def report(bench: "Bench", *, size: Size) -> dict[str, object]:
    """Does all of it, says how it went, and gives the last line."""
    fast = [bench.repeat(answer_seconds=FAST_SECONDS) for _ in range(size.fast)]
    print(f"{len(fast)} x {FAST_SECONDS} s: {_spread([each.seconds for each in fast])}")
    print(f"one bare call: {_spread([each.one_call_seconds for each in fast])}")
    slow = [bench.repeat(answer_seconds=SLOW_SECONDS) for _ in range(size.slow)]
    print(f"{len(slow)} x {SLOW_SECONDS} s: {_spread([each.seconds for each in slow])}")
    back_r = sum(bench.kill("r", moment="after") for _ in range(size.kills))
    back_x = sum(bench.kill("x", moment="before") for _ in range(size.kills))
    told = sum(bench.kill_the_only_copy() for _ in range(size.kills))
    print(f"kill -9, R after the answer: {back_r} of {size.kills} came back")
    print(f"kill -9, X before the question: {back_x} of {size.kills} came back")
    print(f"kill -9, X after the answer: {told} of {size.kills} told and never shown too soon")
    done = [*fast, *slow]
    one_call = statistics.median(each.one_call_seconds for each in fast)
    return {
        "repetitions": len(done),
        "upstream_calls_max": max(each.upstream_calls for each in done),
        "served_min": min(each.served for each in done),
        "families_lost": bench.lost + 2 * size.kills - back_r - back_x,
        "vs_one_call": round(statistics.median(each.seconds for each in fast) / one_call, 2),
        "kills": 2 * size.kills,
        "x_kills": size.kills,
        "x_told": told,
    }


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    late = ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]
    return f"median {statistics.median(ordered):.3f} s, p95 {late:.3f}, worst {ordered[-1]:.3f}"


class Bench:
    """The main process: makes grants expire, starts the callers, counts."""

    def __init__(self, *, simulator: "RunningSimulator", workers: list[Worker]) -> None:
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up

        self._simulator = simulator
        self._workers = workers
        self.lost = 0
        call_command("migrate", verbosity=0)
        make_keyring()
        register_clients()
        self._grants = {series: connect(simulator, series) for series in ("x", "r")}

    def repeat(self, *, answer_seconds: float) -> Repetition:
        """Lets all callers come at expiry."""
        self._rule("x", token_seconds=answer_seconds)
        keychain_id, credential_id = self._grants["x"]
        let_run_out(credential_id)
        one_call = self._bare_call() if answer_seconds == FAST_SECONDS else 0.0
        before = self._token_calls()
        started = time.monotonic()
        share = [CALLERS // PROCESSES + (n < CALLERS % PROCESSES) for n in range(PROCESSES)]
        for worker, callers in zip(self._workers, share, strict=True):
            worker.ask("serve", keychain_id, credential_id, callers)
        answers = [worker.answer() for worker in self._workers]
        seconds = time.monotonic() - started
        if state_of(credential_id) != "active":
            self.lost += 1
            self._grants["x"] = connect(self._simulator, "x")
        return Repetition(
            upstream_calls=self._token_calls() - before,
            served=sum(bool(token) for each in answers for token in each),
            seconds=seconds,
            one_call_seconds=one_call,
        )

    def kill(self, series: str, *, moment: str) -> bool:
        """Kills the process that renews; says whether the next caller brought the grant back."""
        self._rule(series, token_seconds=FAST_SECONDS)
        self._grants[series] = connect(self._simulator, series)
        _, credential_id = self._grants[series]
        let_run_out(credential_id)
        self._kill(series, moment=moment)
        return bool(self._serve_one(series)) and state_of(credential_id) == "active"

    def kill_the_only_copy(self) -> bool:
        """Kills the process that holds what X-Series answered; says whether that was told well."""
        self._rule("x", token_seconds=FAST_SECONDS)
        self._grants["x"] = connect(self._simulator, "x")
        _, credential_id = self._grants["x"]
        let_run_out(credential_id, is_dead=False)
        self._kill("x", moment="after")
        calls = self._token_calls()
        served = self._serve_one("x")
        is_told = state_of(credential_id) == "unknown" and self._token_calls() == calls
        let_run_out(credential_id)
        served += self._serve_one("x")
        is_shown_once = self._token_calls() == calls + 1
        is_over = state_of(credential_id) == "lost" and not served
        self._grants["x"] = connect(self._simulator, "x")
        return is_told and is_shown_once and is_over

    def _kill(self, series: str, *, moment: str) -> None:
        keychain_id, credential_id = self._grants[series]
        victim = Worker(url=self._simulator.url_eu1)
        victim.ask("die", keychain_id, credential_id, moment)
        victim.wait()
        let_claim_run_out(credential_id)

    def _serve_one(self, series: str) -> str:
        self._workers[0].ask("serve", *self._grants[series], 1)
        (token,) = self._workers[0].answer()
        return token

    def _rule(self, series: str, **rules: object) -> None:
        self._simulator.retail(lambda control: control.set_rules({"series": series, **rules}))

    def _token_calls(self) -> int:
        calls: int = self._simulator.stats()["token_calls"]
        return calls

    def _bare_call(self) -> float:
        call = bare_call(self._simulator)
        started = time.monotonic()
        call()
        return time.monotonic() - started


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
