"""How much of the vendor's limits is spent: python -m benchmarks.pool [--quick].

Real processes (4 of 8 threads) spend all they can against the simulator. Utilisation is the number
of accepted requests against the most that any scheduler could send under the same windows, guard
and use-by. The last line is JSON.
"""

import argparse
import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from keyvault.windows import TRANSIT_SECONDS
from tools.postgres import PostgresServer

PROCESSES = 4
QUICK = [(20, 1), (100, 15), (300, 45)]
FULL = [(20, 1), (300, 300), (3000, 3600), (12000, 86400)]
RIGHTS = {
    name: {"read": True, "write": True}
    for name in ("content", "products", "customers", "orders", "settings", "tracking")
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one policy reached."""

    utilisation: float
    refused: int
    longest_wait: float


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute, windows scaled down")
    arguments = parser.parse_args()
    limits, seconds, counts = (QUICK, 10, [3]) if arguments.quick else (FULL, 660, [1, 3, 10])
    totals: dict[str, Result] = {}
    library: list[Result] = []
    size = 0
    with PostgresServer() as database, servers.folder() as data:
        for windows in ("fixed", "sliding"):
            for keys in counts:
                stage = _stage(database.url, data=data, windows=windows, keys=keys, limits=limits)
                with stage as plan:
                    for policy in ("latchkey", "moving windows", "blind"):
                        if arguments.quick and policy != "latchkey" and windows == "sliding":
                            continue
                        result = _run(plan, policy=policy, seconds=seconds, limits=limits)
                        _print(windows, keys, policy, result)
                        if policy == "latchkey":
                            totals[windows] = _worse(totals.get(windows), result)
                        elif policy == "moving windows":
                            library.append(result)
                    size = max(size, _bytes_per_key(plan))
    best = max(library, key=lambda each: each.utilisation)
    sys.stdout.write(
        json.dumps(
            {name: _facts(result) for name, result in totals.items()}
            | {"best_library": _facts(best), "bytes_per_key": size}
        )
        + "\n"
    )


@contextlib.contextmanager
def _stage(
    url: str, *, data: Path, windows: str, keys: int, limits: list[tuple[int, int]]
) -> Iterator[dict[str, object]]:
    """The vendor and the site, running."""
    spelled = ",".join(f"{limit}/{span}" for limit, span in limits)
    with contextlib.ExitStack() as stack:
        vendor, port = servers.free_port(), servers.free_port()
        environment = servers.environment(
            data, database_url=url, SIMULATOR_PORT=str(vendor), BENCHMARK_WINDOWS=windows
        )
        command = [sys.executable, "-m", "simulator", "--port", str(vendor), "--cluster", "eu1"]
        stack.enter_context(
            servers.running(
                [*command, "--windows", windows, "--limits", spelled],
                url=f"http://127.0.0.1:{vendor}/_sim/stats",
                environment=environment,
                folder=data,
            )
        )
        made = servers.prepared(environment=environment, stores=0, keys=0, limits=spelled)
        stack.enter_context(
            servers.running(
                servers.granian("benchmarks.pool_wsgi:application", port=port),
                url=f"http://127.0.0.1:{port}/healthz",
                environment=environment,
                folder=data,
            )
        )
        yield {
            "environment": environment,
            "url": f"http://127.0.0.1:{port}",
            "port": vendor,
            "token": made["token"],
            "keys": keys,
            "limits": limits,
            "processes": PROCESSES,
        }


def _run(
    plan: dict[str, object], *, policy: str, seconds: int, limits: list[tuple[int, int]]
) -> Result:
    """A policy on keys of its own, so that it finds every window unspent."""
    spelled = ",".join(f"{limit}/{span}" for limit, span in limits)
    printed = servers.manage(
        [
            "-m",
            "benchmarks.stock",
            "--stores=1",
            f"--keys={plan['keys']}",
            f"--limits={spelled}",
            "--pairs",
        ],
        environment=plan["environment"],  # type: ignore[arg-type]  # a dict of strings
    )
    made = json.loads(printed.strip().splitlines()[-1])
    for key, secret in made["pairs"]:
        body = {"key": key, "secret": secret, "permissions": RIGHTS, "enabled": True}
        body |= {"shop_id": secrets.randbelow(10**6), "language": "nl"}
        status, _ = servers.call(f"http://127.0.0.1:{plan['port']}/_sim/keys", body=body)
        assert status < 300, status  # noqa: S101  # a broken set-up measures nothing
    before = _stats(plan)
    job = {name: value for name, value in plan.items() if name != "environment"}
    job |= {"policy": policy, "seconds": seconds, "store": made["stores"][0]}
    job |= {"token": made["token"], "pairs": made["pairs"]}
    waits = _spend(json.dumps(job))
    after = _stats(plan)
    accepted = after.get("200", 0) - before.get("200", 0)
    most = _most(limits=limits, seconds=seconds) * int(str(plan["keys"]))
    return Result(
        utilisation=round(accepted / most, 4),
        refused=after.get("429", 0) - before.get("429", 0),
        longest_wait=max(waits, default=0.0),
    )


def _spend(job: str) -> list[float]:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.spender"],
            cwd=servers.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for process in running:
        assert process.stdin is not None  # noqa: S101  # asked for above
        process.stdin.write(job)
        process.stdin.close()
    waits: list[float] = []
    for process in running:
        assert process.stdout is not None  # noqa: S101  # asked for above
        waits += json.loads(process.stdout.read())["waits"]
        process.wait()
    return waits


def _most(*, limits: list[tuple[int, int]], seconds: float) -> int:
    """What a scheduler without any delay of its own could send with one key.

    A permit is sent the moment it is granted and leaves a window transit + span later.
    """
    sent: list[float] = []
    now = 0.0
    while now < seconds:
        sent.append(now)
        now = max(
            [now]
            + [
                sent[-limit] + span + TRANSIT_SECONDS
                for limit, span in limits
                if len(sent) >= limit
            ]
        )
    return len(sent)


def _stats(plan: dict[str, object]) -> dict[str, int]:
    _, body = servers.call(f"http://127.0.0.1:{plan['port']}/_sim/stats")
    found: dict[str, int] = json.loads(body)["by_status"]
    return found


def _bytes_per_key(plan: dict[str, object]) -> int:
    """State of a key that a day has used up in batches of 20, as the database stores it."""
    printed = servers.manage(
        ["-m", "benchmarks.size"],
        environment=plan["environment"],  # type: ignore[arg-type]  # a dict of strings
    )
    return int(printed.strip().splitlines()[-1])


def _worse(first: Result | None, second: Result) -> Result:
    if first is None:
        return second
    return Result(
        utilisation=min(first.utilisation, second.utilisation),
        refused=first.refused + second.refused,
        longest_wait=max(first.longest_wait, second.longest_wait),
    )


def _facts(result: Result) -> dict[str, float]:
    return {"utilisation": result.utilisation, "refused": result.refused}


def _print(windows: str, keys: int, policy: str, result: Result) -> None:
    print(
        f"{windows:8} K={keys:<3} {policy:15} {result.utilisation:7.2%} of the most, "
        f"{result.refused} refused, longest wait {result.longest_wait:.2f} s"
    )


if __name__ == "__main__":
    main()
