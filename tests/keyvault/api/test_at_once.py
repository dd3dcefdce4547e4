"""Identical requests at once, over HTTP and in real transactions."""

import http.client
import json
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from keyvault.models import AuditEntry, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
TIMES = 50


@pytest.fixture
def store(transactional_db: None) -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.fixture
def backend(transactional_db: None) -> Api:
    return Api(token_of())


def _fifty(live_server: LiveServer, path: str, body: Any, headers: dict[str, str]) -> list[Any]:
    """The status and body of each of fifty requests that are sent at once."""
    answers: list[Any] = []
    start = threading.Barrier(TIMES)

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)
        connection.connect()
        start.wait()
        connection.request("POST", path, body=json.dumps(body), headers=headers)
        response = connection.getresponse()
        answers.append((response.status, json.loads(response.read())))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(TIMES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _headers(backend: Api, **more: str) -> dict[str, str]:
    bearer = f"Bearer {backend.token}"
    return {"Authorization": bearer, "Content-Type": "application/json", **more}


def test_fifty_identical_requests_with_a_key_have_one_effect(
    live_server: LiveServer, backend: Api, store: Keychain
) -> None:
    headers = _headers(backend, **{"Idempotency-Key": "once"})

    answers = _fifty(live_server, f"/api/v1/stores/{store.pk}/leases", {"permits": 5}, headers)

    assert Counter(status for status, _ in answers) == {201: TIMES}
    assert len({body["lease"]["id"] for _, body in answers}) == 1
    assert len({body["credential"]["secret"] for _, body in answers}) == 1
    assert Lease.objects.get().counted == 5
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1


def test_fifty_settlements_alike_have_one_effect(
    live_server: LiveServer, backend: Api, store: Keychain
) -> None:
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]
    body = {"used": 2, "outcome": "ok"}

    answers = _fifty(live_server, f"/api/v1/leases/{lease_id}/settle", body, _headers(backend))

    assert Counter(status for status, _ in answers) == {200: TIMES}
    assert {answer["lease"]["returned"] for _, answer in answers} == {3}
    assert Lease.objects.get().counted == 2
    assert AuditEntry.objects.filter(action="lease.settled").count() == 1


def test_fifty_requests_without_a_key_get_a_lease_each_and_no_permit_twice(
    live_server: LiveServer, backend: Api, store: Keychain
) -> None:
    key_of(store, limits=[[60, 30]])

    answers = _fifty(
        live_server, f"/api/v1/stores/{store.pk}/leases", {"permits": 1}, _headers(backend)
    )

    by_key = Counter(body["credential"]["id"] for status, body in answers if status == 201)
    assert {status for status, _ in answers} <= {201, 429}
    assert sum(by_key.values()) == Lease.objects.count()
    assert all(count <= 30 for count in by_key.values())
