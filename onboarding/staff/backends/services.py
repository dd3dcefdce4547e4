"""Asking for a token of a backend, deciding on what another person asked, switching it off.

A token opens what break-glass guards with two people: with one for every store its holder could
borrow every key. So a token that is made on a page waits, and opens nothing, until a second person
has spoken for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from keyvault.audit import record_denial
from keyvault.errors import StateError, UnknownRecordError
from keyvault.leases import (
    NewToken,
    Scope,
    create_backend,
    create_token,
    release_token,
    revoke_token,
    switch_backend,
)
from keyvault.models import Backend, BackendToken
from onboarding.errors import SameNameError
from onboarding.models import User
from onboarding.people.selectors import actor_for
from onboarding.staff.backends.errors import OwnTokenError, TokenClosedError
from onboarding.staff.backends.letters import tell_approvers, tell_asker
from onboarding.staff.backends.selectors import asker_of, may_speak_for, tokens


@dataclass(frozen=True, slots=True)
class NewBackend:
    """What somebody asks for.

    Attributes:
        name: unique.
        scopes: what its first token may do.
        stores: what it may borrow from; None: every store, those made later included.
        days: how long the token lives, from the second person's word on.
        networks: where it may call from; empty: anywhere.
        public_key: raw X25519; what it is lent is sealed to it.
        signing_key: raw Ed25519; its requests must be signed.
    """

    name: str
    scopes: Sequence[Scope]
    stores: Sequence[UUID] | None
    days: int
    networks: Sequence[str] = ()
    public_key: bytes | None = None
    signing_key: bytes | None = None


def ask_for_backend(*, asked: NewBackend, user: User) -> NewToken:
    """Registers a backend whose first token waits, and writes to who may decide. One transaction.

    Returns:
        The token; show it once and keep it nowhere.

    Raises:
        SameNameError: there is a backend of this name; nothing was made.
    """
    try:
        with transaction.atomic():
            made = create_backend(
                name=asked.name,
                scopes=asked.scopes,
                stores=asked.stores,
                days=asked.days,
                actor=actor_for(user),
                public_key=asked.public_key,
                signing_key=asked.signing_key,
                networks=asked.networks,
                is_waiting=True,
            )
            tell_approvers(_row(made.token_id), asker=user)
    except IntegrityError:
        raise SameNameError from None
    return made


@transaction.atomic
def ask_for_token(
    *, backend: Backend, scopes: Sequence[Scope], days: int, form_id: UUID, user: User
) -> NewToken:
    """Makes a further token that waits, and writes to who may decide.

    Args:
        backend: whose.
        scopes: what it may do.
        days: how long it lives, from the second person's word on.
        form_id: chosen by the form.
        user: who asks.

    Returns:
        The token; show it once and keep it nowhere.

    Raises:
        StateError: this form has made one already.
    """
    made = create_token(
        backend_id=backend.pk,
        scopes=scopes,
        days=days,
        actor=actor_for(user),
        is_waiting=True,
        form_id=form_id,
    )
    tell_approvers(_row(made.token_id), asker=user)
    return made


def approve(*, token: BackendToken, user: User) -> None:
    """Lets a token open what was asked for, and tells the asker. One transaction.

    Raises:
        OwnTokenError: a second person must decide, and one whose role does not hang together with
            the asker's: else one person could be both.
        TokenClosedError: it was decided or has lapsed meanwhile.
    """
    asker = asker_of(token)
    try:
        if not may_speak_for(token, user=user):
            raise OwnTokenError
        with transaction.atomic():
            _release(token, user=user)
            if asker is not None:
                tell_asker(token, asker=asker, is_approved=True)
    except TokenClosedError:
        record_denial(actor=actor_for(user), subject=f"token:{token.pk}", facts={"step": "release"})
        raise


@transaction.atomic
def end(*, token: BackendToken, user: User) -> None:
    """Ends a token at once, or turns down one that waits; who asked for that is told.

    Raises:
        StateError: it was revoked before.
    """
    waits = token.waiting_days is not None
    try:
        revoke_token(token_id=token.pk, actor=actor_for(user))
    except UnknownRecordError as error:
        raise StateError(str(error)) from None
    asker = asker_of(token) if waits else None
    if asker is not None and asker != user:
        tell_asker(token, asker=asker, is_approved=False)


def switch(*, backend: Backend, is_active: bool, user: User) -> None:
    """Switches a backend off or on again, with all its tokens and webhooks.

    Raises:
        StateError: it was so before.
    """
    try:
        switch_backend(backend_id=backend.pk, is_active=is_active, actor=actor_for(user))
    except UnknownRecordError as error:
        raise StateError(str(error)) from None


def _release(token: BackendToken, *, user: User) -> None:
    try:
        release_token(token_id=token.pk, actor=actor_for(user))
    except UnknownRecordError:
        raise TokenClosedError from None


def _row(token_id: int) -> BackendToken:
    return tokens().get(pk=token_id)
