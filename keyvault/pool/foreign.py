"""Requests that somebody else sends with a key.

The vendor counts every request of a key, ours and anybody else's. At the moment of an answer it can
have counted no more of ours than the log holds for that moment: a permit is in the log from its
grant until after it has left the window. What the vendor counts beyond that is foreign. The log is
completed until it explains the vendor's figure, so foreign use is spent like our own, and for a
while a small reserve is kept for what comes between two answers.

When foreign requests came, nobody tells. Some of those that the log holds have left by the next
answer, others have come in their place, and the figure stays the same. So each answer makes all of
them young again, except those that it surely no longer counts (`_renewed`); where windows stand
still they leave together at the turn, and need not be.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import Sum

from keyvault import windows
from keyvault.models import Lease
from keyvault.pool.engine import uuid_value
from keyvault.pool.readings import ROUNDING_US, Told, stand_still
from keyvault.pool.rows import KeyRow, transit_us
from keyvault.pool.writing import Effect
from keyvault.windows import SECOND, KeyState

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


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of the vendor's figures: the key's new state, and rows that complete its log."""

    state: KeyState
    effects: list[Effect]


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


def completed(
    *, row: KeyRow, state: KeyState, told: Sequence[Told], since_us: int, sent: int
) -> Completed:
    """Completes a key's log until it explains the vendor's figures.

    No query unless somebody else seems to use the key; then one for each window concerned, and two
    for as long as that is remembered.

    Args:
        row: the key as read.
        state: its state now, the lease settled.
        told: of the last answer.
        since_us: the answer came between this moment and now.
        sent: requests of ours between this moment and the answer, that one included.
    """
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
    return Completed(state=state, effects=effects)


def _renewed(
    *, row: KeyRow, state: KeyState, told: Sequence[Told], since_us: int, sent: int
) -> _Renewed:
    """Enters the foreign requests of the shortest window that was told anew, as of this answer.

    As many as the log holds, at most what the vendor's figure leaves beside those of ours that it
    surely counts: sent within this span, by leases that are over.
    """
    if not told or stand_still() or not windows.is_shared(state):
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
    sure = int(ours.aggregate(sum=Sum("counted"))["sum"] or 0)
    if since_us > began_us:
        sure += sent
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
    *, row: KeyRow, renewed: _Renewed, told: Sequence[Told], since_us: int
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
        if stand_still() and each.reset_seconds is not None:
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
