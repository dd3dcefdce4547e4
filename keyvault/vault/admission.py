"""How a sealed credential enters the vault: once at a time, on the record, told to backends."""

from typing import Literal
from uuid import UUID

from django.db import IntegrityError, transaction

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import DuplicateCredentialError
from keyvault.events import Event, emit
from keyvault.models import Credential


def find_duplicate(*, keychain_id: UUID, fingerprint: str) -> Literal["here", "elsewhere"] | None:
    """Whether the same API key is live already, and where. One query.

    Args:
        keychain_id: the store that asks.
        fingerprint: see `fingerprint`.

    Returns:
        "here", "elsewhere" (tell the merchant nothing more than that it cannot be added), or None.
    """
    live = Credential.objects.filter(fingerprint=fingerprint, state__in=Credential.LIVE_STATES)
    owner = live.values_list("keychain_id", flat=True).first()
    if owner is None:
        return None
    return "here" if owner == keychain_id else "elsewhere"


def admit(*, credential: Credential, actor: Actor) -> None:
    """Inserts a credential that was just sealed. Needs a transaction.

    Args:
        credential: with all its fields.
        actor: who stores it.

    Raises:
        DuplicateCredentialError: one of its fingerprint is live already; nothing was stored.
    """
    try:
        with transaction.atomic():
            credential.save(force_insert=True)
    except IntegrityError:
        refuse_duplicate(credential)
        raise
    audit.record(
        action=Action.CREDENTIAL_SEALED,
        actor=actor,
        keychain_id=credential.keychain_id,
        subject=f"credential:{credential.pk}",
        facts={"endpoint": credential.endpoint, "limits": credential.limits},
    )
    emit(
        event=Event.CREDENTIAL_ACTIVATED,
        keychain_id=credential.keychain_id,
        data={"credential": str(credential.pk), "state": credential.state},
    )


def refuse_duplicate(credential: Credential) -> None:
    """Raises DuplicateCredentialError when another one of its fingerprint is live."""
    found = find_duplicate(keychain_id=credential.keychain_id, fingerprint=credential.fingerprint)
    if found is not None:
        raise DuplicateCredentialError(in_same_keychain=found == "here") from None
