"""What the vendor's headers tell of a key: somebody else's use, new limits, the next turn.

The vendor counts every request of a key, ours and anybody else's. At the moment of an answer it can
have counted no more of ours than the log holds for that moment: a permit is in the log from its
grant until after it has left the window. What the vendor counts beyond that is foreign. The log is
completed until it explains the vendor's figure, so foreign use is spent like our own, and for a
while a small reserve is kept for what comes between two answers.

Who reads the headers is said in settings.KEYVAULT_RATE_LIMIT_READER, the dotted path of a function
`(*, limit, remaining, reset) -> Sequence[Reading]`; without it headers are not read.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils.module_loading import import_string

from keyvault import windows
from keyvault.models import Credential, Lease
from keyvault.pool.engine import uuid_value
from keyvault.pool.rows import KeyRow, transit_us
from keyvault.pool.writing import Effect
from keyvault.windows import SECOND, KeyState

# How long a refused key rests when the vendor does not say.
REST_US: Final = 300 * SECOND
# ... and when every window that it shows has room: then it was the limit of one second.
SHORT_REST_US: Final = SECOND
# A reset is told in whole seconds, rounded nobody knows how.
ROUNDING_US: Final = SECOND

_INSERT: Final = (
    "INSERT INTO keyvault_lease (id, key_id, permits, counted, is_batch, granted_us, use_by_us, "
    "expires_us, settled_us, outcome) SELECT %(foreign_id_{n})s, %(key_id)s, 0, "
    "%(foreign_{n})s, %(foreign_is_batch)s, %(foreign_at_{n})s, %(foreign_at_{n})s, "
    "%(foreign_at_{n})s, %(foreign_at_{n})s, 'foreign' WHERE {{saved}}"
)


class Reading(Protocol):
    """What one answer told about one window; None where it told nothing usable."""

    @property
    def seconds(self) -> int:
        """The window's span."""

    @property
    def limit(self) -> int | None:
        """Requests allowed in it."""

    @property
    def remaining(self) -> int | None:
        """Requests left, not below 0."""

    @property
    def reset_seconds(self) -> int | None:
        """Seconds until it starts afresh."""


@dataclass(frozen=True, slots=True)
class RawHeaders:
    """The vendor's three headers as they came."""

    limit: str
    remaining: str
    reset: str


@dataclass(frozen=True, slots=True)
class Heeded:
    """What came of headers: the key's new state, and rows that complete its log."""

    state: KeyState
    effects: list[Effect]


def readings_of(headers: RawHeaders | None) -> Sequence[Reading]:
    """The headers as figures; nonsense and absence are an empty list."""
    path = getattr(settings, "KEYVAULT_RATE_LIMIT_READER", None)
    if headers is None or path is None:
        return ()
    return _reader(path)(limit=headers.limit, remaining=headers.remaining, reset=headers.reset)


def heed(*, row: KeyRow, state: KeyState, readings: Sequence[Reading], since_us: int) -> Heeded:
    """Completes a key's log and learns the next turns.

    No query unless somebody else seems to use the key; then one for each window concerned.

    Args:
        row: the key as read.
        state: its state now, the lease settled.
        readings: of the last answer.
        since_us: the answer came between this moment and now.
    """
    state = _with_turns(state=state, readings=readings, since_us=since_us)
    missing = _missing(row=row, state=state, readings=readings, since_us=since_us)
    if not missing:
        return Heeded(state=state, effects=[])
    effects = []
    for n, (at_us, requests) in enumerate(missing):
        state = windows.settle(
            state=state, counted=0, use_by_us=0, used=requests, last_used_us=at_us
        )
        effects.append(_effect(n=n, at_us=at_us, requests=requests))
    return Heeded(state=replace(state, foreign_seen_us=state.high_water_us), effects=effects)


