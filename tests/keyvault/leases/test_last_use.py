"""When a lease was last used is the backend's word, within what can be."""

from datetime import timedelta

import pytest

from keyvault.models import Keychain, Lease
from keyvault.models.lease import moment
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def _settled(backend: Api, store: Keychain, **told: str) -> tuple[Lease, Lease]:
    """The row of a lease before and after it was settled."""
    key_of(store)
    lease_id = backend.lease(store, use_within_seconds=30).json()["lease"]["id"]
    before = Lease.objects.get(pk=lease_id)
    assert backend.settle(lease_id, used=1, **told).status_code == 200
    return before, Lease.objects.get(pk=lease_id)


def test_permits_count_from_the_last_use_that_is_told(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease_id = backend.lease(store, use_within_seconds=30).json()["lease"]["id"]
    at = moment(Lease.objects.get(pk=lease_id).granted_us) + timedelta(microseconds=1)

    backend.settle(lease_id, used=1, last_used_at=at.isoformat())

    assert moment(Lease.objects.get(pk=lease_id).use_by_us) == at


def test_nobody_has_used_a_lease_before_it_was_granted(backend: Api, store: Keychain) -> None:
    before, after = _settled(backend, store, last_used_at="1970-01-01T00:00:00Z")

    assert after.use_by_us == before.granted_us


@pytest.mark.parametrize("told", [{}, {"last_used_at": "2999-01-01T00:00:00Z"}])
def test_without_a_use_that_can_be_the_moment_of_settling_counts(
    backend: Api, store: Keychain, told: dict[str, str]
) -> None:
    before, after = _settled(backend, store, **told)

    assert after.settled_us is not None
    assert before.granted_us < after.use_by_us == after.settled_us < before.use_by_us


def test_nobody_has_used_a_lease_after_its_use_by(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease_id = backend.lease(store).json()["lease"]["id"]
    Lease.objects.filter(pk=lease_id).update(granted_us=1, use_by_us=2)

    backend.settle(lease_id, used=1, last_used_at="2999-01-01T00:00:00Z")

    assert Lease.objects.get(pk=lease_id).use_by_us == 2
