"""Leases that are found and written together: each by itself, as if it had been alone."""

import threading
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from keyvault.errors import NoCredentialError
from keyvault.leases import LEASING, IssuedLease, LeaseAsk, issue_lease
from keyvault.leases.access import caller_in
from keyvault.leases.finding import candidate_in, find
from keyvault.leases.lending import prepare
from keyvault.leases.together import LeaseWrite, write_leases
from keyvault.models import AuditEntry, Credential, Keychain, Lease, PoolKey
from keyvault.pool.turns import turn_with_store
from tests.keyvault import factories
from tests.keyvault.at_once import at_once
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)

STORES = 6


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


@pytest.fixture
def keys() -> list[Credential]:
    return [key_of(factories.keychain()) for _ in range(STORES)]


def _write(key: Credential, *, backend: Api, permits: int = 1) -> LeaseWrite:
    """What a lease of the key would write."""
    found = find(digest=backend.digest, keychain_id=key.keychain_id, traffic_class="interactive")
    candidate = candidate_in(found, keychain_id=key.keychain_id)
    assert candidate is not None
    prepared = prepare(
        candidate=candidate, caller=caller_in(found, address=""), ask=LeaseAsk(permits=permits)
    )
    assert prepared is not None
    return prepared[1]


def _counted() -> dict[int, int]:
    """Permits that the windows of each key hold, where there are any."""
    states = PoolKey.objects.values_list("pk", "windows")
    return {key: windows[-1][2] for key, windows in states if windows[-1][2]}


def _lent() -> dict[int, int]:
    return dict(Lease.objects.values_list("key_id", "permits"))


def test_each_key_gets_its_own_lease_and_entry(backend: Api, keys: list[Credential]) -> None:
    writes = [_write(key, backend=backend, permits=n + 1) for n, key in enumerate(keys)]

    assert write_leases(writes) == [True] * STORES

    assert _counted() == _lent() == {write.key_id: n + 1 for n, write in enumerate(writes)}
    entries = AuditEntry.objects.filter(action="lease.granted")
    assert {
        (entry.keychain_id, entry.facts["credential"], entry.facts["permits"]) for entry in entries
    } == {(key.keychain_id, str(key.pk), n + 1) for n, key in enumerate(keys)}
    for lease in Lease.objects.all():
        assert entries.filter(subject=f"lease:{lease.pk}").count() == 1


def test_of_leases_of_one_key_one_is_written(backend: Api, keys: list[Credential]) -> None:
    writes = [_write(keys[0], backend=backend, permits=n) for n in (1, 2, 3)]
    writes.append(_write(keys[1], backend=backend))

    assert write_leases(writes) == [True, False, False, True]

    assert _counted() == _lent() == {writes[0].key_id: 1, writes[3].key_id: 1}


def test_a_key_that_has_moved_on_is_passed_over(backend: Api, keys: list[Credential]) -> None:
    writes = [_write(key, backend=backend) for key in keys]
    assert writes[2].alone()

    assert write_leases(writes) == [n != 2 for n in range(STORES)]

    assert Lease.objects.count() == STORES
    assert set(_counted().values()) == {1}


def test_a_key_that_was_paused_meanwhile_is_not_lent(backend: Api, keys: list[Credential]) -> None:
    writes = [_write(key, backend=backend) for key in keys]
    Credential.objects.filter(pk=keys[4].pk).update(state="paused")

    assert write_leases(writes) == [n != 4 for n in range(STORES)]

    assert writes[4].key_id not in _lent()


def test_a_key_that_somebody_is_writing_is_not_waited_for(
    backend: Api, keys: list[Credential]
) -> None:
    """On PostgreSQL; SQLite has one writer and no locks of rows."""
    writes = [_write(key, backend=backend) for key in keys]
    has_locks = connection.vendor == "postgresql"
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            if has_locks:
                cursor.execute(
                    "SELECT 1 FROM keyvault_poolkey WHERE id = %s FOR NO KEY UPDATE",
                    [writes[3].key_id],
                )
            found = write_leases(writes)
    finally:
        other.close()

    assert found == [n != 3 or not has_locks for n in range(STORES)]


def test_what_the_database_refuses_fails_alone(backend: Api, keys: list[Credential]) -> None:
    writes = [_write(key, backend=backend) for key in keys]
    lease, entry = writes[1].effects
    broken = replace(lease, parameters={**lease.parameters, "token_id": 10**12})
    writes[1] = replace(writes[1], effects=[broken, entry])

    found = write_leases(writes)

    assert [each is True for each in found] == [n != 1 for n in range(STORES)]
    assert isinstance(found[1], IntegrityError)
    assert len(_lent()) == len(_counted()) == STORES - 1


def test_threads_of_many_stores_get_each_their_own(backend: Api, keys: list[Credential]) -> None:
    def lease(keychain: Keychain) -> IssuedLease:
        return issue_lease(digest=backend.digest, keychain_id=keychain.pk, ask=LeaseAsk(permits=2))

    asked = [key for key in keys for _ in range(4)]
    found = at_once([lambda key=key: lease(key.keychain) for key in asked])

    assert [each.credential.id for each in found] == [key.pk for key in asked]
    assert len({each.id for each in found}) == 4 * STORES
    assert set(_counted().values()) == {8}
    assert AuditEntry.objects.filter(action="lease.granted").count() == 4 * STORES


def test_whoever_waits_for_its_turn_with_a_store_says_so_first() -> None:
    store, has_turn, is_told = uuid4(), threading.Event(), threading.Event()

    def first() -> bool:
        with turn_with_store(store, on_wait=lambda: None):
            has_turn.set()
            return is_told.wait(10)

    def second() -> None:
        has_turn.wait(10)
        with turn_with_store(store, on_wait=is_told.set):
            pass

    assert at_once([first, second]) == [True, None]


def test_nobody_waits_for_a_thread_that_was_refused_a_key(
    backend: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(LEASING, "leave", lambda: left.append(threading.get_ident()))
    store = factories.keychain()

    with pytest.raises(NoCredentialError):
        issue_lease(digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=1))

    assert threading.get_ident() in left
