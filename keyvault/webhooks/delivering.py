"""Delivering events: signed, retried for three days, then the endpoint is switched off."""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from standardwebhooks import Webhook

from keyvault import audit, due
from keyvault.audit import Action, Actor
from keyvault.due import Duty
from keyvault.errors import UnknownRecordError
from keyvault.models import WebhookDelivery, WebhookEndpoint
from keyvault.webhooks.endpoints import signing_key_of
from keyvault.webhooks.sending import ForbiddenAddressError, Sent, post

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 10
# Longer than ten POSTs can take.
CLAIM_SECONDS: Final = 180
FIRST_PAUSE_SECONDS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 6 * 3600
GIVE_UP: Final = timedelta(days=3)
KEPT: Final = timedelta(days=30)


def deliver(now: datetime) -> int:
    """Sends the events that are due, a few at a time.

    Returns:
        How many were tried.
    """
    rows = WebhookDelivery.objects.filter(endpoint__disabled_at=None)
    claimed = due.claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=AT_A_TIME)
    for delivery in claimed:
        _deliver(delivery, now=now)
    WebhookDelivery.objects.filter(created_at__lt=now - KEPT).delete()
    return len(claimed)


def replay(*, delivery_id: UUID, actor: Actor) -> None:
    """Sends an event once more, under its own id, so that the receiver can tell.

    Args:
        delivery_id: delivered, failed or on its way.
        actor: who wants it.

    Raises:
        UnknownRecordError: no such event, or its endpoint is switched off.
    """
    mine = WebhookDelivery.objects.filter(pk=delivery_id)
    with transaction.atomic():
        if not _send_again(mine, actor=actor, subject=f"delivery:{delivery_id}"):
            message = f"no event {delivery_id} whose endpoint is switched on"
            raise UnknownRecordError(message)


def replay_failed(*, endpoint_id: UUID, actor: Actor) -> int:
    """Sends at once all events of an endpoint whose last try failed.

    Args:
        endpoint_id: one that is switched on.
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
    moved = rows.filter(endpoint__disabled_at=None).update(
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


def _deliver(delivery: WebhookDelivery, *, now: datetime) -> None:
    endpoint = delivery.endpoint
    sent = _post(delivery, endpoint=endpoint, now=now)
    if sent.is_good:
        with transaction.atomic():
            due.finish(delivery, due_at=None, delivered_at=timezone.now(), last_status=sent.status)
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return
    pause = due.backoff_seconds(
        delivery.attempts, first=FIRST_PAUSE_SECONDS, most=LONGEST_PAUSE_SECONDS
    )
    with transaction.atomic():
        again_at = timezone.now() + timedelta(seconds=pause)
        due.retry(delivery, due_at=again_at, last_status=sent.status)
        failing = WebhookEndpoint.objects.filter(pk=endpoint.pk)
        failing.filter(failing_since=None).update(failing_since=now)
        given_up = failing.filter(failing_since__lte=now - GIVE_UP, disabled_at=None)
        if not given_up.update(disabled_at=now):
            return
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=audit.SYSTEM,
            subject=f"webhook:{endpoint.pk}",
            facts={"enabled": False},
        )
        _announce(endpoint)


def _post(delivery: WebhookDelivery, *, endpoint: WebhookEndpoint, now: datetime) -> Sent:
    message_id = f"msg_{delivery.pk.hex}"
    signer = Webhook(signing_key_of(endpoint).get_secret_value())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Latchkey",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(message_id, now, delivery.body),
    }
    try:
        return post(url=endpoint.url, body=delivery.body.encode(), headers=headers)
    except ForbiddenAddressError:
        logger.warning("a webhook leads into our own network", extra={"endpoint": endpoint.pk})
        return Sent(status=0)


def _announce(endpoint: WebhookEndpoint) -> None:
    """Tells people, by whatever settings.KEYVAULT_WEBHOOK_DISABLED names, in this transaction.

    It is the dotted path of a function that takes `endpoint_id`.
    """
    logger.error("a webhook was switched off", extra={"endpoint": str(endpoint.pk)})
    path = getattr(settings, "KEYVAULT_WEBHOOK_DISABLED", None)
    if path is not None:
        import_string(path)(endpoint_id=endpoint.pk)


DELIVERIES = Duty(name="webhooks.deliver", interval_seconds=2, run=deliver)
