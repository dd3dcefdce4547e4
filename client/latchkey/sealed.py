"""Opening what Latchkey has sealed to this backend (HPKE, RFC 9180; needs pyhpke)."""

import base64
import json
from typing import Final

from latchkey.errors import LatchkeyError
from latchkey.hidden import Hidden, Secret

INFO: Final = b"latchkey lease v1"
ENCAPSULATED_BYTES: Final = 32


def unseal(*, private_key: Secret[bytes] | None, sealed: str, place: str) -> Hidden:
    """The secret part of a lease.

    Args:
        private_key: raw X25519 key, 32 bytes.
        sealed: base64 of the encapsulated key and the ciphertext.
        place: lease id, credential id and backend id, joined by "|".

    Raises:
        LatchkeyError: there is no key, no pyhpke, or it does not open here.
    """
    if private_key is None:
        message = "this lease is sealed: set LATCHKEY_PRIVATE_KEY"
        raise LatchkeyError(message)
    try:
        from pyhpke import (  # noqa: PLC0415  # an extra
            AEADId,
            CipherSuite,
            KDFId,
            KEMId,
            KEMKey,
            PyHPKEError,
        )
    except ImportError:
        message = "this lease is sealed: pip install latchkey-client[sealed]"
        raise LatchkeyError(message) from None
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    key = KEMKey.from_pyca_cryptography_key(_private(private_key))
    try:
        raw = base64.b64decode(sealed, validate=True)
        context = suite.create_recipient_context(raw[:ENCAPSULATED_BYTES], key, info=INFO)
        opened = context.open(raw[ENCAPSULATED_BYTES:], aad=place.encode())
    except (PyHPKEError, ValueError, TypeError):
        message = (
            "the sealed lease does not open with LATCHKEY_PRIVATE_KEY: "
            "its public half is not the one that is registered"
        )
        raise LatchkeyError(message) from None
    return Hidden(json.loads(opened))


def _private(raw: Secret[bytes]) -> object:
    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415  # an extra
        X25519PrivateKey,
    )

    try:
        return X25519PrivateKey.from_private_bytes(raw.reveal())
    except ValueError:
        message = "LATCHKEY_PRIVATE_KEY is the base64 of 32 raw X25519 bytes"
        raise LatchkeyError(message) from None
