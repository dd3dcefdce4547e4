"""Holding a lease longer, ending it early."""

import pytest
from django.utils import timezone

from keyvault import due, pool, vault
from keyvault.errors import UnknownRecordError
from keyvault.leases import revoke_lease
from keyvault.models import AuditEntry, Backend, Credential, CredentialCheck, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db


def _renew(backend: Api, lease_id: str, seconds: int = 20) -> object:
    return backend.post(f"/api/v1/leases/{lease_id}/renew", {"use_within_seconds": seconds})


def test_a_renewed_lease_may_be_used_longer_and_counts_longer(
    backend: Api, store: Keychain
) -> None:
    key_of(store)
    lease = backend.lease(store, permits=3).json()["lease"]

    response = _renew(backend, lease["id"])

    assert response.status_code == 200
    assert response.json()["lease"]["use_by"] > lease["use_by"]
    row = Lease.objects.get(pk=lease["id"])
    assert row.use_by_us - row.granted_us >= 20_000_000
    assert row.key.windows[0][2] == 3


def test_renewing_never_shortens(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store, use_within_seconds=30).json()["lease"]

    assert _renew(backend, lease["id"], 1).json()["lease"]["use_by"] == lease["use_by"]


def test_a_backend_holds_no_longer_what_it_may_borrow_no_more(store: Keychain) -> None:
    key_of(store)
    backend = Api(token_of(stores=[store.pk]))
    lease_id = backend.lease(store).json()["lease"]["id"]
    Backend.objects.get().stores.clear()

    assert _renew(backend, lease_id).json()["type"] == "lease-closed"
    assert backend.settle(lease_id, used=1).status_code == 200


def test_a_renewed_lease_can_be_settled_as_much_later(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    renewed = _renew(backend, lease["id"], 30).json()["lease"]

    row = Lease.objects.get(pk=lease["id"])
    assert row.expires_us - row.use_by_us == 60_000_000
    assert renewed["expires_at"] > lease["expires_at"]


def test_holding_longer_and_ending_early_are_on_record(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    _renew(backend, lease["id"])
    revoke_lease(lease_id=lease["id"], keychain_id=store.pk, actor=factories.OWNER)

    entries = AuditEntry.objects.filter(subject=f"lease:{lease['id']}").order_by("pk")
    told = [(each.action, each.actor.partition(":")[0]) for each in entries]
    assert told[1:] == [("lease.renewed", "backend"), ("lease.revoked", "person")]


@pytest.mark.parametrize("change", [{"use_by_us": 1}, {"settled_us": 1}])
def test_a_lease_that_is_over_is_not_renewed(
    backend: Api, store: Keychain, change: dict[str, int]
) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]
    Lease.objects.filter(pk=lease["id"]).update(**change)

    assert _renew(backend, lease["id"]).json()["type"] == "lease-closed"


def test_a_lease_of_a_paused_key_is_not_renewed(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]
    vault.set_state(
        credential_id=key.pk,
        keychain_id=store.pk,
        to=Credential.State.PAUSED,
        actor=factories.OWNER,
    )

    assert _renew(backend, lease["id"]).json()["type"] == "lease-closed"


def test_somebody_elses_lease_is_not_renewed(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    assert _renew(Api(token_of()), lease["id"]).status_code == 404


def test_the_permits_of_a_revoked_lease_count_as_used(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store, permits=4).json()["lease"]

    revoke_lease(lease_id=lease["id"], keychain_id=store.pk, actor=factories.OWNER)

    assert backend.settle(lease["id"], used=0).json()["type"] == "lease-closed"
    assert pool.budgets(credential_ids=[key.pk])[key.pk][1].remaining == 296


def test_a_revoked_lease_counts_until_its_use_by_for_nobody_has_told_the_backend(
    backend: Api, store: Keychain
) -> None:
    key_of(store)
    lease = backend.lease(store, use_within_seconds=30).json()["lease"]

    revoke_lease(lease_id=lease["id"], keychain_id=store.pk, actor=factories.OWNER)

    row = Lease.objects.get(pk=lease["id"])
    assert row.use_by_us - row.granted_us == 30_000_000


def test_a_lease_is_revoked_in_its_own_store_only(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    with pytest.raises(UnknownRecordError):
        revoke_lease(
            lease_id=lease["id"], keychain_id=factories.keychain().pk, actor=factories.OWNER
        )


def test_a_refused_key_wants_a_new_check(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(lease["id"], used=1, outcome="forbidden")

    wanted = CredentialCheck.objects.get()
    assert (wanted.credential_id, wanted.reason) == (key.pk, "forbidden")
    assert wanted.due_at is not None


def test_a_check_under_way_does_not_answer_for_a_key_that_was_refused_since(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]
    now = timezone.now()
    CredentialCheck.objects.create(credential=key, due_at=now)
    (under_way,) = due.claim(CredentialCheck.objects.all(), now=now, claim_seconds=60)

    backend.settle(lease["id"], used=1, outcome="unauthorized")

    assert not due.finish(under_way, due_at=None)
    assert due.claim(CredentialCheck.objects.all(), now=timezone.now(), claim_seconds=60)
