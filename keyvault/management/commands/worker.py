"""manage.py worker: runs the duties. Any number of copies may run at the same time."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils import timezone
from django.utils.module_loading import import_string

from keyvault.due import Duty, load_duties
from keyvault.errors import KeyringError
from keyvault.management.noting import note_run
from keyvault.vault import harden_process, require_keyring

logger = logging.getLogger(__name__)

# A duty that finds work at each run still lets the others have their turn.
MOST_RUNS = 20


class Command(BaseCommand):
    """Runs each duty again and again until it is told to stop."""

    help = "Run the duties of settings.KEYVAULT_DUTIES until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        parser.add_argument("--once", action="store_true", help="each duty once, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Works until a signal comes, and then ends the duty that it is at."""
        try:
            require_keyring()
        except KeyringError as error:
            raise CommandError(str(error)) from None
        observe = import_string(settings.KEYVAULT_DUTY_OBSERVER)
        duties = [observe(duty) for duty in load_duties(settings.KEYVAULT_DUTIES)]
        if options["once"]:
            for duty in duties:
                run(duty)
            end(duties)
            return
        harden_process()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logger.info("the worker starts", extra={"duties": [each.name for each in duties]})
        work(duties=duties, stop=stop)
        end(duties)
        logger.info("the worker ends")


def work(*, duties: list[Duty], stop: threading.Event) -> None:
    """Runs the duties at their intervals until `stop` is set."""
    due = dict.fromkeys(range(len(duties)), time.monotonic())
    while not stop.is_set():
        for index, duty in enumerate(duties):
            if not stop.is_set() and due[index] <= time.monotonic():
                run(duty)
                due[index] = time.monotonic() + duty.interval_seconds
        nap = min(due.values(), default=time.monotonic() + 1) - time.monotonic()
        stop.wait(max(nap, 0))


def run(duty: Duty) -> int:
    """Runs a duty while it finds work; its failure is logged and stops nobody else.

    Returns:
        How many things were done.
    """
    done, problem = 0, ""
    try:
        for _ in range(MOST_RUNS):
            close_old_connections()
            found = duty.run(timezone.now())
            done += found
            if not found:
                break
    except Exception as error:
        problem = type(error).__name__
        logger.exception("a duty failed", extra={"duty": duty.name})
    note_run(name=duty.name, now=timezone.now(), problem=problem)
    return done


def end(duties: list[Duty]) -> None:
    """Lets each duty finish what it has under way; its failure stops nobody else."""
    for duty in duties:
        try:
            if duty.end is not None:
                duty.end()
        except Exception:
            logger.exception("a duty failed at its end", extra={"duty": duty.name})
