"""Crypto-shredding one keychain: unreadable at once on every worker, and in old backups."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.backup.keyfile import take_out
from keyvault.errors import StateError, UnknownRecordError, VaultError
from keyvault.events import Event, emit
from keyvault.models import Credential, Draft, Grant, Keychain, WrappedDek
from keyvault.vault.altered import sound
from keyvault.vault.ciphers import forget_ciphers


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was destroyed, and when.

    Attributes:
        keychain_id: which keychain.
        at: the moment.
        dek_fingerprint: SHA-256 of the wrapped DEK in hex: it proves which key is gone and tells
            nothing of it. Empty when there was none, or none that could be read.
        kek_id: the KEK that wrapped it.
        credentials: credentials whose ciphertext was destroyed.
        drafts: drafts that were deleted.
        was_in_key_file: whether the key file held the DEK until now.
        key_file_days: how many days older copies of the key file may live at the most, by the
            operator's own rule; until then a copy and the KEK together could still read an old
            backup.
    """

    keychain_id: UUID
    at: datetime
    dek_fingerprint: str
    kek_id: str
    credentials: int
    drafts: int
    was_in_key_file: bool
    key_file_days: int


def shred(*, keychain_id: UUID, now: datetime, actor: Actor) -> Receipt:
    """Destroys a keychain's DEK, its ciphertexts, and its line in the key file.

    One transaction for the database, which records `keychain.shredded` and tells backends that each
    credential is revoked; the key file follows when that has committed. The record of the keychain
    stays, and still verifies.

    Args:
        keychain_id: which keychain.
        now: the present time.
        actor: who asked for it.

    Returns:
        The receipt.

    Raises:
        UnknownRecordError: there is no such keychain.
        StateError: it was shredded already; should that run have been killed before it came to the
            key file, the line is taken out now.
        VaultError: the key file is damaged or cannot be written; the database is shredded, and the
            same again finishes it once that is mended.
    """
    with transaction.atomic():
        keychain = Keychain.objects.select_for_update().filter(pk=keychain_id).first()
        if keychain is None:
            message = f"there is no keychain {keychain_id}"
            raise UnknownRecordError(message)
        if keychain.shredded_at is not None:
            raise StateError(_shredded_before(keychain))
        mine = WrappedDek.objects.filter(keychain_id=keychain_id)
        dek = sound(mine.only("kek_id", "wrapped"), "kek_id", "wrapped").first()
        digest = hashlib.sha256(dek.wrapped).hexdigest() if dek else ""
        kek_id = dek.kek_id if dek else ""
        mine.delete()
        credentials, drafts = _destroy_ciphertexts(keychain_id)
        Keychain.objects.filter(pk=keychain_id).update(shredded_at=now)
        audit.record(
            action=Action.KEYCHAIN_SHREDDED,
            actor=actor,
            keychain_id=keychain_id,
            subject=f"keychain:{keychain_id}",
            facts={"dek_sha256": digest, "credentials": credentials, "drafts": drafts},
        )
    forget_ciphers()
    was_kept = _take_out(keychain_id)
    return Receipt(
        keychain_id=keychain_id,
        at=now,
        dek_fingerprint=digest,
        kek_id=kek_id,
        credentials=credentials,
        drafts=drafts,
        was_in_key_file=was_kept,
        key_file_days=settings.KEYVAULT_KEY_FILE_DAYS,
    )


def _shredded_before(keychain: Keychain) -> str:
    message = f"keychain {keychain.pk} was shredded at {keychain.shredded_at:%Y-%m-%dT%H:%M:%S%z}"
    if _take_out(keychain.pk):
        message += "; its line was still in the key file and is taken out now"
    return message


def _take_out(keychain_id: UUID) -> bool:
    try:
        return take_out(Path(settings.KEYVAULT_KEY_FILE), keychain=str(keychain_id))
    except (OSError, VaultError) as error:
        message = (
            f"keychain {keychain_id} is shredded in the database, but its line may still stand in "
            f"the key file: {error}. Then run the same again, which finishes it"
        )
        raise VaultError(message) from error


def _destroy_ciphertexts(keychain_id: UUID) -> tuple[int, int]:
    mine = Credential.objects.filter(keychain_id=keychain_id)
    Grant.objects.filter(credential__keychain_id=keychain_id).update(
        sealed_refresh=b"", state=Grant.State.ENDED, due_at=None
    )
    credentials = mine.exclude(sealed=b"").count()
    revoked = Credential.State.REVOKED
    lost = list(mine.exclude(state=revoked).order_by("created_at").values_list("pk", flat=True))
    mine.update(sealed=b"", state=revoked)
    for credential_id in lost:
        data = {"credential": str(credential_id), "state": revoked.value}
        emit(event=Event.CREDENTIAL_REVOKED, keychain_id=keychain_id, data=data)
    drafts, _ = Draft.objects.filter(keychain_id=keychain_id).delete()
    return credentials, drafts