def rest_us(readings: Sequence[Reading]) -> int:
    """How long a key that was refused for too many requests must rest."""
    spent = [each.reset_seconds for each in readings if each.remaining == 0 and each.reset_seconds]
    if spent:
        return max(spent) * SECOND + ROUNDING_US + transit_us()
    if any(each.remaining for each in readings):
        return SHORT_REST_US + transit_us()
    return REST_US


def adopt_limits(*, credential_id: UUID, readings: Sequence[Reading]) -> None:
    """Writes limits that the vendor tells and that differ from those known. Two queries.

    The next lease finds them and counts its windows anew.
    """
    told = {each.seconds: each.limit for each in readings if each.limit}
    mine = Credential.objects.filter(pk=credential_id)
    for known in mine.values_list("limits", flat=True):
        adopted = [[seconds, told.get(seconds, limit)] for seconds, limit in known]
        mine.update(limits=adopted)


def differ(*, state: KeyState, readings: Sequence[Reading]) -> bool:
    """Whether the vendor tells other limits than those that are counted."""
    told = {each.seconds: each.limit for each in readings if each.limit}
    return any(told.get(each.seconds, each.limit) != each.limit for each in state.windows)


def _with_turns(*, state: KeyState, readings: Sequence[Reading], since_us: int) -> KeyState:
    """Notes when standing windows turn, where the operator has said that they stand."""
    if not _stand_still():
        return state
    for each in readings:
        if each.reset_seconds is not None:
            ahead_us = each.reset_seconds * SECOND
            state = windows.with_reset(
                state=state,
                seconds=each.seconds,
                from_us=since_us + ahead_us - ROUNDING_US,
                until_us=state.high_water_us + ahead_us + ROUNDING_US,
            )
    return state


def _missing(
    *, row: KeyRow, state: KeyState, readings: Sequence[Reading], since_us: int
) -> list[tuple[int, int]]:
    """What the log lacks to explain the vendor's figures: moments and numbers of requests.

    A request that the vendor does not show in a shorter window is older than that is long. It is
    entered at the latest moment that it can have, so it never leaves too early; where the windows
    stand still, at the moment that makes it leave with the turn.
    """
    found: list[tuple[int, int]] = []
    told = {each.seconds: each for each in readings}
    shown_us = 0
    for window in state.windows:
        reading = told.get(window.seconds)
        if reading is not None and reading.limit is not None and reading.remaining is not None:
            spent = reading.limit - reading.remaining - sum(count for _, count in found)
            lacking = spent - window.counted
            if lacking > 0:
                lacking = spent - _held(row=row, seconds=window.seconds, since_us=since_us)
            if lacking > 0:
                age_us = shown_us
                if _stand_still() and reading.reset_seconds is not None:
                    age_us = (window.seconds - reading.reset_seconds) * SECOND - ROUNDING_US
                found.append((state.high_water_us - age_us, lacking))
            shown_us = window.seconds * SECOND + transit_us()
    return found


def _held(*, row: KeyRow, seconds: int, since_us: int) -> int:
    """The most of ours that the vendor can have counted at the moment of its answer."""
    beyond_us = since_us - seconds * SECOND - transit_us()
    log = Lease.objects.filter(key_id=row.id, use_by_us__gt=beyond_us)
    return int(log.aggregate(sum=Sum("counted"))["sum"] or 0)


def _effect(*, n: int, at_us: int, requests: int) -> Effect:
    return Effect(
        sql=_INSERT.format(n=n),
        parameters={
            f"foreign_id_{n}": uuid_value(uuid.uuid4()),
            f"foreign_{n}": requests,
            f"foreign_at_{n}": at_us,
            "foreign_is_batch": False,
        },
    )


def _stand_still() -> bool:
    """Whether the operator has said that the vendor's windows stand still."""
    return bool(getattr(settings, "KEYVAULT_FIXED_WINDOWS", False))


@lru_cache
def _reader(path: str) -> Callable[..., Sequence[Reading]]:
    found: Callable[..., Sequence[Reading]] = import_string(path)
    return found
