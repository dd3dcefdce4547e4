"""Breaking glass: a secret in an emergency, sealed to one person's public key (HPKE, RFC 9180).

Nothing here decides who may: the caller has a reason, a second person's approval and a time limit
on record. What this door adds is that no plaintext leaves the vault, not even here.

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode. The sealed bytes are the
encapsulated key (32 bytes), the ciphertext and the tag (16 bytes), in standard base64. Sealed is
one JSON object: {"key", "secret"} or {"access_token"}.

    info    latchkey glass v1|<request id>|<credential id>

so what one request gave does not open as another's.
"""

import base64
import json
from typing import Final
from uuid import UUID

from cryptography.exceptions import InternalError
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from keyvault.audit import Actor
from keyvault.leases.sealed import PublicKeyError, plain
from keyvault.vault import check_out_credential

PURPOSE: Final = "glass"
_INFO: Final = "latchkey glass v1"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def release_credential(
    *, credential_id: UUID, keychain_id: UUID, request_id: UUID, public_key: bytes, actor: Actor
) -> str:
    """Opens a credential and seals it to a public key; records `credential.opened`.

    In the caller's transaction, in which the request is marked as used. One query, one INSERT.

    Args:
        credential_id: which one.
        keychain_id: the keychain that it must belong to.
        request_id: the approved request; part of what the sealed text is bound to.
        public_key: raw X25519, 32 bytes, as `keyvault.leases.sealed.usable_public_key` gives it.
        actor: who gets it.

    Returns:
        Base64 of encapsulated key, ciphertext and tag. Show it once and keep it nowhere.

    Raises:
        PublicKeyError: nothing can be sealed to the key; nothing was opened.
        UnknownRecordError: no such credential in that keychain, or it was removed.
        ShreddedKeychainError, TamperedSecretError, KekUnavailableError, UnknownKekError: as for
            `check_out_credential`. A caller whose transaction this undoes quarantines a tampered
            record again.
    """
    try:
        key = X25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        message = "not an X25519 public key"
        raise PublicKeyError(message) from None
    secret = check_out_credential(
        credential_id=credential_id, keychain_id=keychain_id, actor=actor, purpose=PURPOSE
    )
    plaintext = json.dumps(plain(secret), separators=(",", ":")).encode()
    try:
        sealed = _SUITE.encrypt(
            plaintext, key, info_for(request_id=request_id, credential_id=credential_id)
        )
    except (ValueError, InternalError):
        message = "an X25519 public key that nothing can be sealed to"
        raise PublicKeyError(message) from None
    return base64.b64encode(sealed).decode("ascii")


def info_for(*, request_id: UUID, credential_id: UUID) -> bytes:
    """What a sealed text is bound to; who opens it gives the same bytes."""
    return f"{_INFO}|{request_id}|{credential_id}".encode("ascii")
