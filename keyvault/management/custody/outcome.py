"""What a part of the command hands back, for people and for programs."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keyvault.audit import Actor

BAR_WIDTH = 40
OPERATOR = Actor(kind="command", id="keyvault")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one part of the command.

    Attributes:
        lines: for people.
        data: for programs (`--json`).
        is_good: False gives exit code 1.
    """

    lines: list[str]
    data: dict[str, Any] = field(default_factory=dict)
    is_good: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One verb of the command.

    Attributes:
        name: what is typed.
        help: one line.
        run: does it.
        arguments: adds what the verb takes, when it takes anything.
        needs_database: whether it works only on a database with all tables.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], Outcome]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None
    needs_database: bool = True


def show_progress(done: int, total: int) -> None:
    """A bar on a terminal; in a log one line at the end is enough."""
    if sys.stderr.isatty():
        filled = BAR_WIDTH * done // max(total, 1)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        sys.stderr.write(f"\r{bar} {done} of {total}" + ("\n" if done >= total else ""))
        sys.stderr.flush()
