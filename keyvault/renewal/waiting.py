"""Renewing on demand: one asks, all others wait for the row to change.

In each process one thread looks for all that want the same store, so that fifty callers cost the
database as much as there are processes, and leave the processor to the one that renews. It looks
again after a small share of the time that it has waited: soon for a vendor that is quick, seldom
for one that is slow.
"""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from keyvault.models import Credential, Grant
from keyvault.renewal.renewing import Outcome, renew

# Longer than the longest call of a vendor that we have seen, shorter than a backend waits.
WAIT_SECONDS: Final = 25.0
# Between two looks: a twentieth of the time waited so far, give or take a third.
LOOK_SHARE: Final = 0.05
SHORTEST_LOOK_SECONDS: Final = 0.005
LONGEST_LOOK_SECONDS: Final = 0.1
JITTER: Final = 1 / 3
# A token that the vendor has just refused is not renewed twice in a row.
REFUSED_PAUSE_SECONDS: Final = 60.0
_WORTH_WAITING: Final = (Outcome.BUSY, Outcome.RENEWED)

_dice = secrets.SystemRandom()


@dataclass(slots=True)
class _Flight:
    done: threading.Event = field(default_factory=threading.Event)
    is_fresh: bool = False


class _Standing(NamedTuple):
    """What a look reads; in the order of `_LOOKED_AT`."""

    credential_id: UUID
    state: str
    generation: int
    claimed_until: datetime | None
    credential_state: str
    valid_until: datetime | None


_LOOKED_AT: Final = (
    "pk",
    "state",
    "generation",
    "claimed_until",
    "credential__state",
    "credential__valid_until",
)
_flights: dict[UUID, _Flight] = {}
_lock = threading.Lock()


def freshen(*, keychain_id: UUID, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Brings up the grants of a store whose token may not be lent; call it when a lease found none.

    Waits for the vendor, or for whoever asks it already. Open no transaction around it. The first
    thread of a process works, the others wait for it without a query.

    Args:
        keychain_id: the store.
        wait_seconds: the most to wait.

    Returns:
        Whether one of them may be lent now. If not, nothing is wrong with the caller: try later.
    """
    deadline = time.monotonic() + wait_seconds
    with _lock:
        flight = _flights.get(keychain_id)
        is_first = flight is None
        if flight is None:
            flight = _flights[keychain_id] = _Flight()
    if not is_first:
        flight.done.wait(timeout=max(deadline - time.monotonic(), 0))
        return flight.is_fresh
    try:
        stale = _stale_grants(keychain_id=keychain_id, now=timezone.now())
        fresh = [_bring_up(seen, deadline=deadline) for seen in stale]
        # None is stale: another process may have been faster than the caller's own look.
        flight.is_fresh = any(fresh) if stale else _has_fresh(keychain_id=keychain_id)
    finally:
        with _lock:
            del _flights[keychain_id]
        flight.done.set()
    return flight.is_fresh


def _stale_grants(*, keychain_id: UUID, now: datetime) -> list[_Standing]:
    over = Q(credential__state=Credential.State.ACTIVE, credential__valid_until__lte=now)
    refused = Q(
        credential__state=Credential.State.SUSPENDED,
        renewed_at__lte=now - timedelta(seconds=REFUSED_PAUSE_SECONDS),
    )
    mine = Grant.objects.filter(
        over | refused, credential__keychain_id=keychain_id, state__in=Grant.LIVE_STATES
    )
    return [_Standing(*row) for row in mine.values_list(*_LOOKED_AT)]


def _has_fresh(*, keychain_id: UUID) -> bool:
    return Grant.objects.filter(
        credential__keychain_id=keychain_id,
        credential__state=Credential.State.ACTIVE,
        credential__valid_until__gt=timezone.now(),
    ).exists()


def _bring_up(seen: _Standing, *, deadline: float) -> bool:
    began = time.monotonic()
    while True:
        now = timezone.now()
        if _is_fresh(seen, now=now):
            return True
        if seen.state not in Grant.LIVE_STATES or time.monotonic() >= deadline:
            return False
        if seen.claimed_until is not None and seen.claimed_until > now:
            time.sleep(_pause(waited_seconds=time.monotonic() - began))
        else:
            mine, generation = seen.credential_id, seen.generation
            outcome = renew(credential_id=mine, generation=generation, now=now)
            if outcome not in _WORTH_WAITING:
                return False
        seen = _look(seen.credential_id)


def _look(credential_id: UUID) -> _Standing:
    return _Standing(*Grant.objects.filter(pk=credential_id).values_list(*_LOOKED_AT).get())


def _pause(*, waited_seconds: float) -> float:
    share = min(max(waited_seconds * LOOK_SHARE, SHORTEST_LOOK_SECONDS), LONGEST_LOOK_SECONDS)
    return share * _dice.uniform(1 - JITTER, 1 + JITTER)


def _is_fresh(seen: _Standing, *, now: datetime) -> bool:
    is_active = seen.credential_state == Credential.State.ACTIVE
    return is_active and seen.valid_until is not None and seen.valid_until > now
