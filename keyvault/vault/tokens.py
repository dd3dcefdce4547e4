"""Access tokens as credentials: storing one, putting the next in its place."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from pydantic import SecretStr

from keyvault import envelope
from keyvault.audit import Actor
from keyvault.errors import StateError
from keyvault.models import Credential
from keyvault.vault import secrets
from keyvault.vault.admission import admit
from keyvault.vault.ciphers import sealing_cipher_of
from keyvault.vault.secrets import AccessTokenSecret


def account_fingerprint(*, provider: str, account: str) -> str:
    """The keyed fingerprint of a vendor's account: one live grant, or app in a shop, for each."""
    return secrets.fingerprint(SecretStr(f"{provider}|{account}"))


def store_token(
    *,
    keychain_id: UUID,
    secret: AccessTokenSecret,
    fingerprint: str,
    name: str,
    endpoint: str,
    limits: Sequence[tuple[int, int]],
    valid_until: datetime,
    actor: Actor,
) -> Credential:
    """Seals an access token as a credential that may be lent. Needs a transaction.

    Args:
        keychain_id: the store's keychain.
        secret: the token.
        fingerprint: of the account that it opens, see `account_fingerprint`.
        name: what people call the connection.
        endpoint: see `keyvault.endpoints`.
        limits: the vendor's windows of this grant, (seconds, limit).
        valid_until: until when it may be lent.
        actor: who connected it.

    Returns:
        The stored credential, active.

    Raises:
        DuplicateCredentialError: the account is connected already.
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            stored.
    """
    credential = Credential(
        id=uuid.uuid4(),
        keychain_id=keychain_id,
        kind=Credential.Kind.BEARER,
        name=name,
        endpoint=endpoint,
        fingerprint=fingerprint,
        limits=[list(window) for window in limits],
        valid_until=valid_until,
        checked_at=timezone.now(),
    )
    credential.sealed = _seal(credential=credential, secret=secret)
    admit(credential=credential, actor=actor)
    return credential


def replace_token(
    *, credential: Credential, secret: AccessTokenSecret, valid_until: datetime
) -> None:
    """Puts the next access token in the place of a credential's present one. Needs a transaction.

    The version is raised with it, so that the old bytes open nowhere. The caller records why.

    Args:
        credential: as read in this transaction; it is brought up to date.
        secret: the next token.
        valid_until: until when it may be lent.

    Raises:
        StateError: the credential was removed, or changed since it was read.
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            changed.
    """
    before = credential.version
    credential.version += 1
    credential.valid_until = valid_until
    credential.sealed = _seal(credential=credential, secret=secret)
    mine = Credential.objects.filter(pk=credential.pk, version=before)
    if not mine.exclude(state=Credential.State.REVOKED).update(
        version=F("version") + 1, sealed=credential.sealed, valid_until=valid_until
    ):
        message = f"credential {credential.pk} changed meanwhile"
        raise StateError(message)


def _seal(*, credential: Credential, secret: AccessTokenSecret) -> bytes:
    return envelope.seal(
        cipher=sealing_cipher_of(keychain_id=credential.keychain_id),
        plaintext=secrets.encode(secret),
        place=envelope.place(
            keychain=credential.keychain_id.hex,
            record=credential.id.hex,
            field="credential",
            version=credential.version,
        ),
    )
