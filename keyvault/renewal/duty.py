"""Renewing ahead of time."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q

from keyvault.due import Duty
from keyvault.errors import VaultError
from keyvault.models import Credential, Grant
from keyvault.renewal.renewing import renew, suspend_lost

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 64
# A grant whose tokens cannot be opened: staff have to act first.
UNUSABLE_PAUSE_SECONDS: Final = 60.0
_DONE_STATES: Final = (*Grant.LIVE_STATES, Grant.State.LOST)


def renew_due(now: datetime) -> int:
    """Renews the grants that are due and free.

    Several at a time, so that one slow vendor holds up nobody else's.

    Args:
        now: the present time.

    Returns:
        How many were looked at. A grant that fails is due later; what cannot be opened is logged
        and tried again a minute later.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    due = (
        Grant.objects.select_related("credential")
        .filter(
            free,
            state__in=_DONE_STATES,
            due_at__lte=now,
            credential__state__in=Credential.LIVE_STATES,
        )
        .order_by("due_at", "pk")[:MOST_AT_ONCE]
    )
    grants = list(due)
    threads = min(settings.KEYVAULT_RENEWAL_THREADS, len(grants))
    if threads <= 1:
        return sum(_work(grant, now) for grant in grants)
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="renewal") as workers:
        return sum(workers.map(_closing(_work), grants, [now] * len(grants)))


def _work(grant: Grant, now: datetime) -> int:
    try:
        if grant.state == Grant.State.LOST:
            suspend_lost(grant=grant, now=now)
        else:
            renew(credential_id=grant.pk, generation=grant.generation, now=now)
    except VaultError as error:
        logger.exception("a grant was not renewed", extra={"grant": str(grant.pk)})
        later = now + timedelta(seconds=UNUSABLE_PAUSE_SECONDS)
        Grant.objects.filter(pk=grant.pk).update(problem=error.code, due_at=later)
    return 1


def _closing(work: Callable[[Grant, datetime], int]) -> Callable[[Grant, datetime], int]:
    """The same, giving the thread's database connection back."""

    def run(grant: Grant, now: datetime) -> int:
        try:
            return work(grant, now)
        finally:
            connection.close()

    return run


RENEWALS = Duty(name="renewal.due", interval_seconds=1, run=renew_due)
