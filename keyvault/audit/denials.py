"""Denials: in a transaction of their own, and counted so that a flood stays small."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from keyvault.audit.actions import Action
from keyvault.audit.actors import SYSTEM, Actor
from keyvault.audit.entries import Fact, printable, record
from keyvault.due import Duty
from keyvault.models import DenialCount

CHARACTERS = 80


def record_denial(
    *,
    actor: Actor,
    action: Action = Action.ACCESS_DENIED,
    keychain_id: UUID | None = None,
    subject: str = "",
    facts: Mapping[str, Fact] | None = None,
) -> None:
    """Records that somebody was refused.

    The first denial of an actor and action in a minute becomes an entry at once; further ones are
    counted and become one entry with their number when the minute is over. Call it when the failed
    transaction is over: it opens and commits one of its own.

    Args:
        actor: who was refused; for an unknown caller one made-up id per cause, never what was sent.
        action: what was refused.
        keychain_id: whose record it belongs to, when the actor may know of that keychain.
        subject: what was asked for.
        facts: as for `record`.

    Raises:
        RuntimeError: called inside of a transaction, which could take the denial back.
    """
    minute = timezone.now().replace(second=0, microsecond=0)
    with transaction.atomic(durable=True):
        row, is_first = DenialCount.objects.get_or_create(
            actor=printable(str(actor))[:CHARACTERS], action=action.value, minute=minute
        )
        DenialCount.objects.filter(pk=row.pk).update(count=F("count") + 1)
        if is_first:
            record(
                action=action, actor=actor, keychain_id=keychain_id, subject=subject, facts=facts
            )


def write_denial_counts(now: datetime) -> int:
    """Turns the counts of minutes that are over into entries.

    Safe beside other workers: whoever deletes a count writes its entry, in one transaction.

    Args:
        now: the present time.

    Returns:
        How many counts were done.
    """
    over = DenialCount.objects.filter(minute__lt=now - timedelta(minutes=1)).order_by("pk")[:500]
    done = 0
    for row in over:
        with transaction.atomic():
            deleted, _ = DenialCount.objects.filter(pk=row.pk).delete()
            done += deleted
            if deleted and row.count > 1:
                record(
                    action=Action(row.action),
                    actor=SYSTEM,
                    facts={
                        "by": row.actor,
                        "minute": row.minute.isoformat(),
                        "times": row.count,
                    },
                )
    return done


DENIALS = Duty(name="audit.denials", interval_seconds=20, run=write_denial_counts)
