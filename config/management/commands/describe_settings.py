"""Shows every setting, or writes docs/reference/configuration.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.reference import PATH, configuration


class Command(BaseCommand):
    """The list of settings, from the class that reads them."""

    help = "Shows everything that can be set, and what check --deploy may find."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --write."""
        parser.add_argument("--write", action="store_true", help=f"write {PATH.name} instead")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show or write it."""
        if options["write"]:
            PATH.write_text(configuration())
        else:
            self.stdout.write(configuration(), ending="")
