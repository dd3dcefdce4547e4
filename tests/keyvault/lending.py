"""Stores with keys in the pool, and backends that may lease."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.test import Client
from django.utils import timezone

from keyvault import pool
from keyvault.audit import SYSTEM
from keyvault.leases import Scope, create_backend, digest_of
from keyvault.models import Credential, Keychain
from tests.keyvault import factories

VENDOR_LIMITS = [[1, 20], [300, 300], [3600, 3000], [86400, 12000]]


def key_of(
    store: Keychain, *, limits: Sequence[Sequence[int]] = VENDOR_LIMITS, spent: int = 0
) -> Credential:
    """A verified key in the pool; its check is too long ago for the shortest window."""
    credential = factories.credential(of=store)
    Credential.objects.filter(pk=credential.pk).update(limits=[list(each) for each in limits])
    checked_at = timezone.now() - timedelta(seconds=10)
    pool.seed(credential_id=credential.pk, request_times=[checked_at] * spent)
    credential.refresh_from_db()
    return credential


def token_of(
    *, scopes: Iterable[Scope] = tuple(Scope), stores: Iterable[UUID] | None = None
) -> str:
    """A backend's token, as it is shown once."""
    made = create_backend(
        name=f"app-{secrets.token_hex(4)}",
        scopes=list(scopes),
        stores=stores,
        days=30,
        actor=SYSTEM,
    )
    return made.token.get_secret_value()


class Api:
    """A backend that talks to the API."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.digest = digest_of(token)
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def lease(self, store: Keychain, **body: Any) -> Any:
        return self.post(f"/api/v1/stores/{store.pk}/leases", {"permits": 1, **body})

    def settle(self, lease_id: str, **body: Any) -> Any:
        return self.post(f"/api/v1/leases/{lease_id}/settle", {"outcome": "ok", **body})

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.post(path, body, content_type="application/json", headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(path)
