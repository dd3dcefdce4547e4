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
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import StateError, UnknownRecordError
from keyvault.leases.reach import assign_stores, usable_networks
from keyvault.models import Backend, BackendToken

PREFIX: Final = "lk_"
TOKEN_BYTES: Final = 32
SHOWN_CHARACTERS: Final = 9
DEFAULT_DAYS: Final = 365
MOST_DAYS: Final = 3650
MOST_NAME_CHARACTERS: Final = 100


class Scope(StrEnum):
    """What a token may do."""

    STORES_READ = "stores:read"
    LEASES_WRITE = "leases:write"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown, once.

    Attributes:
        token_id: its row.
        backend_id: whose it is.
        prefix: the first characters, kept in plain.
        token: the whole.
        expires_at: when it ends; now, while it waits.
    """

    token_id: int
    backend_id: UUID
    prefix: str
    token: SecretStr
    expires_at: datetime


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def usable_name(text: str) -> str:
    """A backend's name as it is kept; it is printed on terminals, too.

    Raises:
        ValueError: it is empty, too long, or holds what is no character to read.
    """
    if not (0 < len(text) <= MOST_NAME_CHARACTERS and text.isprintable()):
        message = f"a name has 1 to {MOST_NAME_CHARACTERS} characters that can be printed"
        raise ValueError(message)
    return text


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
    is_waiting: bool = False,
) -> NewToken:
    """Registers a backend and makes its first token, in one transaction.

    Args:
        name: unique; see `usable_name`.
        scopes: what the token may do.
        stores: the stores that it may lease from; None: all, those made later included.
        days: how long the token lives.
        actor: who does it.
        public_key: what it is lent is sealed to this raw X25519 key.
        signing_key: its requests must be signed with the private half of this raw Ed25519 key.
        networks: where it may call from, "192.0.2.0/24"; empty: anywhere.
        is_waiting: as for `create_token`.

    Raises:
        ValueError: no such name or days, or a network that is none.
        UnknownRecordError: a store does not exist; nothing was made.
        IntegrityError: the name is taken.
    """
    with transaction.atomic():
        backend = Backend.objects.create(
            name=usable_name(name),
            public_key=public_key,
            signing_key=signing_key,
            networks=usable_networks(networks),
        )
        assign_stores(backend, stores)
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
        return create_token(
            backend_id=backend.pk, scopes=scopes, days=days, actor=actor, is_waiting=is_waiting
        )


def create_token(
    *,
    backend_id: UUID,
    scopes: Sequence[Scope],
    days: int,
    actor: Actor,
    is_waiting: bool = False,
    form_id: UUID | None = None,
) -> NewToken:
    """Makes a further token; the older ones go on, so that a backend can change over in peace.

    Args:
        backend_id: whose.
        scopes: what it may do.
        days: how long it lives, 3650 at most.
        actor: who does it.
        is_waiting: it opens nothing until another person has spoken for it, and its days begin
            then; see `release_token`.
        form_id: chosen by whoever asks; a second token with the same one is not made.

    Raises:
        ValueError: so many days are none.
        UnknownRecordError: no such backend.
        StateError: the token of this form was made before.
    """
    if not 0 < days <= MOST_DAYS:
        message = f"a token lives 1 to {MOST_DAYS} days"
        raise ValueError(message)
    token = SecretStr(f"{PREFIX}{secrets.token_urlsafe(TOKEN_BYTES)}")
    with transaction.atomic():
        # Locked, so that of two forms alike the second one finds the token of the first.
        if not Backend.objects.select_for_update(no_key=True).filter(pk=backend_id).exists():
            message = f"no backend {backend_id}"
            raise UnknownRecordError(message)
        if form_id is not None and BackendToken.objects.filter(form_id=form_id).exists():
            message = "the token of this form was made before"
            raise StateError(message)
        row = BackendToken.objects.create(
            **_kept_of(token),
            backend_id=backend_id,
            scopes=f" {' '.join(sorted(set(scopes)))} ",
            expires_at=timezone.now() + timedelta(days=0 if is_waiting else days),
            made_by=str(actor),
            waiting_days=days if is_waiting else None,
            form_id=form_id,
        )
        audit.record(
            action=Action.TOKEN_ASKED if is_waiting else Action.TOKEN_CREATED,
            actor=actor,
            subject=f"token:{row.pk}",
            facts={"backend": str(backend_id), "scopes": sorted(set(scopes)), "days": days},
        )
    return NewToken(
        token_id=row.pk,
        backend_id=backend_id,
        prefix=row.prefix,
        token=token,
        expires_at=row.expires_at,
    )


def _kept_of(token: SecretStr) -> dict[str, str]:
    whole = token.get_secret_value()
    return {"prefix": whole[:SHOWN_CHARACTERS], "digest": digest_of(whole)}
