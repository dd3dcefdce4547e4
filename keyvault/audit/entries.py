"""Writing entries, and reading those of one keychain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from keyvault.audit.actions import Action
from keyvault.audit.actors import Actor
from keyvault.models import AuditEntry

Scalar = str | int | bool | None
Fact = Scalar | Sequence[Scalar] | Sequence[Sequence[int]]

REQUEST_ID_CHARACTERS = 64


def entry_time() -> datetime:
    """The present as an entry tells it; SQLite drops a fraction of nothing, a leaf has one."""
    now = timezone.now()
    return now if now.microsecond else now.replace(microsecond=1)


def record(
    *,
    action: Action,
    actor: Actor,
    keychain_id: UUID | None = None,
    subject: str = "",
    facts: Mapping[str, Fact] | None = None,
) -> None:
    """Records that something happened, in the caller's transaction.

    One INSERT, no lock: call it in the transaction of the change that it records, so that both
    commit or neither. The request's id is taken from structlog's context. A checkpoint covers the
    entry about a second after the commit.

    Args:
        action: what happened.
        actor: who did it.
        keychain_id: whose record it belongs to; None for what concerns no single keychain.
        subject: what it was done to, "credential:<uuid>", at most 80 characters.
        facts: what else an auditor needs: ids, states, counts, durations. Never a secret, a name,
            an address or a fingerprint of a person: entries cannot be erased.
    """
    AuditEntry(
        at=entry_time(),
        action=action.value,
        actor=printable(str(actor)),
        keychain_id=keychain_id,
        subject=printable(subject),
        facts=dict(facts or {}),
        request_id=_request_id(),
    ).save(force_insert=True)


def entries_for(*, keychain_id: UUID) -> QuerySet[AuditEntry]:
    """The entries of one keychain, the newest first."""
    return AuditEntry.objects.filter(keychain_id=keychain_id).order_by("-id")


def entries_without_loans(*, keychain_id: UUID) -> QuerySet[AuditEntry]:
    """The same but for the loans, of which a busy store has thousands for each of the others.

    The two exclusions are word for word those of an index, by which they are passed over unread.
    """
    entries = entries_for(keychain_id=keychain_id)
    return entries.exclude(action=Action.LEASE_GRANTED).exclude(action=Action.LEASE_SETTLED)


def printable(text: str) -> str:
    """The same text with every control character as "?", so that it cannot forge a line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def _request_id() -> str:
    request_id = structlog.contextvars.get_contextvars().get("request_id") or ""
    return printable(str(request_id))[:REQUEST_ID_CHARACTERS]
