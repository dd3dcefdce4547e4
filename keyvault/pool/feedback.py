"""What the vendor's headers do to a key: somebody else's use, new limits, the next turn, a rest."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from keyvault import windows
from keyvault.models import Credential
from keyvault.pool.foreign import Completed, completed
from keyvault.pool.readings import ROUNDING_US, Reading, stand_still, told_windows
from keyvault.pool.rows import KeyRow, transit_us
from keyvault.windows import SECOND, KeyState

# How long a refused key rests when the vendor does not say.
REST_US: Final = 300 * SECOND
# ... and when every window that it shows has room: then it was the limit of one second.
SHORT_REST_US: Final = SECOND


def heed(
    *, row: KeyRow, state: KeyState, readings: Sequence[Reading], since_us: int, sent: int = 0
) -> Completed:
    """Learns the next turns, and completes a key's log. Queries: see `foreign.completed`.

    Args:
        row: the key as read.
        state: its state now, the lease settled.
        readings: of the last answer.
        since_us: the answer came between this moment and now.
        sent: requests of ours between this moment and the answer, that one included.
    """
    state = _with_turns(state=state, readings=readings, since_us=since_us)
    told = told_windows(state=state, readings=readings)
    return completed(row=row, state=state, told=told, since_us=since_us, sent=sent)


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
    if not stand_still():
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
