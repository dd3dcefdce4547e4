"""The vendor and the site of the pool's measurements, with keys that both know."""

import contextlib
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers

RIGHTS = {
    name: {"read": True, "write": True}
    for name in ("content", "products", "customers", "orders", "settings", "tracking")
}

Limits = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Shop:
    """A store with fresh keys that the vendor knows.

    Attributes:
        id: the store's.
        token: of a backend that may lease from it.
        pairs: its keys and secrets.
    """

    id: str
    token: str
    pairs: list[list[str]]


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
        shops: stores that nobody has spent anything of.
    """

    windows: str
    limits: Limits
    port: int
    url: str
    database: str
    environment: dict[str, str]
    shops: Iterator[Shop]

    def bytes_per_key(self) -> int:
        """State of a key that a day has used up in batches of 20, as the database stores it."""
        printed = servers.manage(["-m", "benchmarks.size"], environment=self.environment)
        return int(printed.strip().splitlines()[-1])


@contextlib.contextmanager
def scene(
    *, windows: str, limits: Limits, keys: Sequence[int], database: str, folder: Path
) -> Iterator[Scene]:
    """Starts both.

    Args:
        windows: "fixed" or "sliding".
        limits: (requests, seconds) of each key.
        keys: of each store.
        database: an empty one, for the site.
        folder: the site's own.
    """
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
    made = servers.prepared(environment=environment, stores=1, keys=keys, limits=_spelled(limits))
    site = servers.granian("benchmarks.pool_wsgi:application", port=port)
    with contextlib.ExitStack() as stack:
        for command, url in (
            (simulator, f"http://127.0.0.1:{vendor}/_sim/stats"),
            (site, f"http://127.0.0.1:{port}/healthz"),
        ):
            stack.enter_context(
                servers.running(command, url=url, environment=environment, folder=folder)
            )
        shops = [
            Shop(id=store, token=made["token"], pairs=pairs)
            for store, pairs in zip(made["stores"], made["pairs"], strict=True)
        ]
        for pair in (pair for shop in shops for pair in shop.pairs):
            _introduce(pair, port=vendor)
        yield Scene(
            windows=windows,
            limits=limits,
            port=vendor,
            url=f"http://127.0.0.1:{port}",
            database=database,
            environment=environment,
            shops=iter(shops),
        )


def _introduce(pair: Sequence[str], *, port: int) -> None:
    """Makes a key known to the vendor."""
    body = {"key": pair[0], "secret": pair[1], "permissions": RIGHTS, "enabled": True}
    body |= {"shop_id": secrets.randbelow(10**6), "language": "nl"}
    status, _ = servers.call(f"http://127.0.0.1:{port}/_sim/keys", body=body)
    if status >= 300:
        message = f"the simulator answered {status}"
        raise RuntimeError(message)


def _spelled(limits: Limits) -> str:
    return ",".join(f"{limit}/{span}" for limit, span in limits)
