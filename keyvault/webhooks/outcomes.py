"""What came of a try: the event is over, or due again, or its address is switched off."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from keyvault import audit, due
from keyvault.audit import Action
from keyvault.models import WebhookDelivery, WebhookEndpoint
from keyvault.webhooks.sending import Sent

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 6 * 3600
GIVE_UP: Final = timedelta(days=3)


def record(delivery: WebhookDelivery, *, sent: Sent, now: datetime) -> None:
    """Ends a try; a claim that is void by now changes nothing of the event.

    Args:
        delivery: as it was claimed.
        sent: how the POST ended.
        now: the present time.
    """
    if sent.is_good:
        _succeeded(delivery, sent=sent, now=now)
    else:
        _failed(delivery, sent=sent, now=now)


def _succeeded(delivery: WebhookDelivery, *, sent: Sent, now: datetime) -> None:
    with transaction.atomic():
        due.finish(delivery, due_at=None, delivered_at=now, last_status=sent.status)
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(failing_since=None)


def _failed(delivery: WebhookDelivery, *, sent: Sent, now: datetime) -> None:
    pause = due.backoff_seconds(
        delivery.attempts, first=FIRST_PAUSE_SECONDS, most=LONGEST_PAUSE_SECONDS
    )
    pause = max(pause, min(sent.retry_after_seconds, LONGEST_PAUSE_SECONDS))
    with transaction.atomic():
        due.retry(delivery, due_at=now + timedelta(seconds=pause), last_status=sent.status)
        failing = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, disabled_at=None)
        failing.filter(failing_since=None).update(failing_since=now)
        given_up = failing if sent.is_gone else failing.filter(failing_since__lte=now - GIVE_UP)
        if given_up.update(disabled_at=now):
            audit.record(
                action=Action.BACKEND_CHANGED,
                actor=audit.SYSTEM,
                subject=f"webhook:{delivery.endpoint_id}",
                facts={"enabled": False, "status": sent.status},
            )
            _announce(delivery.endpoint, is_gone=sent.is_gone)


def _announce(endpoint: WebhookEndpoint, *, is_gone: bool) -> None:
    """Tells people, by whatever settings.KEYVAULT_WEBHOOK_DISABLED names, in this transaction.

    It is the dotted path of a function that takes `endpoint_id`, and `is_gone`: whether the
    receiver asked for it.
    """
    logger.error("a webhook was switched off", extra={"endpoint": str(endpoint.pk)})
    path = getattr(settings, "KEYVAULT_WEBHOOK_DISABLED", None)
    if path is not None:
        import_string(path)(endpoint_id=endpoint.pk, is_gone=is_gone)
