"""What backends are told: an event is written in the transaction of what happened.

The rows are the outbox; `keyvault.webhooks` delivers them. A body holds ids and states only.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from keyvault.models import WebhookDelivery, WebhookEndpoint


class Event(StrEnum):
    """One kind of thing that a backend can be told."""

    CREDENTIAL_ACTIVATED = "credential.activated"
    CREDENTIAL_FAILING = "credential.failing"
    CREDENTIAL_RECOVERED = "credential.recovered"
    CREDENTIAL_REPLACED = "credential.replaced"
    CREDENTIAL_REVOKED = "credential.revoked"
    STORE_MIGRATED = "store.migrated"
    PHASE_STARTED = "plan.phase_started"


def emit(*, event: Event, keychain_id: UUID, data: Mapping[str, str | None]) -> int:
    """Writes an event for each endpoint of a backend that may lease from the store.

    One query, and one INSERT when somebody listens. Call it in the transaction of what happened.
    For an address that was switched off because it did not answer, the event waits.

    Args:
        event: what.
        keychain_id: the store that it happened to.
        data: ids, states and dates; never a secret or a name.

    Returns:
        How many endpoints will be told.
    """
    now = timezone.now()
    covers = Q(backend__has_all_stores=True) | Q(backend__stores=keychain_id)
    endpoints = WebhookEndpoint.objects.filter(
        covers, removed_at=None, backend__is_active=True
    ).distinct()
    body = json.dumps(
        {
            "type": event.value,
            "timestamp": now.isoformat(),
            "data": {"store": str(keychain_id), **data},
        },
        separators=(",", ":"),
    )
    rows = [
        WebhookDelivery(endpoint=each, type=event.value, body=body, created_at=now, due_at=now)
        for each in endpoints
    ]
    if rows:
        WebhookDelivery.objects.bulk_create(rows)
    return len(rows)
