"""The vendor and the site of the pool's measurements, with keys that both know."""

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import servers

RIGHTS = {
    name: {"read": True, "write": True}
    for name in ("content", "products", "customers", "orders", "settings", "tracking")
}

Limits = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A simulated vendor with one kind of windows, and a site of ours that knows that kind.

    Attributes:
        windows: "fixed" or "sliding".
        limits: (requests, seconds) of each key.
        port: the vendor's.
        url: the site's.
        database: the site's.
        environment: of the site's commands.
    """

    windows: str
    limits: Limits
    port: int
    url: str
    database: str
    environment: dict[str, str]

    def stocked(self, keys: int) -> dict[str, Any]:
        """A store with fresh keys that the vendor knows: {"token", "stores", "pairs"}."""
        arguments = ["--stores=1", f"--keys={keys}", f"--limits={_spelled(self.limits)}", "--pairs"]
        printed = servers.manage(
            ["-m", "benchmarks.stock", *arguments], environment=self.environment
        )
        made: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
        for key, secret in made["pairs"]:
            body = {"key": key, "secret": secret, "permissions": RIGHTS, "enabled": True}
            body |= {"shop_id": secrets.randbelow(10**6), "language": "nl"}
            status, _ = servers.call(f"http://127.0.0.1:{self.port}/_sim/keys", body=body)
            if status >= 300:
                message = f"the simulator answered {status}"
                raise RuntimeError(message)
        return made

    def bytes_per_key(self) -> int:
        """State of a key that a day has used up in batches of 20, as the database stores it."""
        printed = servers.manage(["-m", "benchmarks.size"], environment=self.environment)
        return int(printed.strip().splitlines()[-1])


@contextlib.contextmanager
def scene(*, windows: str, limits: Limits, database: str, folder: Path) -> Iterator[Scene]:
    """Starts both; the folder is the site's own."""
    vendor, port = servers.free_port(), servers.free_port()
    environment = servers.environment(
        folder,
        database_url=database,
        SIMULATOR_PORT=str(vendor),
        BENCHMARK_WINDOWS=windows,
        BENCHMARK_SPANS=",".join(str(span) for _, span in limits if span > 1),
    )
    simulator = [sys.executable, "-m", "simulator", "--port", str(vendor), "--cluster", "eu1"]
    simulator += ["--windows", windows, "--limits", _spelled(limits)]
    servers.prepared(environment=environment, stores=0, keys=0, limits=_spelled(limits))
    site = servers.granian("benchmarks.pool_wsgi:application", port=port)
    with contextlib.ExitStack() as stack:
        for command, url in (
            (simulator, f"http://127.0.0.1:{vendor}/_sim/stats"),
            (site, f"http://127.0.0.1:{port}/healthz"),
        ):
            stack.enter_context(
                servers.running(command, url=url, environment=environment, folder=folder)
            )
        yield Scene(
            windows=windows,
            limits=limits,
            port=vendor,
            url=f"http://127.0.0.1:{port}",
            database=database,
            environment=environment,
        )


def _spelled(limits: Limits) -> str:
    return ",".join(f"{limit}/{span}" for limit, span in limits)
