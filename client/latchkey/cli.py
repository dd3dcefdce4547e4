"""`latchkey lease|stores|tail`: a look at the API from a shell."""

import argparse
import json
import os
import sys
import time
from contextlib import closing

from latchkey.connection import Connection
from latchkey.environment import connect
from latchkey.errors import LatchkeyError

# As a shell has it, of a program that Ctrl-C ended.
INTERRUPTED = 130
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 86400.0


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    parser = argparse.ArgumentParser(prog="latchkey", description="Borrow from Latchkey.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("stores", help="stores that this backend may lease from")
    lease = commands.add_parser("lease", help="borrow a key; prints it with its secret")
    lease.add_argument("store")
    lease.add_argument("--permits", type=int, default=1)
    lease.add_argument("--use-within", type=int, default=2, metavar="SECONDS")
    lease.add_argument("--batch", action="store_true", help="yield to interactive use")
    tail = commands.add_parser("tail", help="watch a store's headroom")
    tail.add_argument("store")
    tail.add_argument("--every", type=_seconds, default=2.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    try:
        with closing(connect()) as connection:
            _run(connection, options)
        sys.stdout.flush()
    except (LatchkeyError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0 if options.command == "tail" else INTERRUPTED
    except OSError as error:
        # Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0  # whoever read has read enough
        sys.stderr.write(f"{error.strerror}\n")
        return 1
    return 0


def _seconds(text: str) -> float:
    """Raises a ValueError, which argparse words, for what is no time to wait."""
    if not SHORTEST_SECONDS <= float(text) <= LONGEST_SECONDS:
        raise ValueError
    return float(text)


def _shown(text: str) -> str:
    """A text that somebody else wrote, as this terminal can show it and without orders to it."""
    seen = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    encoding = sys.stdout.encoding or "utf-8"
    return seen.encode(encoding, "replace").decode(encoding)


def _run(connection: Connection, options: argparse.Namespace) -> None:
    if options.command == "stores":
        for store in connection.stores():
            sys.stdout.write(f"{store['id']}  {store['state']:13}  {_shown(store['name'])}\n")
    elif options.command == "lease":
        lease = connection.lease(
            options.store,
            permits=options.permits,
            traffic_class="batch" if options.batch else "interactive",
            use_within_seconds=options.use_within,
        )
        facts = {
            "id": lease.id,
            "permits": lease.permits,
            "use_by": lease.use_by.isoformat(),
            "base_url": lease.base_url,
            **lease.credential,
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        while True:
            _show(connection, options.store)
            time.sleep(options.every)


def _show(connection: Connection, store: str) -> None:
    windows = connection.store(store)["windows"]
    left = "  ".join(
        f"{each['remaining']}/{each['limit']} in {each['seconds']} s" for each in windows
    )
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {left}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
