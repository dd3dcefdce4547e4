"""Many at once, in real transactions."""

import pytest

from keyvault.errors import PoolEmptyError
from keyvault.leases import LeaseAsk, issue_lease, issue_once
from keyvault.models import AuditEntry, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.at_once import at_once
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store() -> Keychain:
    return factories.keychain()


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


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

    granted = at_once([lease] * 16)

    assert sum(granted) == 17
    assert sum(Lease.objects.values_list("counted", flat=True)) == 17


def test_the_same_request_many_times_at_once_has_one_effect(backend: Api, store: Keychain) -> None:
    key_of(store)

    def lease() -> str:
        found = issue_once(
            digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=2), key="one"
        )
        return str(found.id)

    found = at_once([lease] * 20)

    assert len(found) == 20
    assert len(set(found)) == 1
    assert Lease.objects.count() == 1
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1
