"""Addresses of backends, each with a signing key of its own."""

import base64
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
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
# How long a receiver has to change to a new signing key.
OLD_KEY_KEPT: Final = timedelta(hours=24)


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
    key = _new_key()
    endpoint_id = uuid.uuid4()
    with transaction.atomic():
        if not Backend.objects.filter(pk=backend_id).exists():
            message = f"no backend {backend_id}"
            raise UnknownRecordError(message)
        WebhookEndpoint.objects.create(
            id=endpoint_id,
            backend_id=backend_id,
            url=url,
            sealed_key=_sealed(key, endpoint_id=endpoint_id, version=1),
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
        mine = WebhookEndpoint.objects.filter(pk=endpoint_id, removed_at=None)
        off = mine.filter(disabled_at__isnull=False)
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


def replace_key(*, endpoint_id: UUID, actor: Actor) -> SecretStr:
    """Gives an endpoint another signing key; for a day the one before signs as well.

    Done twice, it ends a key that is in wrong hands at once.

    Args:
        endpoint_id: which one.
        actor: who does it.

    Returns:
        The new key, which is shown once.

    Raises:
        UnknownRecordError: no such endpoint.
    """
    key = _new_key()
    with transaction.atomic():
        mine = WebhookEndpoint.objects.select_for_update(no_key=True)
        endpoint = mine.filter(pk=endpoint_id, removed_at=None).first()
        if endpoint is None:
            raise UnknownRecordError(_unknown(endpoint_id))
        endpoint.sealed_old_key = endpoint.sealed_key
        endpoint.old_key_until = timezone.now() + OLD_KEY_KEPT
        endpoint.key_version += 1
        endpoint.sealed_key = _sealed(key, endpoint_id=endpoint_id, version=endpoint.key_version)
        endpoint.save(
            update_fields=["sealed_old_key", "old_key_until", "key_version", "sealed_key"]
        )
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=actor,
            subject=f"webhook:{endpoint_id}",
            facts={"key_version": endpoint.key_version},
        )
    return key


def remove(*, endpoint_id: UUID, actor: Actor) -> None:
    """Ends an endpoint for good: it is told nothing more, and its keys are destroyed.

    What is on its way this moment may still arrive. The row stays until its last event is pruned:
    somebody may be writing one at this moment, and must not fail for that.

    Raises:
        UnknownRecordError: no such endpoint.
    """
    now = timezone.now()
    with transaction.atomic():
        mine = WebhookEndpoint.objects.filter(pk=endpoint_id, removed_at=None)
        if not mine.update(removed_at=now, disabled_at=now, sealed_key=b"", sealed_old_key=None):
            raise UnknownRecordError(_unknown(endpoint_id))
        audit.record(
            action=Action.BACKEND_CHANGED,
            actor=actor,
            subject=f"webhook:{endpoint_id}",
            facts={"removed": True},
        )


def signing_keys_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[SecretStr]:
    """The signing key of an endpoint, and the one before for as long as it counts."""
    held = [(endpoint.sealed_key, endpoint.key_version)]
    old, until = endpoint.sealed_old_key, endpoint.old_key_until
    if old and until and until > now:
        held.append((old, endpoint.key_version - 1))
    keychain_id = vault.system_keychain().pk
    return [
        vault.open_value(
            keychain_id=keychain_id,
            record_id=endpoint.pk,
            field=FIELD,
            sealed=sealed,
            version=version,
        )
        for sealed, version in held
    ]


def _new_key() -> SecretStr:
    return SecretStr(PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())


def _sealed(key: SecretStr, *, endpoint_id: UUID, version: int) -> bytes:
    return vault.seal_value(
        keychain_id=vault.system_keychain().pk,
        record_id=endpoint_id,
        field=FIELD,
        value=key,
        version=version,
    )


def _unknown(endpoint_id: UUID) -> str:
    return f"no endpoint {endpoint_id}"
