"""Holding credentials back: suspended until whoever holds them lets go, whatever a check says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Sum

from keyvault.audit import Actor
from keyvault.models import Credential, Hold
from keyvault.vault.states import set_state

State = Credential.State


def hold(*, credential: Credential, reason: str, actor: Actor) -> None:
    """Suspends a lent credential and holds it. Needs a transaction.

    Args:
        credential: an active one that nobody holds.
        reason: one word of ours, for the record.
        actor: who does it.

    Raises:
        StateError: another request was faster.
    """
    Hold.objects.create(credential=credential, reason=reason)
    set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=State.SUSPENDED,
        actor=actor,
        reason=reason,
    )


def let_go(*, credential_ids: Sequence[Any], reason: str, actor: Actor) -> None:
    """Lets credentials go; those that are still suspended are lent again. Needs a transaction.

    One that a person paused, replaced or removed meanwhile stays so.

    Args:
        credential_ids: those that are held; others are left alone.
        reason: as when they were held.
        actor: who does it.
    """
    held = Hold.objects.filter(credential__in=credential_ids, reason=reason)
    suspended = [
        each.credential
        for each in held.select_related("credential")
        if each.credential.state == State.SUSPENDED
    ]
    held.delete()
    for credential in suspended:
        set_state(
            credential_id=credential.pk,
            keychain_id=credential.keychain_id,
            to=State.ACTIVE,
            actor=actor,
            reason=reason,
        )


def is_held_back(credential_id: UUID) -> bool:
    """Whether only whoever holds a credential brings it back. One query."""
    return Hold.objects.filter(credential=credential_id).exists()


def count_denial(*, keychain_id: UUID) -> None:
    """Counts a lease request that found nothing to lend, if that is for a hold.

    One query, and an UPDATE when a credential of the store is held.
    """
    first = (
        Hold.objects.filter(credential__keychain_id=keychain_id)
        .order_by("pk")
        .values_list("pk", flat=True)
        .first()
    )
    if first is not None:
        Hold.objects.filter(pk=first).update(denied=F("denied") + 1)


def denials_of(*, credential_ids: Sequence[Any]) -> int:
    """How many lease requests were refused since these credentials are held. One query."""
    held = Hold.objects.filter(credential__in=credential_ids)
    return held.aggregate(total=Sum("denied"))["total"] or 0
