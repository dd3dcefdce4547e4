"""The command line of the stand-in."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from simulator.journal import JournalError
from simulator.limits import Limit, LimitsError, parse_limits
from simulator.server import HOST, ListenError, Options, WindowKind, build_site, serve
from simulator.site import Site

MAX_PORT = 65_535

_DESCRIPTION = """\
A stand-in Lightspeed eCom (C-Series) vendor for development and tests. It listens on 127.0.0.1 and
is controlled under /_sim/ from the same machine: POST /_sim/keys, POST /_sim/faults,
GET /_sim/stats, POST /_sim/reset."""


def main(arguments: list[str]) -> int:
    """Run until SIGINT or SIGTERM.

    Returns:
        0 after a signal, 1 when it cannot start; bad arguments leave with 2.
    """
    options = parse_options(arguments)
    try:
        site = build_site(options)
        asyncio.run(_run(site=site, options=options))
    except (JournalError, ListenError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 1
    return 0


def parse_options(arguments: list[str]) -> Options:
    """Read the command line; leaves with 2 and a message when it is wrong."""
    parser = _build_parser()
    chosen = parser.parse_args(arguments)
    if chosen.cluster == "both" and chosen.port == MAX_PORT:
        parser.error(f"argument --port: both clusters need two ports, so at most {MAX_PORT - 1}")
    return Options(
        ports=_ports_of(cluster=chosen.cluster, port=chosen.port),
        windows=WindowKind(chosen.windows),
        limits=chosen.limits,
        state_file=chosen.state,
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description=_DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    add(
        "--port",
        type=_port,
        default=8001,
        help="port to listen on (default 8001; 0 takes a free one)",
    )
    add(
        "--cluster",
        choices=("eu1", "us1", "both"),
        default="eu1",
        help="cluster to stand in for; both: eu1 on the port and us1 on the next, sharing one "
        "state (default eu1)",
    )
    add(
        "--windows",
        choices=tuple(str(kind) for kind in WindowKind),
        default=str(WindowKind.FIXED),
        help="fixed: windows begin with the clock, days at midnight in Amsterdam; sliding: they "
        "look back from each request (default fixed)",
    )
    add(
        "--limits",
        type=_limits,
        default="20/1,300/300,3000/3600,12000/86400",
        metavar="REQUESTS/SECONDS,...",
        help="windows of every key (default %(default)s); one of a second is enforced but not "
        "shown in headers",
    )
    add(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep keys in this file and grants beside it over a restart, as hashes, mode 0600 "
        "(default: keep nothing)",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        message = f"{text!r} is not a port from 0 to {MAX_PORT}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _limits(text: str) -> tuple[Limit, ...]:
    try:
        return parse_limits(text)
    except LimitsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _ports_of(*, cluster: str, port: int) -> dict[str, int]:
    if cluster == "both":
        return {"eu1": port, "us1": port + 1 if port else 0}
    return {cluster: port}


async def _run(*, site: Site, options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(site=site, options=options, stop=stop, announce=_announce)


def _announce(ports: dict[str, int]) -> None:
    places = ", ".join(f"{cluster} on http://{HOST}:{port}" for cluster, port in ports.items())
    sys.stdout.write(f"Simulator ready: {places}\n")
    sys.stdout.flush()
