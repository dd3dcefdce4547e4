"""What the vendor's headers tell of a key: somebody else's use, new limits, the next turn.

The vendor counts every request of a key, ours and anybody else's. At the moment of an answer it can
have counted no more of ours than the log holds for that moment: a permit is in the log from its
grant until after it has left the window. What the vendor counts beyond that is foreign. The log is
completed until it explains the vendor's figure, so foreign use is spent like our own, and for a
while a small reserve is kept for what comes between two answers.

When foreign requests came, nobody tells. Some of those that the log holds have left by the next
answer, others have come in their place, and the figure stays the same. So each answer makes all of
them young again, except those that it surely no longer counts (`_renewed`); where windows stand
still they leave together at the turn, and need not be.

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
_DELETE: Final = (
    "DELETE FROM keyvault_lease WHERE key_id = %(key_id)s AND outcome = 'foreign' "
    "AND use_by_us > %(renewed_after_us)s AND use_by_us < %(renewed_before_us)s AND {saved}"
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


def heed(
    *, row: KeyRow, state: KeyState, readings: Sequence[Reading], since_us: int, sent: int = 0
) -> Heeded:
    """Completes a key's log and learns the next turns.

    No query unless somebody else seems to use the key; then one for each window concerned, and two
    for as long as that is remembered.

    Args:
        row: the key as read.
        state: its state now, the lease settled.
        readings: of the last answer.
        since_us: the answer came between this moment and now.
        sent: requests of ours between this moment and the answer, that one included.
    """
    state = _with_turns(state=state, readings=readings, since_us=since_us)
    told = _told(state=state, readings=readings)
    renewed = _renewed(row=row, state=state, told=told, since_us=since_us, sent=sent)
    missing = _missing(row=row, renewed=renewed, told=told, since_us=since_us)
    state, effects = renewed.state, list(renewed.effects)
    for n, (at_us, requests) in enumerate(missing, start=1):
        state = windows.settle(
            state=state, counted=0, use_by_us=0, used=requests, last_used_us=at_us
        )
        effects.append(_effect(n=n, at_us=at_us, requests=requests))
    if missing:
        state = replace(state, foreign_seen_us=state.high_water_us)
    return Heeded(state=state, effects=effects)


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


@dataclass(frozen=True, slots=True)
class _Told:
    """A window of which the vendor has told how much is spent.

    Attributes:
        place: its place among the windows of the state.
        seconds: its span.
        spent: requests.
        reset_seconds: until it starts afresh; None when that was not told.
        age_us: so old at least is a request that no shorter window shows.
    """

    place: int
    seconds: int
    spent: int
    reset_seconds: int | None
    age_us: int


@dataclass(frozen=True, slots=True)
class _Renewed:
    """A key whose foreign requests are as young as they may be.

    Attributes:
        state: its state.
        effects: what makes the log the same.
        moved: use-bys, and how many requests the log still holds there and no longer should; below
            0 where they are now.
    """

    state: KeyState
    effects: Sequence[Effect] = ()
    moved: Sequence[tuple[int, int]] = ()


def _told(*, state: KeyState, readings: Sequence[Reading]) -> list[_Told]:
    by_span = {each.seconds: each for each in readings}
    found: list[_Told] = []
    age_us = 0
    for place, window in enumerate(state.windows):
        reading = by_span.get(window.seconds)
        if reading is None or reading.limit is None or reading.remaining is None:
            continue
        told = _Told(
            place=place,
            seconds=window.seconds,
            spent=reading.limit - reading.remaining,
            reset_seconds=reading.reset_seconds,
            age_us=age_us,
        )
        found.append(told)
        age_us = window.seconds * SECOND + transit_us()
    return found


def _renewed(
    *, row: KeyRow, state: KeyState, told: Sequence[_Told], since_us: int, sent: int
) -> _Renewed:
    """Enters the foreign requests of the shortest window that was told anew, as of this answer.

    As many as the log holds, at most what the vendor's figure leaves beside those of ours that it
    surely counts: sent within this span, by leases that are over.
    """
    if not told or _stand_still() or not windows.is_shared(state):
        return _Renewed(state)
    shortest = told[0]
    window = state.windows[shortest.place]
    # What was seen before is no longer in a window that is shorter still.
    shorter = state.windows[shortest.place - 1].seconds if shortest.place else 0
    at_us = state.high_water_us - shorter * SECOND - transit_us()
    log = Lease.objects.filter(key_id=row.id, use_by_us__gt=window.horizon_us)
    seen = log.filter(outcome="foreign", use_by_us__lt=at_us).values_list("use_by_us", "counted")
    foreign = list(seen)
    if not foreign:
        return _Renewed(state)
    began_us = state.high_water_us - window.seconds * SECOND
    ours = log.filter(outcome="ok", granted_us__gt=began_us, use_by_us__lte=since_us)
    sure = int(ours.aggregate(sum=Sum("counted"))["sum"] or 0) + (
        sent if since_us > began_us else 0
    )
    held = sum(count for _, count in foreign)
    kept = min(held, max(shortest.spent - sure, 0))
    if shortest.spent > window.counted - held:
        state = replace(state, foreign_seen_us=state.high_water_us)
    for use_by_us, count in foreign:
        state = windows.settle(
            state=state, counted=count, use_by_us=use_by_us, used=0, last_used_us=0
        )
    state = windows.settle(state=state, counted=0, use_by_us=0, used=kept, last_used_us=at_us)
    away = {"renewed_after_us": window.horizon_us, "renewed_before_us": at_us}
    effects = [Effect(sql=_DELETE, parameters=away)]
    if kept:
        effects.append(_effect(n=0, at_us=at_us, requests=kept))
    return _Renewed(state, effects=effects, moved=[*foreign, (at_us, -kept)])


def _missing(
    *, row: KeyRow, renewed: _Renewed, told: Sequence[_Told], since_us: int
) -> list[tuple[int, int]]:
    """What the log lacks to explain the vendor's figures: moments and numbers of requests.

    A request that the vendor does not show in a shorter window is older than that is long. It is
    entered at the latest moment that it can have, so it never leaves too early; where the windows
    stand still, at the moment that makes it leave with the turn.
    """
    found: list[tuple[int, int]] = []
    state = renewed.state
    for each in told:
        spent = each.spent - sum(count for _, count in found)
        lacking = spent - state.windows[each.place].counted
        began_us, age_us = each.seconds * SECOND, each.age_us
        if _stand_still() and each.reset_seconds is not None:
            began_us -= each.reset_seconds * SECOND - ROUNDING_US
            age_us = began_us - 2 * ROUNDING_US
        if lacking > 0:
            beyond_us = since_us - began_us - transit_us()
            moved = sum(count for use_by_us, count in renewed.moved if use_by_us > beyond_us)
            lacking = spent - _held(row=row, beyond_us=beyond_us) + moved
        if lacking > 0:
            found.append((state.high_water_us - age_us, lacking))
    return found


def _held(*, row: KeyRow, beyond_us: int) -> int:
    """The most of what the log holds that the vendor can have counted at its answer."""
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
