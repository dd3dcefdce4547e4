"""Signing requests to Latchkey (HTTP Message Signatures, RFC 9421; an extra)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from latchkey.errors import LatchkeyError
from latchkey.hidden import Secret

COVERED = ("@method", "@authority", "@path", "@query", "authorization")


@dataclass(slots=True)
class _Message:
    """A request as the library reads it."""

    method: str
    url: str
    headers: dict[str, str]


class Signer:
    """Signs one backend's requests; this machine's clock must be right within a minute.

    Args:
        private_key: raw Ed25519 key, 32 bytes.

    Raises:
        LatchkeyError: http-message-signatures is not there, or this is no such key.
    """

    def __init__(self, private_key: bytes | Secret[bytes]) -> None:
        private_key = Secret(private_key)
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # an extra
                Ed25519PrivateKey,
            )
            from http_message_signatures import (  # noqa: PLC0415  # an extra
                HTTPMessageSigner,
                MappingKeyResolver,
                algorithms,
            )
        except ImportError:
            message = "to sign requests: pip install latchkey-client[signed]"
            raise LatchkeyError(message) from None
        try:
            key = Ed25519PrivateKey.from_private_bytes(private_key.reveal())
        except ValueError:
            message = "LATCHKEY_SIGNING_KEY is the base64 of 32 raw Ed25519 bytes"
            raise LatchkeyError(message) from None
        self._key_id = _thumbprint(key.public_key().public_bytes_raw())
        keys = MappingKeyResolver(public_keys={}, private_keys={self._key_id: key})
        self._signer: Any = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519, key_resolver=keys
        )

    def sign(self, *, method: str, url: str, headers: dict[str, str], body: bytes | None) -> None:
        """Adds the headers that sign a request; a request that is sent again is signed again."""
        self._signer.sign(
            _Message(method=method, url=url, headers=headers),
            key_id=self._key_id,
            nonce=secrets.token_urlsafe(16),
            label="latchkey",
            covered_component_ids=COVERED,
            body=body,
        )


def _thumbprint(public_key: bytes) -> str:
    """The name of the key in a signature: its JWK thumbprint (RFC 7638, RFC 8037)."""
    public = base64.urlsafe_b64encode(public_key).rstrip(b"=").decode("ascii")
    members = {"crv": "Ed25519", "kty": "OKP", "x": public}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
