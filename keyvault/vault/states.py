"""How a credential moves between its states."""

from uuid import UUID

from django.db import transaction

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import StateError, UnknownRecordError
from keyvault.events import Event, emit
from keyvault.models import Credential, Hold

State = Credential.State

# What each step is called in the record; a step that is not here is refused.
STEPS: dict[tuple[str, str], Action] = {
    (State.ACTIVE, State.PAUSED): Action.CREDENTIAL_PAUSED,
    (State.SUSPENDED, State.PAUSED): Action.CREDENTIAL_PAUSED,
    (State.PAUSED, State.ACTIVE): Action.CREDENTIAL_RESUMED,
    (State.ACTIVE, State.SUSPENDED): Action.CREDENTIAL_SUSPENDED,
    (State.PAUSED, State.SUSPENDED): Action.CREDENTIAL_SUSPENDED,
    (State.SUSPENDED, State.ACTIVE): Action.CREDENTIAL_RECOVERED,
    **{(state, State.REPLACED): Action.CREDENTIAL_REPLACED for state in Credential.LIVE_STATES},
    **{(state, State.REVOKED): Action.CREDENTIAL_REVOKED for state in Credential.LIVE_STATES},
    # Undone within the time in which it is kept; the one in its place must be gone before.
    (State.REPLACED, State.ACTIVE): Action.CREDENTIAL_RESTORED,
    (State.REPLACED, State.REVOKED): Action.CREDENTIAL_REVOKED,
}


# What backends are told of a step.
EVENTS: dict[Action, Event] = {
    Action.CREDENTIAL_SUSPENDED: Event.CREDENTIAL_FAILING,
    Action.CREDENTIAL_RECOVERED: Event.CREDENTIAL_RECOVERED,
    Action.CREDENTIAL_RESUMED: Event.CREDENTIAL_ACTIVATED,
    Action.CREDENTIAL_RESTORED: Event.CREDENTIAL_ACTIVATED,
    Action.CREDENTIAL_REPLACED: Event.CREDENTIAL_REPLACED,
    Action.CREDENTIAL_REVOKED: Event.CREDENTIAL_REVOKED,
}


def set_state(
    *,
    credential_id: UUID,
    keychain_id: UUID,
    to: Credential.State,
    actor: Actor,
    reason: str = "",
) -> Credential:
    """Moves a credential to another state, in a transaction or the caller's.

    A conditional UPDATE and one entry. A revoked credential loses its sealed bytes for good. One
    that is in the wanted state already is left alone, and nothing is recorded. One that is held
    back (`keyvault.vault.holds`) is not made active by anybody else.

    Args:
        credential_id: which one.
        keychain_id: the keychain that it must belong to.
        to: the state to reach.
        actor: who does it.
        reason: one word of ours for the record, "vendor-refused"; never a sentence of a person.

    Returns:
        The credential as it is now.

    Raises:
        UnknownRecordError: no such credential in that keychain.
        StateError: there is no step from its state to that one, another request was faster, or it
            is held back.
    """
    mine = Credential.objects.filter(pk=credential_id, keychain_id=keychain_id)
    with transaction.atomic():
        credential = mine.first()
        if credential is None:
            message = f"credential {credential_id} is not in keychain {keychain_id}"
            raise UnknownRecordError(message)
        if credential.state == to:
            return credential
        if to == State.ACTIVE and Hold.objects.filter(credential=credential).exists():
            message = f"credential {credential_id} is held back"
            raise StateError(message)
        action = STEPS.get((credential.state, to))
        changes: dict[str, object] = {"state": to}
        if to == State.REVOKED:
            changes["sealed"] = b""
        if action is None or not mine.filter(state=credential.state).update(**changes):
            message = f"credential {credential_id} is {credential.state}, not to be made {to}"
            raise StateError(message)
        audit.record(
            action=action,
            actor=actor,
            keychain_id=keychain_id,
            subject=f"credential:{credential_id}",
            facts={"from": credential.state, "reason": reason},
        )
        if action in EVENTS:
            emit(
                event=EVENTS[action],
                keychain_id=keychain_id,
                data={"credential": str(credential_id), "state": to.value},
            )
    for name, value in changes.items():
        setattr(credential, name, value)
    return credential
