"""Registering addresses, each with a signing key of its own."""

import base64
import secrets
import uuid
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import audit, vault
from keyvault.audit import Action, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import Backend, WebhookDelivery, WebhookEndpoint
from keyvault.webhooks.sending import checked_url

FIELD: Final = "webhook"
PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as it is shown, once.

    Attributes:
        id: which one.
        signing_key: `whsec_…`, for the receiver's library.
    """

    id: UUID
    signing_key: SecretStr


def register(*, backend_id: UUID, url: str, actor: Actor) -> NewEndpoint:
    """Adds an address of a backend; its signing key is sealed in the system's keychain.

    Args:
        backend_id: who wants to be told.
        url: https, a public address.
        actor: who does it.

    Raises:
        ForbiddenAddressError: not https, or no public address.
        UnknownRecordError: no such backend.
    """
    checked_url(url)
    key = SecretStr(PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    endpoint_id = uuid.uuid4()
    with transaction.atomic():
        if not Backend.objects.filter(pk=backend_id).exists():
            message = f"no backend {backend_id}"
            raise UnknownRecordError(message)
        WebhookEndpoint.objects.create(
            id=endpoint_id,
            backend_id=backend_id,
            url=url,
            sealed_key=vault.seal_value(
                keychain_id=vault.system_keychain().pk,
                record_id=endpoint_id,
                field=FIELD,
                value=key,
            ),
        )
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=actor,
            subject=f"backend:{backend_id}",
            facts={"webhook": str(endpoint_id)},
        )
    return NewEndpoint(id=endpoint_id, signing_key=key)


def enable(*, endpoint_id: UUID, actor: Actor) -> None:
    """Switches an endpoint on again after its address was mended; what has waited is due at once.

    Raises:
        UnknownRecordError: no such endpoint is switched off.
    """
    with transaction.atomic():
        off = WebhookEndpoint.objects.filter(pk=endpoint_id, disabled_at__isnull=False)
        if not off.update(disabled_at=None, failing_since=None):
            message = f"no endpoint {endpoint_id} that is switched off"
            raise UnknownRecordError(message)
        now = timezone.now()
        late = WebhookDelivery.objects.filter(endpoint=endpoint_id, due_at__gt=now)
        late.update(due_at=now, attempts=0)
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=actor,
            subject=f"webhook:{endpoint_id}",
            facts={"enabled": True},
        )


def signing_key_of(endpoint: WebhookEndpoint) -> SecretStr:
    """The signing key of an endpoint."""
    return vault.open_value(
        keychain_id=vault.system_keychain().pk,
        record_id=endpoint.pk,
        field=FIELD,
        sealed=endpoint.sealed_key,
    )
