"""`manage.py keyvault`: everything that the operator does with keys and the record."""

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from keyvault.errors import VaultError
from keyvault.management.custody import database, keys, record, safety
from keyvault.management.custody.outcome import Outcome, Part

PARTS: dict[str, Part] = {part.name: part for part in (*keys.PARTS, *record.PARTS, *safety.PARTS)}


class Command(BaseCommand):
    """Runs one part and turns its outcome into lines or JSON, and an exit code."""

    help = "Keys of the vault and the audit record."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds one verb for each part."""
        verbs = parser.add_subparsers(dest="part", required=True, metavar="VERB")
        for part in PARTS.values():
            verb = verbs.add_parser(part.name, help=part.help)
            verb.add_argument("--json", action="store_true", help="print one JSON object")
            if part.arguments is not None:
                part.arguments(verb)

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the part; exit code 1 when something is wrong."""
        part = PARTS[options["part"]]
        try:
            if part.needs_database:
                database.require_database()
            outcome = part.run(argparse.Namespace(**options))
        except VaultError as error:
            self._print_error(error.code, str(error), as_json=options["json"])
        except OSError as error:
            self._print_error("disk", f"the disk refuses: {error}", as_json=options["json"])
        except DatabaseError as error:
            self._print_error("database", database.advice(error), as_json=options["json"])
        else:
            self._print(outcome, as_json=options["json"])
            if not outcome.is_good:
                sys.exit(1)

    def _print(self, outcome: Outcome, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(outcome.data, cls=DjangoJSONEncoder))
        else:
            self.stdout.write("\n".join(map(_printable, outcome.lines)))

    def _print_error(self, code: str, message: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"error": code, "message": message}))
        raise CommandError(message, returncode=1)


def _printable(line: str) -> str:
    """What stands in a database moves no cursor and forges no line."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in line)
