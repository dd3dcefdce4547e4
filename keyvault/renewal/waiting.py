"""Renewing on demand: one asks, all others wait for the row to change.

In each process one thread looks at the row for all that want the same grant, so that fifty callers
cost the database as much as there are processes.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from keyvault.models import Credential, Grant
from keyvault.renewal.claims import is_held
from keyvault.renewal.renewing import Outcome, renew

# Longer than the longest call of a vendor that we have seen, shorter than a backend waits.
WAIT_SECONDS: Final = 25.0
FIRST_LOOK_SECONDS: Final = 0.01
LONGEST_LOOK_SECONDS: Final = 0.02
# A token that the vendor has just refused is not renewed twice in a row.
REFUSED_PAUSE_SECONDS: Final = 60.0
_WORTH_WAITING: Final = (Outcome.BUSY, Outcome.RENEWED)


@dataclass(slots=True)
class _Flight:
    done: threading.Event = field(default_factory=threading.Event)
    is_fresh: bool = False


_flights: dict[UUID, _Flight] = {}
_lock = threading.Lock()


def freshen(*, keychain_id: UUID, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Brings up the grants of a store whose token may not be lent; call it when a lease found none.

    Waits for the vendor, or for whoever asks it already. Open no transaction around it.

    Args:
        keychain_id: the store.
        wait_seconds: the most to wait.

    Returns:
        Whether one of them may be lent now. If not, nothing is wrong with the caller: try later.
    """
    deadline = time.monotonic() + wait_seconds
    stale = _stale_grants(keychain_id=keychain_id, now=timezone.now())
    fresh = [_share(credential_id=each, deadline=deadline) for each in stale]
    return any(fresh)


def _stale_grants(*, keychain_id: UUID, now: datetime) -> list[UUID]:
    over = Q(credential__state=Credential.State.ACTIVE, credential__valid_until__lte=now)
    refused = Q(
        credential__state=Credential.State.SUSPENDED,
        renewed_at__lte=now - timedelta(seconds=REFUSED_PAUSE_SECONDS),
    )
    mine = Grant.objects.filter(
        over | refused, credential__keychain_id=keychain_id, state__in=Grant.LIVE_STATES
    )
    return list(mine.values_list("pk", flat=True))


def _share(*, credential_id: UUID, deadline: float) -> bool:
    """Lets the first thread bring a grant up, and the others of this process wait for it."""
    with _lock:
        flight = _flights.get(credential_id)
        is_first = flight is None
        if flight is None:
            flight = _flights[credential_id] = _Flight()
    if not is_first:
        flight.done.wait(timeout=max(deadline - time.monotonic(), 0))
        return flight.is_fresh
    try:
        flight.is_fresh = _bring_up(credential_id=credential_id, deadline=deadline)
    finally:
        with _lock:
            del _flights[credential_id]
        flight.done.set()
    return flight.is_fresh


def _bring_up(*, credential_id: UUID, deadline: float) -> bool:
    pause = FIRST_LOOK_SECONDS
    while True:
        now = timezone.now()
        grant = Grant.objects.select_related("credential").get(pk=credential_id)
        if _is_fresh(grant, now=now):
            return True
        if grant.state not in Grant.LIVE_STATES or time.monotonic() >= deadline:
            return False
        if is_held(grant, now=now):
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
            continue
        seen = grant.generation
        outcome = renew(credential_id=credential_id, generation=seen, now=now)
        if outcome not in _WORTH_WAITING:
            return False


def _is_fresh(grant: Grant, *, now: datetime) -> bool:
    until = grant.credential.valid_until
    is_active = grant.credential.state == Credential.State.ACTIVE
    return is_active and until is not None and until > now
