"""Leasing and settling over HTTP."""

import pytest

from keyvault.models import AuditEntry
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


def test_a_lease_carries_the_pair_that_was_stored(backend: Api) -> None:
    store = factories.keychain()
    secret = factories.api_key()
    credential = factories.credential(of=store, secret=secret)

    response = backend.lease(store, permits=3)

    assert response.status_code == 201
    body = response.json()
    assert body["credential"]["id"] == str(credential.pk)
    assert body["credential"]["key"] == secret.key.get_secret_value()
    assert body["credential"]["secret"] == secret.secret.get_secret_value()
    assert body["lease"]["permits"] == 3
    assert [window["seconds"] for window in body["budget"]] == [300, 3600, 86400]
    assert body["budget"][0]["remaining"] == 297


def test_settling_returns_what_was_not_used(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease = backend.lease(store, permits=5).json()

    response = backend.settle(lease["lease"]["id"], used=2)

    assert response.status_code == 200
    assert response.json()["lease"]["returned"] == 3
    assert response.json()["budget"][1]["remaining"] == 298


def test_grant_and_settlement_are_on_record(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease = backend.lease(store).json()
    backend.settle(lease["lease"]["id"], used=1)

    actions = AuditEntry.objects.filter(subject=f"lease:{lease['lease']['id']}")

    assert [each.action for each in actions.order_by("id")] == ["lease.granted", "lease.settled"]
    assert {each.keychain_id for each in actions} == {store.pk}


def test_an_empty_pool_says_when_to_come_back(backend: Api) -> None:
    store = factories.keychain()
    key_of(store, limits=[[60, 2]])
    assert backend.lease(store, permits=5).json()["lease"]["permits"] == 2

    response = backend.lease(store)

    assert response.status_code == 429
    assert response.json()["type"] == "pool-empty"
    assert 60 <= int(response["Retry-After"]) <= 63
    assert response["Content-Type"] == "application/problem+json"


def test_most_headroom_comes_first(backend: Api) -> None:
    store = factories.keychain()
    key_of(store, spent=40)
    fresh = key_of(store)

    assert backend.lease(store).json()["credential"]["id"] == str(fresh.pk)
