"""Idempotency-Key."""

from typing import Any

import pytest

from keyvault.leases import values
from keyvault.models import AuditEntry, Backend, Keychain, Lease, RepeatableRequest
from keyvault.windows import SECOND
from tests.keyvault import factories
from tests.keyvault.ageing import age
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db


def _lease(backend: Api, store: Keychain, key: str, **body: Any) -> Any:
    return backend.client.post(
        f"/api/v1/stores/{store.pk}/leases",
        {"permits": 2, **body},
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


def test_the_same_key_gives_the_same_lease_again(backend: Api, store: Keychain) -> None:
    key_of(store)

    first, second = _lease(backend, store, "k1"), _lease(backend, store, "k1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert Lease.objects.count() == 1
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1


@pytest.mark.parametrize("body", [{"permits": 3}, {"class": "batch"}, {"use_within_seconds": 3}])
def test_the_same_key_with_another_body_is_refused(
    backend: Api, store: Keychain, body: dict[str, Any]
) -> None:
    key_of(store)
    _lease(backend, store, "k1")

    response = _lease(backend, store, "k1", **body)

    assert response.status_code == 422
    assert response.json()["type"] == "idempotency-key-reused"
    assert Lease.objects.count() == 1


def test_the_same_key_at_another_store_is_refused(backend: Api, store: Keychain) -> None:
    key_of(store)
    other = factories.keychain()
    key_of(other)
    _lease(backend, store, "k1")

    assert _lease(backend, other, "k1").json()["type"] == "idempotency-key-reused"


def test_what_stands_for_the_same_is_the_same(backend: Api, store: Keychain) -> None:
    key_of(store)

    first = _lease(backend, store, "k1")
    second = _lease(backend, store, "k1", **{"class": "interactive", "use_within_seconds": 2})

    assert second.json() == first.json()


def test_keys_of_two_backends_do_not_meet(backend: Api, store: Keychain) -> None:
    key_of(store)

    first, second = _lease(backend, store, "k1"), _lease(Api(token_of()), store, "k1")

    assert first.json()["lease"]["id"] != second.json()["lease"]["id"]


def test_a_refusal_is_not_kept(backend: Api, store: Keychain) -> None:
    assert _lease(backend, store, "k1").status_code == 409
    key_of(store)

    assert _lease(backend, store, "k1").status_code == 201


def test_a_repeat_after_the_lease_is_over_is_refused(backend: Api, store: Keychain) -> None:
    key_of(store)
    backend.settle(_lease(backend, store, "k1").json()["lease"]["id"], used=0)

    assert _lease(backend, store, "k1").json()["type"] == "lease-closed"


def test_a_repeat_after_the_lease_has_expired_is_refused(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    _lease(backend, store, "k1")
    age(key, (values.SETTLE_SECONDS + 3) * SECOND)

    assert _lease(backend, store, "k1").json()["type"] == "lease-closed"
    assert not AuditEntry.objects.filter(action="credential.opened").exists()


def test_a_store_that_was_taken_from_a_backend_is_not_given_out_again(store: Keychain) -> None:
    key_of(store)
    backend = Api(token_of(stores=[store.pk]))
    _lease(backend, store, "k1")
    Backend.objects.get().stores.clear()

    assert _lease(backend, store, "k1").json()["type"] == "not-found"
    assert not AuditEntry.objects.filter(action="credential.opened").exists()


@pytest.mark.parametrize("state", ["paused", "suspended", "replaced"])
def test_a_key_that_is_lent_no_more_is_not_given_out_again(
    backend: Api, store: Keychain, state: str
) -> None:
    key_of(store)
    _lease(backend, store, "k1")
    store.credentials.update(state=state)

    assert _lease(backend, store, "k1").json()["type"] == "lease-closed"


def test_giving_out_a_secret_again_is_on_record(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = _lease(backend, store, "k1").json()["lease"]
    _lease(backend, store, "k1")

    entry = AuditEntry.objects.get(action="credential.opened")
    assert (entry.subject, entry.facts["purpose"]) == (f"lease:{lease['id']}", "repeat")


def test_the_secret_is_not_kept(backend: Api, store: Keychain) -> None:
    key_of(store)
    secret = _lease(backend, store, "k1").json()["credential"]["secret"]

    assert secret not in str(list(RepeatableRequest.objects.values()))


@pytest.mark.parametrize("key", ["x" * 256, "with space", "é"])
def test_a_key_that_makes_no_sense_is_refused(backend: Api, store: Keychain, key: str) -> None:
    key_of(store)

    assert _lease(backend, store, key).status_code == 422
