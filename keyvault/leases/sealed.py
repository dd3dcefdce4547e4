"""The secret part of a lease, sealed to the backend's own key (HPKE, RFC 9180, base mode).

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The sealed bytes are the encapsulated
key (32 bytes), the ciphertext and the tag (16 bytes), in standard base64. Sealed is one JSON object
with the names that would stand in the answer otherwise: {"key", "secret"} or {"access_token"}.

    info             latchkey lease v1
    associated data  lease id, credential id and backend id, joined by "|"

so a sealed secret taken from one answer does not open in another.
"""

import base64
import json
from typing import Final
from uuid import UUID

from cryptography.exceptions import InternalError
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import SecretStr

from keyvault.vault import ApiKeySecret, Secret

INFO: Final = b"latchkey lease v1"
KEY_BYTES: Final = 32

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class PublicKeyError(ValueError):
    """The bytes are no X25519 public key that one could seal to."""


def plain(secret: Secret) -> dict[str, str]:
    """The secret part of a lease as it goes to a backend without a key of its own."""
    if isinstance(secret, ApiKeySecret):
        return {
            "key": secret.key.get_secret_value(),
            "secret": secret.secret.get_secret_value(),
        }
    return {"access_token": secret.access_token.get_secret_value()}


def place(*, lease_id: UUID, credential_id: UUID, backend_id: UUID) -> bytes:
    """The associated data of a sealed secret."""
    return f"{lease_id}|{credential_id}|{backend_id}".encode("ascii")


def seal_to(*, public_key: bytes, secret: Secret, place: bytes) -> str:
    """Seals the secret part of a lease.

    Args:
        public_key: the backend's raw X25519 public key, 32 bytes.
        secret: the credential.
        place: see `place`.

    Returns:
        Base64 of encapsulated key, ciphertext and tag.

    Raises:
        PublicKeyError: the key is of low order or no key at all.
    """
    plaintext = json.dumps(plain(secret), separators=(",", ":")).encode()
    try:
        key = X25519PublicKey.from_public_bytes(public_key)
        # The public function of this release takes no associated data; this is what it calls.
        sealed = openssl.hpke._encrypt_with_aad(_SUITE, plaintext, key, INFO, place)  # noqa: SLF001  # see above
    except (ValueError, InternalError):
        message = "not an X25519 public key that one could seal to"
        raise PublicKeyError(message) from None
    return base64.b64encode(sealed).decode("ascii")


def usable_public_key(text: str) -> bytes:
    """A public key as an operator gives it: base64 of 32 raw bytes.

    Raises:
        PublicKeyError: it is not, or nothing can be sealed to it.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        message = "a public key is the base64 of 32 raw X25519 bytes"
        raise PublicKeyError(message)
    probe = ApiKeySecret(SecretStr("probe"), SecretStr("probe"))
    seal_to(public_key=raw, secret=probe, place=b"probe")
    return raw
