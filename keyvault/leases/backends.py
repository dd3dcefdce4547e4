"""Backends and their tokens: who may lease.

A token reads `lk_` and 43 characters of URL-safe base64, 256 random bits in all. Only the SHA-256
of the whole is kept: with that many random bits a slow hash would add nothing.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import Backend, BackendToken, Keychain

PREFIX: Final = "lk_"
TOKEN_BYTES: Final = 32
SHOWN_CHARACTERS: Final = 9
DEFAULT_DAYS: Final = 365


class Scope(StrEnum):
    """What a token may do."""

    STORES_READ = "stores:read"
    LEASES_WRITE = "leases:write"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown, once.

    Attributes:
        backend_id: whose it is.
        prefix: the first characters, kept in plain.
        token: the whole.
        expires_at: when it ends.
    """

    backend_id: UUID
    prefix: str
    token: SecretStr
    expires_at: datetime


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_backend(
    *,
    name: str,
    scopes: Sequence[Scope],
    stores: Iterable[UUID] | None,
    days: int,
    actor: Actor,
    public_key: bytes | None = None,
    signing_key: bytes | None = None,
    networks: Sequence[str] = (),
) -> NewToken:
    """Registers a backend and makes its first token, in one transaction.

    Args:
        name: unique.
        scopes: what the token may do.
        stores: the stores that it may lease from; None: all, those made later included.
        days: how long the token lives.
        actor: who does it.
        public_key: what it is lent is sealed to this raw X25519 key.
        signing_key: its requests must be signed with the private half of this raw Ed25519 key.
        networks: where it may call from, "192.0.2.0/24"; empty: anywhere.

    Raises:
        ValueError: a network is none.
        UnknownRecordError: a store does not exist; nothing was made.
        IntegrityError: the name is taken.
    """
    with transaction.atomic():
        backend = Backend.objects.create(
            name=name,
            has_all_stores=stores is None,
            public_key=public_key,
            signing_key=signing_key,
            networks=" ".join(str(ip_network(each)) for each in networks),
        )
        for store in stores or ():
            keychain = Keychain.objects.filter(pk=store, kind=Keychain.Kind.STORE).first()
            if keychain is None:
                message = f"no store {store}"
                raise UnknownRecordError(message)
            backend.stores.add(keychain)
        audit.record(
            action=Action.BACKEND_CREATED,
            actor=actor,
            subject=f"backend:{backend.pk}",
            facts={
                "all_stores": backend.has_all_stores,
                "signs": signing_key is not None,
                "stores": backend.stores.count(),
            },
        )
        return create_token(backend_id=backend.pk, scopes=scopes, days=days, actor=actor)


def create_token(*, backend_id: UUID, scopes: Sequence[Scope], days: int, actor: Actor) -> NewToken:
    """Makes a further token; the older ones go on, so that a backend can change over in peace.

    Raises:
        UnknownRecordError: no such backend.
    """
    token = f"{PREFIX}{secrets.token_urlsafe(TOKEN_BYTES)}"
    expires_at = timezone.now() + timedelta(days=days)
    with transaction.atomic():
        if not Backend.objects.filter(pk=backend_id).exists():
            message = f"no backend {backend_id}"
            raise UnknownRecordError(message)
        row = BackendToken.objects.create(
            backend_id=backend_id,
            prefix=token[:SHOWN_CHARACTERS],
            digest=digest_of(token),
            scopes=f" {' '.join(sorted(set(scopes)))} ",
            expires_at=expires_at,
        )
        audit.record(
            action=Action.TOKEN_CREATED,
            actor=actor,
            subject=f"token:{row.pk}",
            facts={"backend": str(backend_id), "scopes": sorted(set(scopes)), "days": days},
        )
    return NewToken(
        backend_id=backend_id, prefix=row.prefix, token=SecretStr(token), expires_at=expires_at
    )


def revoke_token(*, token_id: int, actor: Actor) -> None:
    """Ends a token at once, on every process: each request looks the token up.

    Raises:
        UnknownRecordError: no such token, or it was revoked before.
    """
    with transaction.atomic():
        live = BackendToken.objects.filter(pk=token_id, revoked_at=None)
        if not live.update(revoked_at=timezone.now()):
            message = f"no live token {token_id}"
            raise UnknownRecordError(message)
        audit.record(action=Action.TOKEN_REVOKED, actor=actor, subject=f"token:{token_id}")
