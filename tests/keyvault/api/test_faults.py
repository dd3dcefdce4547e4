"""A fault of ours below the API: a 500 as a problem, without a word of what is behind it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import InternalError, connection
from psycopg.errors import ReadOnlySqlTransaction

from keyvault.models import Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db

CANARY = "canary-6f1c2d"


@pytest.fixture
def store() -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.mark.parametrize("path", ["stores", "stores/{store}", "stores/{store}/leases"])
def test_a_fault_of_ours_tells_nothing_of_itself(backend: Api, store: Keychain, path: str) -> None:
    def fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "keyvault_keychain" in sql:
            raise RuntimeError(CANARY)
        return execute(sql, *rest)

    address = f"/api/v1/{path.format(store=store.pk)}"
    with connection.execute_wrapper(fail):
        if path.endswith("leases"):
            answer = backend.post(address, {"permits": 1})
        else:
            answer = backend.get(address)

    assert (answer.status_code, answer.json()["type"]) == (500, "internal")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer["X-Request-ID"] != ""
    assert CANARY not in answer.content.decode()


def test_a_database_that_takes_no_writes_is_an_outage(backend: Api, store: Keychain) -> None:
    """As PostgreSQL says it while another server takes over."""

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "INSERT INTO keyvault_lease" in sql:
            raise InternalError(CANARY) from ReadOnlySqlTransaction(CANARY)
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        answer = backend.lease(store)

    assert (answer.status_code, answer.json()["type"]) == (503, "unavailable")
    assert answer["Retry-After"] == "1"
    assert CANARY not in answer.content.decode()
    assert not Lease.objects.exists()
