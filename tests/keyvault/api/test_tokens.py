"""A token that is over opens nothing, whichever way an operation looks it up."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from keyvault.audit import SYSTEM
from keyvault.leases import revoke_token
from keyvault.models import Backend, BackendToken, Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db

# 256 random bits in URL-safe base64.
RANDOM_CHARACTERS = 43


@pytest.fixture
def store() -> Keychain:
    keychain = factories.keychain()
    key_of(keychain)
    return keychain


OPERATIONS: dict[str, Callable[[Api, Keychain], int]] = {
    "lease": lambda api, store: api.lease(store).status_code,
    "lease once": lambda api, store: (
        api.client.post(
            f"/api/v1/stores/{store.pk}/leases",
            {"permits": 1},
            content_type="application/json",
            headers={"Idempotency-Key": uuid4().hex},
        ).status_code
    ),
    "settle": lambda api, store: api.settle(_lease_of(api, store), used=1).status_code,
    "renew": lambda api, store: (
        api.post(f"/api/v1/leases/{_lease_of(api, store)}/renew", {}).status_code
    ),
    "stores": lambda api, _store: api.get("/api/v1/stores").status_code,
    "store": lambda api, store: api.get(f"/api/v1/stores/{store.pk}").status_code,
}


def _lease_of(api: Api, store: Keychain) -> str:
    """One that the backend has taken before, if it can have."""
    for token in BackendToken.objects.filter(digest=api.digest):
        for lease in token.leases.filter(settled_us=None):
            return str(lease.pk)
    return str(api.lease(store).json()["lease"]["id"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_works(backend: Api, store: Keychain, operation: str) -> None:
    backend.lease(store)

    assert OPERATIONS[operation](backend, store) in {200, 201}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_revoked_token_is_refused_at_once(backend: Api, store: Keychain, operation: str) -> None:
    assert backend.lease(store).status_code == 201
    revoke_token(token_id=BackendToken.objects.get(digest=backend.digest).pk, actor=SYSTEM)

    assert OPERATIONS[operation](backend, store) == 401


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_expired_token_is_refused(backend: Api, store: Keychain, operation: str) -> None:
    backend.lease(store)
    BackendToken.objects.update(expires_at="2020-01-01T00:00:00Z")

    assert OPERATIONS[operation](backend, store) == 401


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_tokens_of_a_backend_that_is_switched_off_are_refused(
    backend: Api, store: Keychain, operation: str
) -> None:
    backend.lease(store)
    Backend.objects.update(is_active=False)

    assert OPERATIONS[operation](backend, store) == 401


def test_a_token_is_long_and_says_what_it_is(backend: Api) -> None:
    assert backend.token.startswith("lk_")
    assert len(backend.token.removeprefix("lk_")) == RANDOM_CHARACTERS


def test_a_token_is_kept_as_a_hash_only(backend: Api) -> None:
    row = BackendToken.objects.get(digest=backend.digest)

    assert backend.token not in json.dumps([row.prefix, row.digest, row.scopes])
    assert backend.token.startswith(row.prefix)
