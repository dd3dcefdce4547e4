"""Handing the task to the person who has the Back Office: one link, one store, one day.

merchant                      guest
create_hand_over ── link ──►  opens the page: nothing happens yet, mail programs look, too
                              presses Begin: open_hand_over, this browser only from now on
                              steps, paste, store: end_hand_over
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pydantic import SecretStr

from keyvault.audit import Action, Actor, record
from onboarding.errors import UnknownRecordError
from onboarding.models import HandOver, Store, User

HAND_OVER_LIFETIME = timedelta(hours=24)
_TOKEN_BYTES = 32


def create_hand_over(*, store: Store, user: User, actor: Actor) -> SecretStr:
    """Make a link's token; an earlier link of the same person for the same store ends.

    Args:
        store: the one store that the guest makes a key for.
        user: who asks for help.
        actor: the same, for the record.

    Returns:
        The token. It is not kept: show the link once.
    """
    token = SecretStr(secrets.token_urlsafe(_TOKEN_BYTES))
    with transaction.atomic():
        # Two tabs at once take turns; the link that was asked for last holds.
        Store.objects.select_for_update(no_key=True).get(pk=store.pk)
        for earlier in HandOver.objects.filter(store=store, created_by=user, ended_at__isnull=True):
            end_hand_over(hand_over=earlier, actor=actor)
        made = HandOver.objects.create(
            store=store,
            created_by=user,
            digest=_digest(token),
            expires_at=timezone.now() + HAND_OVER_LIFETIME,
        )
        _record(Action.HAND_OVER_CREATED, made, actor=actor)
    return token


def hand_over_by_token(*, token: SecretStr) -> HandOver:
    """The hand-over whose link has not been opened yet.

    Raises:
        UnknownRecordError: no such link, or it was opened, has ended or has had its time.
    """
    found = (
        HandOver.objects.select_related("store", "created_by")
        .filter(
            digest=_digest(token),
            opened_at__isnull=True,
            ended_at__isnull=True,
            expires_at__gt=timezone.now(),
        )
        .first()
    )
    if found is None:
        raise UnknownRecordError
    return found


def open_hand_over(*, token: SecretStr) -> HandOver:
    """Use the link up; of two who open it at once, one gets in.

    Raises:
        UnknownRecordError: see `hand_over_by_token`.
    """
    found = hand_over_by_token(token=token)
    with transaction.atomic():
        now = timezone.now()
        if not HandOver.objects.filter(
            pk=found.pk, opened_at__isnull=True, ended_at__isnull=True
        ).update(opened_at=now):
            raise UnknownRecordError
        found.opened_at = now
        _record(Action.HAND_OVER_OPENED, found, actor=guest_actor(found))
    return found


def opened_hand_over(*, token: SecretStr, hand_over_id: UUID) -> HandOver | None:
    """The hand-over of a link that was opened, if it is the one named and still runs."""
    found = HandOver.objects.filter(pk=hand_over_id, digest=_digest(token)).first()
    if found is None:
        return None
    return running_hand_over(hand_over_id=found.pk, store_id=found.store_id)


def running_hand_over(*, hand_over_id: UUID, store_id: UUID) -> HandOver | None:
    """The hand-over that a guest's browser is in, if it still runs for this store."""
    return (
        HandOver.objects.select_related("store", "created_by")
        .filter(
            pk=hand_over_id,
            store_id=store_id,
            opened_at__isnull=False,
            ended_at__isnull=True,
            expires_at__gt=timezone.now(),
            created_by__is_active=True,
            store__merchant__members__user_id=F("created_by"),
        )
        .first()
    )


def end_hand_over(*, hand_over: HandOver, actor: Actor) -> None:
    """Close the door: the task is done, or the link is no longer wanted. Harmless when repeated."""
    with transaction.atomic():
        if HandOver.objects.filter(pk=hand_over.pk, ended_at__isnull=True).update(
            ended_at=timezone.now()
        ):
            _record(Action.HAND_OVER_ENDED, hand_over, actor=actor)


def guest_actor(hand_over: HandOver) -> Actor:
    """The guest as the audit record names them: nobody knows more of them than the link."""
    return Actor(kind="person", id=f"hand-over-{hand_over.pk}")


def _digest(token: SecretStr) -> str:
    return hashlib.sha256(token.get_secret_value().encode()).hexdigest()


def _record(action: Action, hand_over: HandOver, *, actor: Actor) -> None:
    record(
        action=action,
        actor=actor,
        keychain_id=hand_over.store_id,
        subject=f"hand-over:{hand_over.pk}",
    )
