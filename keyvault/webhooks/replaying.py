"""Sending events once more."""

from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import WebhookDelivery


def replay(*, delivery_id: UUID, actor: Actor) -> None:
    """Sends an event once more, under its own id, so that the receiver can tell.

    Args:
        delivery_id: delivered, failed or on its way.
        actor: who wants it.

    Raises:
        UnknownRecordError: no such event, or its endpoint or backend is switched off.
    """
    mine = WebhookDelivery.objects.filter(pk=delivery_id)
    with transaction.atomic():
        if not _send_again(mine, actor=actor, subject=f"delivery:{delivery_id}"):
            message = f"no event {delivery_id} whose endpoint is switched on"
            raise UnknownRecordError(message)


def replay_failed(*, endpoint_id: UUID, actor: Actor) -> int:
    """Sends at once all events of an endpoint whose last try failed.

    Args:
        endpoint_id: one that is switched on, as its backend must be.
        actor: who wants it.

    Returns:
        How many there were.
    """
    failed = WebhookDelivery.objects.filter(
        endpoint=endpoint_id, delivered_at=None, last_status__isnull=False
    )
    with transaction.atomic():
        return _send_again(failed, actor=actor, subject=f"webhook:{endpoint_id}")


def _send_again(rows: QuerySet[WebhookDelivery], *, actor: Actor, subject: str) -> int:
    """Makes events due; whoever is at one of them finds its claim void."""
    moved = rows.exclude(WebhookDelivery.HELD).update(
        due_at=timezone.now(),
        attempts=0,
        delivered_at=None,
        fence=F("fence") + 1,
        claimed_until=None,
    )
    if moved:
        facts = {"rows": moved}
        audit.record(action=Action.WORK_RETRIED, actor=actor, subject=subject, facts=facts)
    return moved
