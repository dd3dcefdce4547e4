"""Backends that sign their requests: the public key of each, and numbers that serve once.

A process keeps what it has read for a second, so that a lease costs no query for this; a key that
is registered, changed or taken away therefore counts everywhere within a second.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.due import Duty
from keyvault.errors import BadSignatureError, UnknownRecordError
from keyvault.models import Backend, BackendToken, SpentNonce

KEY_BYTES: Final = 32
KEPT_SECONDS: Final = 1.0
MOST_KEPT: Final = 10_000
# A signature may be so old; a clock of a backend may be ahead of ours by so much.
MOST_AGE: Final = timedelta(seconds=60)
MOST_AHEAD: Final = timedelta(seconds=10)
# Longer than any signature is good.
_NONCES_KEPT: Final = 2 * (MOST_AGE + MOST_AHEAD)


class SigningKeyError(ValueError):
    """The text is no Ed25519 public key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A backend whose requests must be signed.

    Attributes:
        backend_id: who it is.
        key: its raw Ed25519 public key.
    """

    backend_id: UUID
    key: bytes

    @property
    def key_id(self) -> str:
        """The key's name in a signature: its JWK thumbprint (RFC 7638, RFC 8037)."""
        public = base64.urlsafe_b64encode(self.key).rstrip(b"=").decode("ascii")
        members = {"crv": "Ed25519", "kty": "OKP", "x": public}
        digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def usable_signing_key(text: str) -> bytes:
    """A public key as an operator gives it: base64 of 32 raw bytes.

    Raises:
        SigningKeyError: it is not.
    """
    try:
        raw = base64.b64decode(text.strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        message = "a signing key is the base64 of 32 raw Ed25519 bytes"
        raise SigningKeyError(message) from None
    return raw


def set_signing_key(*, backend_id: UUID, key: bytes | None, actor: Actor) -> None:
    """Says which key signs a backend's requests; None: they need no signature.

    Args:
        backend_id: whose requests.
        key: see `usable_signing_key`.
        actor: who does it.

    Raises:
        UnknownRecordError: no such backend.
    """
    signer = None if key is None else Signer(backend_id=backend_id, key=key)
    with transaction.atomic():
        if not Backend.objects.filter(pk=backend_id).update(signing_key=key):
            message = f"no backend {backend_id}"
            raise UnknownRecordError(message)
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=actor,
            subject=f"backend:{backend_id}",
            facts={"signing_key": signer.key_id if signer else ""},
        )
    forget_kept()


def signer_of(*, digest: str) -> Signer | None:
    """Who must have signed a request that shows a token; None: nobody. One query a second.

    Args:
        digest: of the token; one that is unknown is refused by whoever looks it up.
    """
    return _shelf.signer(digest)


def spend_nonce(*, signer: Signer, nonce: str) -> None:
    """Spends the number of a request that was found to be signed. One INSERT.

    Raises:
        BadSignatureError: it was spent before; somebody sends a request again.
    """
    try:
        with transaction.atomic():
            SpentNonce.objects.create(
                backend_id=signer.backend_id, nonce=nonce, spent_at=timezone.now()
            )
    except IntegrityError:
        message = "this request came before; sign each with a nonce of its own"
        raise BadSignatureError(message) from None


def forget_nonces(now: datetime) -> int:
    """Deletes numbers whose signatures are too old to be taken."""
    return SpentNonce.objects.filter(spent_at__lt=now - _NONCES_KEPT).delete()[0]


class _Shelf:
    """Whom this process has looked up, by the digest of the token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Signer | None]] = {}

    def signer(self, digest: str) -> Signer | None:
        until, signer = self._kept.get(digest, (0.0, None))
        if self._clock() < until:
            return signer
        tokens = BackendToken.objects.filter(digest=digest)
        for backend_id, key in tokens.values_list("backend_id", "backend__signing_key"):
            signer = None if key is None else Signer(backend_id=backend_id, key=bytes(key))
            with self._lock:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[digest] = (self._clock() + KEPT_SECONDS, signer)
            return signer
        return None

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


_shelf = _Shelf()


def forget_kept() -> None:
    """Looks everybody up anew."""
    _shelf.forget()


NONCES = Duty(name="leases.nonces", interval_seconds=60, run=forget_nonces)
