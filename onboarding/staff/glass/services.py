"""Asking for a secret, deciding on it, and opening it once.

    asked ──approve──► approved ──open, within 15 minutes──► used
      │  └──deny──► denied                    (else expired: nothing brings it back)
      └──withdraw──► withdrawn

Each step is a conditional UPDATE, so that two browsers that do it at once do it once. Every step
and every refusal is on the store's record, which the merchant can take away.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from keyvault.audit import Action, record
from keyvault.audit.denials import record_denial
from keyvault.errors import StateError, TamperedSecretError
from keyvault.glass import release_credential
from keyvault.models import Credential
from keyvault.vault import quarantine
from onboarding.models import GlassRequest, User
from onboarding.models.glass import ASKED_FOR, OPEN_FOR
from onboarding.people.selectors import actor_for
from onboarding.staff.glass.errors import GlassClosedError, OwnRequestError
from onboarding.staff.glass.letters import tell_approvers, tell_asker, tell_merchant
from onboarding.staff.team.selectors import hang_together

State = GlassRequest.State


@transaction.atomic
def ask(
    *, request_id: UUID, credential: Credential, reason: str, public_key: bytes, user: User
) -> GlassRequest:
    """Asks for a secret, and writes to everybody who may approve.

    Args:
        request_id: chosen by the form; the same one again gives the same request.
        credential: whose secret.
        reason: why, for the second person; never a secret.
        public_key: raw X25519, 32 bytes: what is opened is sealed to it.
        user: who asks, and who alone may open.

    Returns:
        The request, waiting for a second person.

    Raises:
        StateError: the credential was removed, so there is nothing to open.
        GlassClosedError: the id belongs to another request.
    """
    if credential.state == Credential.State.REVOKED:
        message = f"credential {credential.pk} was removed"
        raise StateError(message)
    row, is_new = GlassRequest.objects.get_or_create(
        pk=request_id,
        defaults={
            "credential": credential,
            "reason": reason,
            "public_key": public_key,
            "asked_by": user,
            "asked_at": timezone.now(),
        },
    )
    if (row.asked_by_id, row.credential_id) != (user.pk, credential.pk):
        raise GlassClosedError
    if is_new:
        _record(row, action=Action.GLASS_ASKED, user=user)
        tell_approvers(row)
    return row


def approve(*, request_id: UUID, user: User) -> GlassRequest:
    """Lets the asker open the secret within the next 15 minutes. One transaction.

    Raises:
        OwnRequestError: a second person must approve, and one whose role does not hang together
            with the asker's: else one person could be both.
        GlassClosedError: it was decided, withdrawn or has lapsed meanwhile.
    """
    row = GlassRequest.objects.filter(pk=request_id).select_related("asked_by").first()
    if row is not None and hang_together(row.asked_by, user):
        _record_refusal(request_id=request_id, user=user, step=State.APPROVED.value)
        raise OwnRequestError
    return _decide(
        request_id=request_id, user=user, to=State.APPROVED, action=Action.GLASS_APPROVED
    )


def deny(*, request_id: UUID, user: User) -> GlassRequest:
    """Refuses the request for good. One transaction.

    Raises:
        OwnRequestError: one's own request is withdrawn, not denied.
        GlassClosedError: it was decided, withdrawn or has lapsed meanwhile.
    """
    return _decide(request_id=request_id, user=user, to=State.DENIED, action=Action.GLASS_DENIED)


@transaction.atomic
def withdraw(*, request_id: UUID, user: User) -> GlassRequest:
    """Takes one's own request back, approved or not.

    Raises:
        GlassClosedError: it is another person's, or over.
    """
    mine = GlassRequest.objects.filter(
        pk=request_id, asked_by=user, state__in=(State.ASKED, State.APPROVED)
    )
    if not mine.update(state=State.WITHDRAWN):
        raise GlassClosedError
    row = _row(request_id)
    _record(row, action=Action.GLASS_WITHDRAWN, user=user)
    return row


def break_glass(*, request_id: UUID, user: User) -> tuple[GlassRequest, str]:
    """Opens the secret, sealed to the asker's public key, and tells the merchant.

    One transaction: using the request up, opening, the entries and the letters commit together.

    Args:
        request_id: one's own request, approved within the last 15 minutes.
        user: who asked.

    Returns:
        The request and the sealed text; show it once and keep it nowhere.

    Raises:
        GlassClosedError: it is another person's, not approved, used or expired; a denial is
            recorded.
        TamperedSecretError: the record does not open; it is in quarantine.
        keyvault.leases.sealed.PublicKeyError: nothing can be sealed to the key.
        VaultError: the secret cannot be opened now; the request can still be used.
    """
    try:
        with transaction.atomic():
            row = _used_up(request_id=request_id, user=user)
            sealed = release_credential(
                credential_id=row.credential_id,
                keychain_id=row.credential.keychain_id,
                request_id=row.pk,
                public_key=bytes(row.public_key),
                actor=actor_for(user),
            )
            _record(row, action=Action.GLASS_BROKEN, user=user)
            tell_merchant(row)
    except GlassClosedError:
        _record_refusal(request_id=request_id, user=user, step="open")
        raise
    except TamperedSecretError:
        quarantine(credential_id=_row(request_id).credential_id)
        raise
    return row, sealed


def _used_up(*, request_id: UUID, user: User) -> GlassRequest:
    now = timezone.now()
    mine = GlassRequest.objects.filter(
        pk=request_id, asked_by=user, state=State.APPROVED, decided_at__gt=now - OPEN_FOR
    )
    if not mine.update(state=State.USED, used_at=now):
        raise GlassClosedError
    return _row(request_id)


def _decide(
    *, request_id: UUID, user: User, to: GlassRequest.State, action: Action
) -> GlassRequest:
    now = timezone.now()
    open_ones = GlassRequest.objects.filter(
        pk=request_id, state=State.ASKED, asked_at__gt=now - ASKED_FOR
    )
    with transaction.atomic():
        if _others(open_ones, user).update(state=to, decided_by=user, decided_at=now):
            row = _row(request_id)
            _record(row, action=action, user=user)
            tell_asker(row)
            return row
    _record_refusal(request_id=request_id, user=user, step=to.value)
    raise OwnRequestError if open_ones.exists() else GlassClosedError


def _others(rows: QuerySet[GlassRequest], user: User) -> QuerySet[GlassRequest]:
    return rows.exclude(asked_by=user)


def _row(request_id: UUID) -> GlassRequest:
    rows = GlassRequest.objects.select_related("credential__keychain__store__merchant", "asked_by")
    return rows.defer("credential__sealed").get(pk=request_id)


def _record(row: GlassRequest, *, action: Action, user: User) -> None:
    record(
        action=action,
        actor=actor_for(user),
        keychain_id=row.credential.keychain_id,
        subject=f"credential:{row.credential_id}",
        facts={"request": str(row.pk)},
    )


def _record_refusal(*, request_id: UUID, user: User, step: str) -> None:
    row = GlassRequest.objects.filter(pk=request_id).select_related("credential").first()
    record_denial(
        actor=actor_for(user),
        keychain_id=row.credential.keychain_id if row else None,
        subject=f"glass:{request_id}",
        facts={"step": step, "state": row.state if row else "unknown"},
    )
