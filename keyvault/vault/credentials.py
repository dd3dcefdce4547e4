"""Storing credentials, and opening them."""

import uuid
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from keyvault import audit, envelope
from keyvault.audit import Action, Actor
from keyvault.errors import (
    TamperedSecretError,
    UnknownRecordError,
)
from keyvault.models import Credential, Draft
from keyvault.vault import secrets
from keyvault.vault.admission import admit, refuse_duplicate
from keyvault.vault.ciphers import cipher_of, sealing_cipher_of
from keyvault.vault.opening import open_sealed_credential, sealed_form
from keyvault.vault.secrets import ApiKeySecret, Secret
from keyvault.vault.tripwires import quarantine


def store_credential(
    *,
    keychain_id: UUID,
    draft_id: UUID | None,
    secret: ApiKeySecret,
    name: str,
    endpoint: str,
    language: str,
    limits: Sequence[tuple[int, int]],
    actor: Actor,
    fingerprint: str = "",
) -> Credential:
    """Seals a verified API key as a credential that may be lent.

    One transaction, or the caller's: the draft goes, the credential comes and `credential.sealed`
    is recorded together. Seed the pool in the same transaction.

    Args:
        keychain_id: the store's keychain.
        draft_id: the draft that it comes from; it is deleted. None: it was never a draft.
        secret: the pair that has passed its check.
        name: what people call the key.
        endpoint: a name in settings.KEYVAULT_ENDPOINTS.
        language: the vendor's language code that was checked.
        limits: the vendor's windows of this key, (seconds, limit).
        actor: who stores it.
        fingerprint: what bars a second one, where many shops share one API key and each has a
            secret of its own: see `account_fingerprint`. Empty: that of the API key.

    Returns:
        The stored credential, active.

    Raises:
        DuplicateCredentialError: the same API key, or one of this fingerprint, is live already.
        UnknownRecordError: the draft is gone: deleted, or stored by another request.
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            stored.
    """
    credential = Credential(
        id=uuid.uuid4(),
        keychain_id=keychain_id,
        kind=Credential.Kind.BASIC,
        name=name,
        endpoint=endpoint,
        language=language,
        fingerprint=fingerprint or secrets.fingerprint(secret.key),
        last_four=secrets.last_four(secret.key),
        limits=[list(window) for window in limits],
        checked_at=timezone.now(),
    )
    with transaction.atomic():
        _take_draft(draft_id=draft_id, credential=credential)
        credential.sealed = envelope.seal(
            cipher=sealing_cipher_of(keychain_id=keychain_id),
            plaintext=secrets.encode(secret),
            place=_place(credential),
        )
        admit(credential=credential, actor=actor)
    return credential


def openable_credentials(*, keychain_id: UUID) -> QuerySet[Credential]:
    """The credentials of one keychain, each with its wrapped DEK in the same statement."""
    return Credential.objects.filter(keychain_id=keychain_id).select_related(
        "keychain__wrapped_dek"
    )


def open_credential(*, credential: Credential, actor: Actor) -> Secret:
    """Opens the credential of a row. The caller records why: a lease by `lease.granted`.

    No query for a row of `openable_credentials`, else one. Read the row in this same request: the
    wrapped DEK that came with it decides whether the keychain was shredded.

    Args:
        credential: the row.
        actor: who gets it.

    Returns:
        The plaintext; keep it no longer than the request.

    Raises:
        ShreddedKeychainError: the keychain's DEK was destroyed.
        TamperedSecretError, KekUnavailableError, UnknownKekError: see `open_sealed_credential`.
    """
    return open_sealed_credential(credential=sealed_form(credential), actor=actor)


def open_in_bulk(credentials: QuerySet[Credential]) -> Iterator[tuple[UUID, Secret]]:
    """Opens many credentials in one query, for work on all of them such as a nightly check.

    The caller records the run. Honeytokens are passed over.

    Args:
        credentials: which ones, from whatever keychains.

    Yields:
        The credential's id and its plaintext.

    Raises:
        TamperedSecretError, KekUnavailableError, UnknownKekError: as for `open_credential`. A
            credential of a shredded keychain is not among the rows.
    """
    rows = credentials.filter(is_honeytoken=False, keychain__wrapped_dek__isnull=False).values_list(
        "id",
        # As text: what becomes of it is text again.
        Cast("keychain_id", TextField()),
        "version",
        "sealed",
        "keychain__wrapped_dek__kek_id",
        "keychain__wrapped_dek__wrapped",
    )
    for credential_id, chain, version, sealed, kek_id, wrapped in rows.iterator():
        keychain = chain.replace("-", "")
        cipher = cipher_of(keychain=keychain, kek_id=kek_id, wrapped=wrapped)
        place = envelope.place(
            keychain=keychain, record=credential_id.hex, field="credential", version=version
        )
        plaintext = envelope.open_sealed(cipher=cipher, sealed=sealed, place=place)
        yield credential_id, secrets.decode(plaintext)


def check_out_credential(
    *, credential_id: UUID, keychain_id: UUID, actor: Actor, purpose: str
) -> Secret:
    """Opens a credential for our own use, such as another check; records `credential.opened`.

    One query and one INSERT.

    Args:
        credential_id: which one.
        keychain_id: the keychain that it must belong to.
        actor: who uses it.
        purpose: one word of ours, "verification".

    Raises:
        UnknownRecordError: no such credential in that keychain, or it was removed.
        ShreddedKeychainError, TamperedSecretError, KekUnavailableError, UnknownKekError: as for
            `open_credential`. A record that does not open is in quarantine by then; a caller
            whose transaction this undoes quarantines it again.
    """
    credential = (
        openable_credentials(keychain_id=keychain_id)
        .filter(pk=credential_id)
        .exclude(state=Credential.State.REVOKED)
        .first()
    )
    if credential is None:
        message = f"credential {credential_id} is not in keychain {keychain_id}"
        raise UnknownRecordError(message)
    try:
        secret = open_credential(credential=credential, actor=actor)
    except TamperedSecretError:
        quarantine(credential_id=credential_id)
        raise
    audit.record(
        action=Action.CREDENTIAL_OPENED,
        actor=actor,
        keychain_id=keychain_id,
        subject=f"credential:{credential_id}",
        facts={"purpose": purpose},
    )
    return secret


def _take_draft(*, draft_id: UUID | None, credential: Credential) -> None:
    """Deletes the draft; of two requests that store the same one, the second finds it gone."""
    if draft_id is None:
        return
    mine = Draft.objects.filter(pk=draft_id, keychain_id=credential.keychain_id)
    if not mine.delete()[0]:
        refuse_duplicate(credential)
        message = f"draft {draft_id} is gone"
        raise UnknownRecordError(message)


def _place(credential: Credential) -> bytes:
    return envelope.place(
        keychain=credential.keychain_id.hex,
        record=credential.id.hex,
        field="credential",
        version=credential.version,
    )
