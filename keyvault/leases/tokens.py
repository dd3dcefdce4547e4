"""What becomes of a token once it is made, and when it was used last.

A token that was asked for where one person alone must not get at a secret waits for a second one:

    waiting ──release, by another, within a day──► live ──revoke──► revoked
       └──revoke──► revoked                          └──its days are over──► expired
"""

import time
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import BackendToken

# A token for which nobody has spoken within this time stays closed for good.
WAITS_FOR: Final = timedelta(hours=24)
MINUTE: Final = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


def waiting_tokens(*, now: datetime) -> QuerySet[BackendToken]:
    """Those for which a second person can still speak."""
    return BackendToken.objects.filter(
        waiting_days__isnull=False, revoked_at=None, created_at__gt=now - WAITS_FOR
    )


def release_token(*, token_id: int, actor: Actor) -> None:
    """Lets a token that waits open what it was asked for, from now on for its days.

    Raises:
        UnknownRecordError: it does not wait, waits for too long, or the actor has asked for it;
            record a denial once the transaction is over.
    """
    now = timezone.now()
    with transaction.atomic():
        waiting = waiting_tokens(now=now).exclude(made_by=str(actor)).select_for_update(no_key=True)
        row = waiting.filter(pk=token_id).first()
        if row is not None and row.waiting_days is not None:
            _open(row, days=row.waiting_days, now=now, actor=actor)
            return
    message = f"no token {token_id} that waits for this person"
    raise UnknownRecordError(message)


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


def note_use(*, digest: str) -> None:
    """Keeps when a token was used last, to the minute. No query but once a minute and process.

    A disk that is full keeps nobody from reading: what cannot be kept is left out.

    Args:
        digest: of a token that a request shows; one that opens nothing is left alone.
    """
    if _noted.holds(digest):
        return
    now = timezone.now()
    tokens = BackendToken.objects.filter(
        digest=digest, revoked_at=None, expires_at__gt=now, backend__is_active=True
    )
    found = tokens.values_list("pk", "last_used_at").first()
    if found is None:
        return
    _noted.keep(digest)
    token_id, last_used_at = found
    if last_used_at is not None and last_used_at > now - MINUTE:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - MINUTE)
    try:
        BackendToken.objects.filter(stale, pk=token_id).update(last_used_at=now)
    except DatabaseError as error:
        _log.warning("token.use_not_kept", token_id=token_id, problem=type(error).__name__)


def _open(row: BackendToken, *, days: int, now: datetime, actor: Actor) -> None:
    row.waiting_days, row.expires_at = None, now + timedelta(days=days)
    row.save(update_fields=["expires_at", "waiting_days"])
    audit.record(
        action=Action.TOKEN_CREATED,
        actor=actor,
        subject=f"token:{row.pk}",
        facts={
            "backend": str(row.backend_id),
            "scopes": row.scopes.split(),
            "days": days,
            "asked_by": row.made_by,
        },
    )


class _Noted:
    """The tokens, by their digests, that this process has looked after in this minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._digests: set[str] = set()

    def holds(self, digest: str) -> bool:
        minute = int(time.monotonic() // MINUTE.total_seconds())
        if minute != self._minute:
            self._minute, self._digests = minute, set()
        return digest in self._digests

    def keep(self, digest: str) -> None:
        self._digests.add(digest)


_noted = _Noted()
