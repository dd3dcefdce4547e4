"""Noting when each duty ran last and how it failed, for the page that staff look at."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import F

from keyvault.models import DutyRun

logger = logging.getLogger(__name__)

# A duty that goes well is noted no more often, however often it runs.
NOTED_EVERY = timedelta(seconds=30)


def note_run(*, name: str, now: datetime, problem: str = "") -> None:
    """Notes a run of a duty; one read, and a write when there is something new to say.

    A database that does not answer costs the note and no more: the worker goes on.

    Args:
        name: the duty's.
        now: when it ran.
        problem: the class of what went wrong; empty: nothing did.
    """
    try:
        row = DutyRun.objects.filter(pk=name).first()
        if row is None:
            row, _ = DutyRun.objects.get_or_create(name=name, defaults={"ran_at": now})
        mine = DutyRun.objects.filter(pk=name)
        if problem:
            mine.update(ran_at=now, failures=F("failures") + 1, failed_at=now, problem=problem[:60])
        elif row.failures or now - row.ran_at >= NOTED_EVERY:
            mine.update(ran_at=now, failures=0)
    except DatabaseError:
        logger.exception("a run was not noted", extra={"duty": name})
