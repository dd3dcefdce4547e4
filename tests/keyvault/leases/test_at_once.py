"""Many at once, in real transactions."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from keyvault.errors import PoolEmptyError
from keyvault.leases import LeaseAsk, issue_lease, issue_once
from keyvault.models import AuditEntry, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store() -> Keychain:
    return factories.keychain()


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


def _at_once(times: int, work: Callable[[], Any]) -> list[Any]:
    if connection.vendor == "sqlite":
        return [work() for _ in range(times)]  # an in-memory database belongs to one thread
    found: list[Any] = []
    start = threading.Barrier(times)

    def run() -> None:
        try:
            start.wait()
            found.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_callers_at_once_never_get_more_than_the_windows_hold(
    backend: Api, store: Keychain
) -> None:
    key_of(store, limits=[[60, 10]])
    key_of(store, limits=[[60, 7]])

    def lease() -> int:
        try:
            return issue_lease(
                digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=2)
            ).permits
        except PoolEmptyError:
            return 0

    granted = _at_once(16, lease)

    assert sum(granted) == 17
    assert sum(Lease.objects.values_list("counted", flat=True)) == 17


def test_the_same_request_many_times_at_once_has_one_effect(backend: Api, store: Keychain) -> None:
    key_of(store)

    def lease() -> str:
        found = issue_once(
            digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=2), key="one"
        )
        return str(found.id)

    found = _at_once(20, lease)

    assert len(found) == 20
    assert len(set(found)) == 1
    assert Lease.objects.count() == 1
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1
