"""Leases over HTTP, beside a bare Django view and OpenBao: python -m benchmarks.delivery [--quick].

All servers run at the same time and are loaded one after the other, again and again, so that a slow
moment of the machine falls on all of them. The last line is JSON with the ratios.
"""

import argparse
import contextlib
import json
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, servers
from benchmarks.load import Measured
from tools.postgres import PostgresServer

LIMITS = "20/1,300/300,3000/3600,12000/86400"
CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to measure."""

    name: str
    url: str
    script: Path
    clients: int = CLIENTS


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute")
    arguments = parser.parse_args()
    stores, seconds, rounds, past = (300, 2, 2, 20_000) if arguments.quick else (2000, 8, 4, 10**6)
    with contextlib.ExitStack() as stack:
        targets, database = _targets(stack, stores=stores)
        found = _measured(targets, seconds=seconds, rounds=rounds)
        by_name = {target.name: target for target in targets}
        flat = _with_past(database, by_name["lease"], seconds=seconds, past=past)
    _print(found)
    sys.stdout.write(json.dumps(_ratios(found) | {"lease_time_1m_vs_10": flat}) + "\n")


def _targets(stack: contextlib.ExitStack, *, stores: int) -> tuple[list[Target], dict[str, str]]:
    database = stack.enter_context(PostgresServer())
    scripts = stack.enter_context(servers.folder())
    targets, on_postgresql = [], {}
    for engine, url in (("", database.url), ("sqlite ", None)):
        data = stack.enter_context(servers.folder())
        environment = servers.environment(data, database_url=url)
        made = servers.prepared(environment=environment, stores=stores, keys=[3], limits=LIMITS)
        port = servers.free_port()
        address = f"http://127.0.0.1:{port}"
        stack.enter_context(
            servers.running(
                servers.granian("config.wsgi:application", port=port),
                url=f"{address}/healthz",
                environment=environment,
                folder=data,
            )
        )
        for permits in (1, 20):
            script = load.lease_script(
                scripts / f"{engine or 'pg'}{permits}.lua",
                token=str(made["token"]),
                stores=list(made["stores"]),
                permits=permits,
            )
            name = f"{engine}lease" + (f" of {permits}" if permits > 1 else "")
            targets.append(Target(name=name, url=address, script=script))
        if url:
            on_postgresql = environment
            targets.append(_bare(stack, environment=environment, folder=data, script=script))
        else:
            one = scripts / "sqlite 1.lua"
            targets.append(
                Target(name="sqlite lease, 1 client", url=address, script=one, clients=1)
            )
    bao, token = stack.enter_context(servers.openbao())
    script = load.fetch_script(scripts / "bao.lua", token=token)
    targets.append(Target(name="openbao", url=bao, script=script))
    return targets, on_postgresql


def _bare(
    stack: contextlib.ExitStack, *, environment: dict[str, str], folder: Path, script: Path
) -> Target:
    port = servers.free_port()
    address = f"http://127.0.0.1:{port}"
    stack.enter_context(
        servers.running(
            servers.granian("benchmarks.bare_wsgi:application", port=port),
            url=address,
            environment=environment,
            folder=folder,
        )
    )
    return Target(name="bare", url=address, script=script)


def _measured(targets: list[Target], *, seconds: int, rounds: int) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = defaultdict(list)
    for target in targets:
        _run(target, seconds=1)
    for _ in range(rounds):
        for target in targets:
            found[target.name].append(_run(target, seconds=seconds))
    return found


def _run(target: Target, *, seconds: int) -> Measured:
    return load.measure(
        url=target.url, script=target.script, seconds=seconds, clients=target.clients
    )


def _with_past(environment: dict[str, str], target: Target, *, seconds: int, past: int) -> float:
    """The time of a lease with many past leases, against with few."""
    before = _run(target, seconds=seconds)
    servers.manage(["-m", "benchmarks.past", f"--leases={past}"], environment=environment)
    _run(target, seconds=1)
    after = _run(target, seconds=seconds)
    return round(before.rate / max(after.rate, 1e-9), 2)


def _ratios(found: dict[str, list[Measured]]) -> dict[str, float]:
    def rate(name: str) -> float:
        return statistics.median(each.rate for each in found[name])

    def p99(name: str) -> float:
        return statistics.median(each.p99_ms for each in found[name])

    return {
        "lease_vs_bare_django": round(rate("lease") / rate("bare"), 3),
        "lease_vs_openbao": round(rate("lease") / rate("openbao"), 3),
        "sqlite_lease_vs_openbao": round(rate("sqlite lease") / rate("openbao"), 3),
        "p99_vs_openbao": round(p99("lease") / p99("openbao"), 3),
        "permits_per_second": round(rate("lease of 20") * 20),
    }


def _print(found: dict[str, list[Measured]]) -> None:
    for name, runs in found.items():
        rate = statistics.median(each.rate for each in runs)
        p50 = statistics.median(each.p50_ms for each in runs)
        p99 = statistics.median(each.p99_ms for each in runs)
        refused = sum(each.refused for each in runs)
        print(f"{name:24} {rate:9.0f}/s  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  refused {refused}")


if __name__ == "__main__":
    main()
