"""Takes one report of a mail server from standard input: what the mail server pipes here."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from onboarding.notices.bounces import MOST_BYTES, take_report


class Command(BaseCommand):
    """`manage.py read_bounce < report.eml`."""

    help = "Reads one undeliverable-mail report (RFC 3464) and marks the address that it is about."

    def handle(self, *args: Any, **options: Any) -> None:
        """Take it; a database that is away makes the mail server try again later."""
        raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        try:
            outcome = take_report(raw)
        except OperationalError:
            message = "The database does not answer; try again later."
            raise CommandError(message, returncode=os.EX_TEMPFAIL) from None
        self.stdout.write(outcome)
