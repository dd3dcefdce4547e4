"""Drafts: a pasted pair between its paste and its check."""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault import audit, envelope
from keyvault.audit import Action, Actor
from keyvault.due import Duty
from keyvault.errors import ShreddedKeychainError, TamperedSecretError, UnknownRecordError
from keyvault.models import Alert, Draft
from keyvault.vault import secrets
from keyvault.vault.admission import find_duplicate
from keyvault.vault.ciphers import cipher_of, sealing_cipher_of, shredded
from keyvault.vault.secrets import ApiKeySecret
from keyvault.vault.tripwires import fire


def seal_draft(
    *, keychain_id: UUID, secret: ApiKeySecret, ttl_seconds: float, actor: Actor
) -> Draft:
    """Seals a pasted pair that has not passed its check. Opens a transaction or joins the caller's.

    Args:
        keychain_id: the store's keychain.
        secret: the pair.
        ttl_seconds: how long the draft may live.
        actor: who pasted it.

    Returns:
        The stored draft.

    Raises:
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            stored.
    """
    draft = Draft(
        id=uuid.uuid4(),
        keychain_id=keychain_id,
        fingerprint=secrets.fingerprint(secret.key),
        last_four=secrets.last_four(secret.key),
        expires_at=timezone.now() + timedelta(seconds=ttl_seconds),
    )
    with transaction.atomic():
        draft.sealed = envelope.seal(
            cipher=sealing_cipher_of(keychain_id=keychain_id),
            plaintext=secrets.encode(secret),
            place=_place(draft),
        )
        draft.save(force_insert=True)
        _record(Action.DRAFT_SEALED, draft=draft, actor=actor)
        _watch_for_two_merchants(draft)
    return draft


def open_draft(*, draft_id: UUID, keychain_id: UUID, actor: Actor) -> ApiKeySecret:
    """Opens a draft for its check; records `draft.opened`. One query and one INSERT.

    Raises:
        UnknownRecordError: gone, expired, or another keychain's.
        ShreddedKeychainError, TamperedSecretError, KekUnavailableError, UnknownKekError: it cannot
            be opened.
    """
    draft = (
        Draft.objects.select_related("keychain__wrapped_dek")
        .filter(pk=draft_id, keychain_id=keychain_id, expires_at__gt=timezone.now())
        .first()
    )
    if draft is None:
        raise UnknownRecordError(_unknown(draft_id))
    dek = getattr(draft.keychain, "wrapped_dek", None)
    if dek is None:
        raise ShreddedKeychainError(shredded(keychain_id))
    cipher = cipher_of(keychain=keychain_id.hex, kek_id=dek.kek_id, wrapped=dek.wrapped)
    plaintext = envelope.open_sealed(cipher=cipher, sealed=draft.sealed, place=_place(draft))
    secret = secrets.decode(plaintext)
    if not isinstance(secret, ApiKeySecret):
        message = f"draft {draft_id} does not hold an API key"
        raise TamperedSecretError(message)
    _record(Action.DRAFT_OPENED, draft=draft, actor=actor)
    return secret


def delete_draft(*, draft_id: UUID, keychain_id: UUID, actor: Actor) -> None:
    """Deletes a draft; one that is gone already is fine. Records `draft.deleted`."""
    with transaction.atomic():
        draft = Draft.objects.filter(pk=draft_id, keychain_id=keychain_id).first()
        if draft is not None and Draft.objects.filter(pk=draft_id).delete()[0]:
            _record(Action.DRAFT_DELETED, draft=draft, actor=actor)


def delete_expired_drafts(now: datetime | None = None) -> int:
    """Deletes every draft that has had its time, 500 at most.

    Args:
        now: the present time, when the caller knows it.

    Returns:
        How many were deleted.
    """
    done = 0
    for draft in Draft.objects.filter(expires_at__lte=now or timezone.now()).order_by("expires_at")[
        :500
    ]:
        with transaction.atomic():
            if Draft.objects.filter(pk=draft.pk).delete()[0]:
                _record(Action.DRAFT_DELETED, draft=draft, actor=audit.SYSTEM)
                done += 1
    return done


EXPIRED_DRAFTS = Duty(name="vault.drafts", interval_seconds=60, run=delete_expired_drafts)


def _watch_for_two_merchants(draft: Draft) -> None:
    """A key that lives elsewhere may be stolen there; who pasted it learns nothing of that."""
    if find_duplicate(keychain_id=draft.keychain_id, fingerprint=draft.fingerprint) == "elsewhere":
        subject = f"fingerprint:{secrets.short_fingerprint(draft.fingerprint)}"
        facts = {"pasted_at": str(draft.keychain_id)}
        fire(kind=Alert.Kind.TWO_MERCHANTS, subject=subject, facts=facts)


def _place(draft: Draft) -> bytes:
    return envelope.place(keychain=draft.keychain_id.hex, record=draft.id.hex, field="draft")


def _record(action: Action, *, draft: Draft, actor: Actor) -> None:
    audit.record(
        action=action, actor=actor, keychain_id=draft.keychain_id, subject=f"draft:{draft.pk}"
    )


def _unknown(draft_id: UUID) -> str:
    return f"draft {draft_id} is gone or has expired"
