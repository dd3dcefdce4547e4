"""Trying again at once what would be tried again later."""

from datetime import datetime

from django.db import transaction

from keyvault.audit import Action, record
from onboarding.errors import UnknownRecordError
from onboarding.models import User
from onboarding.people.selectors import actor_for
from onboarding.staff.work.selectors import resting, retried_rows


@transaction.atomic
def try_again(*, kind: str, user: User, now: datetime) -> int:
    """Makes the failed rows of a kind due now. One conditional UPDATE and one entry.

    Rows that a worker holds are left alone, and so is what was given up: its pauses have been
    served. Sent twice, it finds nothing more to do.

    Args:
        kind: a table with due rows, "onboarding.outgoingmail".
        user: who asks.
        now: the present.

    Returns:
        How many rows are tried again; a worker claims them within seconds.

    Raises:
        UnknownRecordError: there is no such kind, or its rows wait for more than a pause.
    """
    rows = retried_rows(kind)
    if rows is None:
        raise UnknownRecordError
    moved = resting(rows, now=now).update(due_at=now)
    if moved:
        record(
            action=Action.WORK_RETRIED,
            actor=actor_for(user),
            subject=f"work:{kind}",
            facts={"rows": moved},
        )
    return moved
