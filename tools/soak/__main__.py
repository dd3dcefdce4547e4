"""Runs a soak."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import tools.soak
from tests.faults.installation import Installation
from tools.postgres import PostgresServer
from tools.soak.aftermath import counts, report, say
from tools.soak.clients import Backend, Merchant, Staff, Tally
from tools.soak.memory import Curve

STORES = 12
KEYS = 3
BACKENDS = 4
MERCHANTS = 2


def main() -> int:
    """Run the load; returns 0 when nothing went wrong."""
    parser = argparse.ArgumentParser(
        description=tools.soak.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="latchkey-soak-") as folder, PostgresServer() as server:
        site = Installation(Path(folder) / "data", database_url=server.url)
        try:
            told = _soak(site, seconds=minutes * 60)
        finally:
            site.stop()
    sys.stdout.write(json.dumps(told) + "\n")
    return int(any(told[name] for name in ("errors", "lost", "leaked")))


def _soak(site: Installation, *, seconds: float) -> dict[str, Any]:
    say("Preparing")
    stores = _started(site)
    before = counts(site)
    tally, curve = Tally(), Curve(site)
    clients = [
        *(Backend(site, tally, stores) for _ in range(BACKENDS)),
        *(Merchant(site, tally) for _ in range(MERCHANTS)),
        Staff(site, tally),
    ]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    threads.append(threading.Thread(target=curve.record, args=[tally.stop], daemon=True))
    for thread in threads:
        thread.start()
    say(f"Under load for {seconds:.0f} s")
    tally.stop.wait(seconds)
    tally.stop.set()
    for thread in threads:
        thread.join(60)
    say(f"Memory in MiB, private + mapped:\n{curve.table()}")
    return {**report(site, tally, before=before), "rss_growth_mib": curve.growth()}


def _started(site: Installation) -> list[str]:
    """Start all parts; the ids of the stores that backends lease from."""
    site.prepare()
    site.start_simulator()
    made = site.manage("demo", "--stores", str(STORES), "--keys", str(KEYS), "--json")
    site.start_web(workers=2)
    for name in ("worker", "second-worker"):
        site.start_worker(name)
    return [store["id"] for store in json.loads(made.stdout)["stores"]]


if __name__ == "__main__":
    sys.exit(main())
