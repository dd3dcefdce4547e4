"""What happens to a key between the moment it is read and the moment its lease is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from keyvault.models import Credential, Keychain, Lease, PoolKey
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


@contextmanager
def _before_the_write(
    change: Callable[[], object], *, statement: str = "UPDATE keyvault_poolkey"
) -> Iterator[None]:
    """Somebody else is faster, once."""
    changes = [change]

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if statement in sql and changes:
            changes.pop()()
        return execute(sql, *rest)

    with connection.execute_wrapper(run):
        yield
    assert not changes


def test_a_key_that_is_paused_meanwhile_is_not_lent(backend: Api, store: Keychain) -> None:
    key_of(store)

    with _before_the_write(lambda: Credential.objects.update(state="paused")):
        answer = backend.lease(store)

    assert (answer.status_code, answer.json()["type"]) == (409, "no-credential")
    assert not Lease.objects.exists()


def test_permits_that_somebody_takes_meanwhile_are_not_granted_again(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store, limits=[[60, 5]])

    with _before_the_write(lambda: backend.lease(store, permits=4)):
        answer = backend.lease(store, permits=5)

    assert answer.json()["lease"]["permits"] == 1
    assert PoolKey.objects.get(credential=key).windows[0][2] == 5


def test_a_key_that_is_stored_while_locks_are_waited_for_breaks_no_request(
    backend: Api, store: Keychain
) -> None:
    key_of(store, limits=[[60, 1]])
    backend.lease(store)

    with _before_the_write(lambda: key_of(store), statement='LEFT OUTER JOIN "keyvault_poolkey"'):
        answer = backend.lease(store, **{"class": "batch"})

    assert answer.status_code == 429, answer.json()
    assert backend.lease(store).status_code == 201
