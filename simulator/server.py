"""Listening: one loop, one state, a port for each cluster."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from simulator.connection import Connection
from simulator.journal import open_journal
from simulator.keys import KeyBook, new_salt
from simulator.limits import DEFAULT_LIMITS, Limit
from simulator.retail.retail import Retail
from simulator.retail.shelf import Shelf
from simulator.site import Site
from simulator.state import State
from simulator.windows import Clock, FixedMeter, SlidingMeter

HOST = "127.0.0.1"
BACKLOG = 1_024


class ListenError(Exception):
    """A port cannot be listened on; the message says which and why."""


class WindowKind(StrEnum):
    """How the vendor's windows run."""

    FIXED = "fixed"
    SLIDING = "sliding"


_METERS = {WindowKind.FIXED: FixedMeter, WindowKind.SLIDING: SlidingMeter}


@dataclass(frozen=True, slots=True)
class Options:
    """How the stand-in runs.

    Attributes:
        ports: Port of each cluster; 0 takes a free one.
        windows: Fixed or sliding.
        limits: Shortest window first.
        state_file: Where keys are kept over a restart, grants beside them; or None.
        quiet_seconds: How long a client may take to finish its next request.
        clock: Seconds since the epoch.
    """

    ports: dict[str, int] = field(default_factory=lambda: {"eu1": 0, "us1": 0})
    windows: WindowKind = WindowKind.FIXED
    limits: tuple[Limit, ...] = DEFAULT_LIMITS
    state_file: Path | None = None
    quiet_seconds: float = 60
    clock: Clock = time.time


def build_site(options: Options) -> Site:
    """Put a stand-in together, with the keys of its state file and the grants beside it.

    Raises:
        JournalError: The state file cannot be read.
    """
    if options.state_file is None:
        keys = KeyBook(salt=new_salt())
    else:
        keys = open_journal(options.state_file)
    meter = _METERS[options.windows](limits=options.limits, clock=options.clock)
    retail = Retail(clock=options.clock)
    shelf = Shelf(retail=retail, path=_retail_file(options.state_file))
    shelf.load()
    return Site(state=State(keys=keys, meter=meter, retail=retail), shelf=shelf)


def _retail_file(state_file: Path | None) -> Path | None:
    """Grants stand beside the keys: simulator.json and simulator-retail.json."""
    if state_file is None:
        return None
    return state_file.with_name(f"{state_file.stem}-retail.json")


async def serve(
    *,
    site: Site,
    options: Options,
    stop: asyncio.Event,
    announce: Callable[[dict[str, int]], None],
) -> None:
    """Answer on every port until `stop` is set.

    Args:
        site: What answers.
        options: Which ports, and how patiently.
        stop: Ends the service; open connections are cut.
        announce: Told the real ports once all of them listen.

    Raises:
        ListenError: A port cannot be had.
    """
    peers: set[Connection] = set()
    servers: list[asyncio.Server] = []
    listening: dict[str, int] = {}
    try:
        for cluster, port in options.ports.items():
            factory = _connection_factory(
                site=site, cluster=cluster, peers=peers, quiet_seconds=options.quiet_seconds
            )
            server = await _listen(factory=factory, port=port)
            servers.append(server)
            listening[cluster] = server.sockets[0].getsockname()[1]
        announce(listening)
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        for peer in tuple(peers):
            peer.abort()
        await asyncio.sleep(0)


async def _listen(*, factory: Callable[[], Connection], port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(factory, HOST, port, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"Port {port} of {HOST} cannot be used: {reason}."
        raise ListenError(message) from error


def _connection_factory(
    *, site: Site, cluster: str, peers: set[Connection], quiet_seconds: float
) -> Callable[[], Connection]:
    def make() -> Connection:
        return Connection(site=site, cluster=cluster, peers=peers, quiet_seconds=quiet_seconds)

    return make
