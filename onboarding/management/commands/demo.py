"""`manage.py demo`: stores and keys for a try-out beside the running simulator."""

import os
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from json import dump, dumps, loads
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from keyvault.errors import VaultError
from keyvault.management.custody import database
from onboarding.management.demonstration import DemoError, add_stores, first_run


class Command(BaseCommand):
    """Adds demo data through the same services as the pages."""

    help = (
        "Adds stores with verified keys that the running simulator knows. Refused in production: "
        "demo keys belong to a simulator."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("--stores", type=_count, default=1, help="how many (default: 1)")
        parser.add_argument("--keys", type=_count, default=1, help="keys of each (default: 1)")
        parser.add_argument("--json", action="store_true", help="print the store ids as JSON")
        parser.add_argument(
            "--first-run",
            action="store_true",
            help="make the demo's accounts instead and write DATA_DIR/demo.json; what the last "
            "start wrote may come in on standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        if settings.IS_PRODUCTION:
            message = "There is no demo in production: its keys belong to a simulator."
            raise CommandError(message)
        try:
            database.require_database()
            if options["first_run"]:
                self._first_run()
            else:
                self._add_stores(**{name: options[name] for name in ("stores", "keys", "json")})
        except (DemoError, VaultError) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(database.advice(error)) from None

    def _add_stores(self, *, stores: int, keys: int, json: bool) -> None:
        made = []
        for store in add_stores(stores=stores, keys=keys):
            made.append({"id": str(store.pk)})
            if self.stderr.isatty():
                self.stderr.write(f"\r{len(made)} of {stores} stores", ending="")
        if self.stderr.isatty():
            self.stderr.write("")
        lines = [dumps({"stores": made})] if json else [store["id"] for store in made]
        self.stdout.write("\n".join(lines))

    def _first_run(self) -> None:
        facts = first_run(earlier=_earlier())
        _write_privately(Path(settings.ENVIRONMENT.data_dir) / "demo.json", facts)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"{text!r} is no number from 1 on"
        raise ArgumentTypeError(message)
    return int(text)


def _earlier() -> dict[str, Any]:
    """What the last start wrote; anything else on standard input counts as nothing."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    try:
        earlier = loads(sys.stdin.read() or "{}")
    except ValueError:
        return {}
    return earlier if isinstance(earlier, dict) else {}


def _write_privately(path: Path, facts: dict[str, Any]) -> None:
    """Write the file whole or not at all, readable by its owner alone."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".demo-")
    with os.fdopen(handle, "w") as file:
        dump(facts, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
