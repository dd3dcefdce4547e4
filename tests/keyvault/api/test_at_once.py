"""Identical requests at once, in real transactions."""

import secrets
from collections import Counter
from typing import Any

import pytest

from keyvault.models import AuditEntry, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.at_once import at_once
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 50


@pytest.fixture
def store(transactional_db: None) -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.fixture
def backend(transactional_db: None) -> Api:
    return Api(token_of())


def _fifty(backend: Api, path: str, body: Any, **headers: str) -> list[Any]:
    """The status and body of each of fifty requests that are made at once."""

    def send() -> tuple[int, Any]:
        answer = Api(backend.token).post(path, body, **headers)
        return answer.status_code, answer.json()

    return at_once([send] * TIMES)


def test_fifty_identical_requests_with_a_key_have_one_effect(backend: Api, store: Keychain) -> None:
    path = f"/api/v1/stores/{store.pk}/leases"

    answers = _fifty(backend, path, {"permits": 5}, **{"Idempotency-Key": "once"})

    assert Counter(status for status, _ in answers) == {201: TIMES}
    assert len({body["lease"]["id"] for _, body in answers}) == 1
    assert len({body["credential"]["secret"] for _, body in answers}) == 1
    assert Lease.objects.get().counted == 5
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1


def test_fifty_settlements_alike_have_one_effect(backend: Api, store: Keychain) -> None:
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]
    body = {"used": 2, "outcome": "ok"}

    answers = _fifty(backend, f"/api/v1/leases/{lease_id}/settle", body)

    assert Counter(status for status, _ in answers) == {200: TIMES}
    assert {answer["lease"]["returned"] for _, answer in answers} == {3}
    assert Lease.objects.get().counted == 2
    assert AuditEntry.objects.filter(action="lease.settled").count() == 1


def test_fifty_requests_without_a_key_get_a_lease_each_and_no_permit_twice(
    backend: Api, store: Keychain
) -> None:
    key_of(store, limits=[[60, 30]])

    answers = _fifty(backend, f"/api/v1/stores/{store.pk}/leases", {"permits": 1})

    by_key = Counter(body["credential"]["id"] for status, body in answers if status == 201)
    assert {status for status, _ in answers} <= {201, 429}
    assert sum(by_key.values()) == Lease.objects.count()
    assert all(count <= 30 for count in by_key.values())


def test_leases_with_keys_of_their_own_never_hold_each_other_up(backend: Api) -> None:
    store = factories.keychain()
    for _ in range(3):
        key_of(store, limits=[[1, 100_000]])
    path = f"/api/v1/stores/{store.pk}/leases"

    def borrow() -> list[int]:
        api = Api(backend.token)
        keys = [{"Idempotency-Key": secrets.token_hex(8)} for _ in range(40)]
        return [api.post(path, {"permits": 1}, **key).status_code for key in keys]

    # No more threads than a process has connections: Django's test client gives none back.
    statuses = [status for each in at_once([borrow] * 8) for status in each]

    assert Counter(statuses) == {201: 8 * 40}
    assert Lease.objects.count() == 8 * 40
