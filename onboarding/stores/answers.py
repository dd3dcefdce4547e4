"""The first line of the store page: does my app work?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from keyvault.models import Credential
from lightspeed.result import Outcome
from onboarding.migration.selectors import Banner
from onboarding.models import Submission
from onboarding.oauth.selectors import Connection
from onboarding.stores.selectors import KeyLine

State = Credential.State


class Standing(StrEnum):
    """The answer to "does my app work?"."""

    OK = "ok"
    ACT = "act"
    BROKEN = "broken"
    EMPTY = "empty"


class Reason(StrEnum):
    """Why the store stands as it does; each has its own words and its own action."""

    WORKS = "works"
    NO_KEY = "no_key"
    KEY_WAITS = "key_waits"
    ALL_REFUSED = "all_refused"
    ALL_PAUSED = "all_paused"
    SOME_REFUSED = "some_refused"
    BOX_MISSING = "box_missing"
    KEY_OPENED = "key_opened"
    CONNECTED = "connected"
    RECONNECT = "reconnect"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first line of the store page.

    Attributes:
        standing: the answer.
        reason: why.
        key: the key that wants something, if one does.
        submission_id: the pair that waits for its merchant, if one does.
        connection: the connection that wants something, if one does.
        banner: the plan that ends the keys, if that is what wants something.
    """

    standing: Standing
    reason: Reason
    key: KeyLine | None = None
    submission_id: UUID | None = None
    connection: Connection | None = None
    banner: Banner | None = None


def answer(
    *,
    keys: Sequence[KeyLine],
    connections: Sequence[Connection] = (),
    waiting: Sequence[Submission] = (),
    banner: Banner | None = None,
) -> Answer:
    """Whether the app works, and the one thing to do if it does not.

    Args:
        keys: the store's keys.
        connections: its connections.
        waiting: the pairs that are kept but not stored, the newest first.
        banner: what an active plan means for the keys, if there is one.
    """
    ailing = next((each for each in connections if each.standing != "ok"), None)
    if ailing is not None:
        is_alone = len(connections) == 1 and not keys
        is_broken = is_alone and ailing.standing == "broken"
        standing = Standing.BROKEN if is_broken else Standing.ACT
        return Answer(standing, Reason.RECONNECT, connection=ailing)
    if connections and not keys:
        return Answer(Standing.OK, Reason.CONNECTED)
    by_state = {
        state: [line for line in keys if line.credential.state == state]
        for state in Credential.LIVE_STATES
    }
    found = (
        _answer_with_active(by_state)
        if by_state[State.ACTIVE]
        else _answer_without_active(by_state=by_state, waiting=waiting)
    )
    if banner is not None and banner.provider and _is_of_plan(found, banner):
        standing = Standing.ACT if found.standing == Standing.OK else found.standing
        return Answer(standing, Reason.PLAN, banner=banner)
    return found


def _is_of_plan(found: Answer, banner: Banner) -> bool:
    """Whether reconnecting is what is to be done: nothing in the Back Office would help."""
    is_refused = found.reason in (Reason.ALL_REFUSED, Reason.SOME_REFUSED)
    return found.reason == Reason.WORKS or (is_refused and banner.is_refused)


def _answer_with_active(by_state: dict[State, list[KeyLine]]) -> Answer:
    if by_state[State.SUSPENDED]:
        return Answer(Standing.ACT, Reason.SOME_REFUSED, key=by_state[State.SUSPENDED][0])
    lacking = next((line for line in by_state[State.ACTIVE] if line.missing), None)
    if lacking is not None and lacking.last_outcome == Outcome.MISSING_PERMISSIONS:
        return Answer(Standing.ACT, Reason.BOX_MISSING, key=lacking)
    opened = next((line for line in by_state[State.ACTIVE] if line.opened_at), None)
    if opened is not None:
        return Answer(Standing.ACT, Reason.KEY_OPENED, key=opened)
    return Answer(Standing.OK, Reason.WORKS)


def _answer_without_active(
    *, by_state: dict[State, list[KeyLine]], waiting: Sequence[Submission]
) -> Answer:
    if by_state[State.SUSPENDED]:
        return Answer(Standing.BROKEN, Reason.ALL_REFUSED, key=by_state[State.SUSPENDED][0])
    if by_state[State.PAUSED]:
        return Answer(Standing.BROKEN, Reason.ALL_PAUSED, key=by_state[State.PAUSED][0])
    if waiting:
        return Answer(Standing.ACT, Reason.KEY_WAITS, submission_id=waiting[0].pk)
    return Answer(Standing.EMPTY, Reason.NO_KEY)
