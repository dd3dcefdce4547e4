"""Leasing and settling over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from keyvault import vault
from keyvault.leases import LEASING
from keyvault.models import AuditEntry, Credential, Lease, PoolKey
from keyvault.pool import budgets
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def test_a_lease_carries_the_pair_that_was_stored(backend: Api) -> None:
    store = factories.keychain()
    secret = factories.api_key()
    credential = factories.credential(of=store, secret=secret)

    response = backend.lease(store, permits=3)

    assert response.status_code == 201
    body = response.json()
    assert body["credential"]["id"] == str(credential.pk)
    assert body["credential"]["key"] == secret.key.get_secret_value()
    assert body["credential"]["secret"] == secret.secret.get_secret_value()
    assert body["lease"]["permits"] == 3
    assert [window["seconds"] for window in body["budget"]] == [300, 3600, 86400]
    assert body["budget"][0]["remaining"] == 297


def test_settling_returns_what_was_not_used(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease = backend.lease(store, permits=5).json()

    response = backend.settle(lease["lease"]["id"], used=2)

    assert response.status_code == 200
    assert response.json()["lease"]["returned"] == 3
    assert response.json()["budget"][1]["remaining"] == 298


def test_grant_and_settlement_are_on_record(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease = backend.lease(store).json()
    backend.settle(lease["lease"]["id"], used=1)

    actions = AuditEntry.objects.filter(subject=f"lease:{lease['lease']['id']}")

    assert [each.action for each in actions.order_by("id")] == ["lease.granted", "lease.settled"]
    assert {each.keychain_id for each in actions} == {store.pk}


def test_an_empty_pool_says_when_to_come_back(backend: Api) -> None:
    store = factories.keychain()
    key_of(store, limits=[[60, 2]])
    assert backend.lease(store, permits=5).json()["lease"]["permits"] == 2

    response = backend.lease(store)

    assert response.status_code == 429
    assert response.json()["type"] == "pool-empty"
    assert 60 <= int(response["Retry-After"]) <= 63
    assert response["Content-Type"] == "application/problem+json"


def test_most_headroom_comes_first(backend: Api) -> None:
    store = factories.keychain()
    key_of(store, spent=40)
    fresh = key_of(store)

    assert backend.lease(store).json()["credential"]["id"] == str(fresh.pk)


def test_a_lease_takes_two_queries(backend: Api) -> None:
    store = factories.keychain()
    for _ in range(3):
        key_of(store)
    # SQLite writes key, lease and entry one after the other.
    expected = 2 if connection.vendor == "postgresql" else 4

    with CaptureQueriesContext(connection) as captured:
        assert backend.lease(store).status_code == 201

    assert len(_own(captured)) == expected


def _own(captured: CaptureQueriesContext) -> list[str]:
    """Without what is read now and then: vendors' announcements, who signs, the last use."""
    shared = ("keyvault_retirement", "signing_key", "last_used_at")
    return [each["sql"] for each in captured if not any(name in each["sql"] for name in shared)]


def test_settling_takes_two_queries(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease = backend.lease(store).json()["lease"]
    expected = 2 if connection.vendor == "postgresql" else 7

    with CaptureQueriesContext(connection) as captured:
        assert backend.settle(lease["id"], used=1).status_code == 200
    assert len(_own(captured)) == expected


def test_use_by_and_expiry_are_as_asked(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)

    lease = backend.lease(store, use_within_seconds=7).json()["lease"]

    row = Lease.objects.get(pk=lease["id"])
    assert row.use_by_us - row.granted_us == 7_000_000
    assert datetime.fromisoformat(lease["use_by"]) == row.use_by
    assert datetime.fromisoformat(lease["expires_at"]) > row.use_by


def test_settling_twice_alike_changes_nothing(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]

    first = backend.settle(lease_id, used=2)
    second = backend.settle(lease_id, used=2)

    assert second.status_code == 200
    assert second.json()["lease"] == first.json()["lease"]
    assert second.json()["budget"] == first.json()["budget"]
    assert AuditEntry.objects.filter(action="lease.settled").count() == 1


def test_settling_again_otherwise_is_refused(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]
    backend.settle(lease_id, used=2)

    response = backend.settle(lease_id, used=3)

    assert response.status_code == 409
    assert response.json()["type"] == "lease-closed"


@pytest.mark.parametrize("outcome", ["ok", "throttled"])
@pytest.mark.parametrize("used", [6, 250])
def test_what_was_overspent_is_refused_and_counts(backend: Api, used: int, outcome: str) -> None:
    store = factories.keychain()
    key = key_of(store, limits=[[300, 300]])
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]

    for _ in range(2):
        response = backend.settle(lease_id, used=used, outcome=outcome)
        assert response.status_code == 422
        assert response.json()["type"] == "overspent"
        assert "take another lease" in response.json()["detail"]

    (left,) = budgets(credential_ids=[key.pk])[key.pk]
    assert left.limit - left.remaining == used
    entry = AuditEntry.objects.get(action="lease.settled")
    assert (entry.facts["permits"], entry.facts["used"]) == (5, used)
    assert backend.lease(store).status_code == (201 if outcome == "ok" else 429)


@pytest.mark.parametrize(("used", "status"), [(2, 200), (6, 422)])
def test_each_settlement_is_measured(backend: Api, used: int, status: int) -> None:
    store = factories.keychain()
    key_of(store)
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]
    before = _settled_ok()

    assert backend.settle(lease_id, used=used).status_code == status

    assert _settled_ok() == before + 1


def _settled_ok() -> float:
    return REGISTRY.get_sample_value("latchkey_leases_settled_total", {"outcome": "ok"}) or 0


def _settled_with_less(lease: Lease) -> None:
    lease.settled_us, lease.outcome, lease.counted = lease.granted_us, "ok", 3


def _revoked(lease: Lease) -> None:
    lease.settled_us, lease.outcome = lease.granted_us, "revoked"


def _expired(lease: Lease) -> None:
    lease.granted_us, lease.use_by_us, lease.expires_us = 1, 1, 1


@pytest.mark.parametrize("ending", [_settled_with_less, _revoked, _expired])
def test_what_was_overspent_counts_on_a_lease_that_is_over(
    backend: Api, ending: Callable[[Lease], None]
) -> None:
    store = factories.keychain()
    key_of(store, limits=[[60, 8]])
    lease = Lease.objects.get(pk=backend.lease(store, permits=5).json()["lease"]["id"])
    ending(lease)
    lease.save()
    PoolKey.objects.update(windows=[[60, 8, 0 if ending is _expired else lease.counted, 2, 0, 0]])

    assert backend.settle(str(lease.pk), used=7).json()["type"] == "overspent"
    assert backend.settle(str(lease.pk), used=6).json()["type"] == "lease-closed"

    assert backend.lease(store, permits=5).json()["lease"]["permits"] == 1


def test_a_key_that_was_overspent_beyond_its_limit_says_when_it_is_free(backend: Api) -> None:
    store = factories.keychain()
    key_of(store, limits=[[60, 8]])
    lease_id = backend.lease(store, permits=8).json()["lease"]["id"]

    assert backend.settle(lease_id, used=10_000).json()["type"] == "overspent"

    answer = backend.lease(store)
    assert answer.json()["type"] == "pool-empty"
    assert 50 < answer.json()["retry_after_seconds"] <= 61


def test_settling_too_late_is_refused_and_the_permits_count_as_used(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    lease_id = backend.lease(store, permits=5).json()["lease"]["id"]
    Lease.objects.filter(pk=lease_id).update(expires_us=1)

    response = backend.settle(lease_id, used=0)

    assert response.status_code == 409
    assert Lease.objects.get(pk=lease_id).counted == 5


@pytest.mark.parametrize("outcome", ["unauthorized", "forbidden"])
def test_a_refused_key_is_lent_no_more_and_another_is(backend: Api, outcome: str) -> None:
    store = factories.keychain()
    refused, other = key_of(store), key_of(store, spent=50)
    lease = backend.lease(store).json()
    assert lease["credential"]["id"] == str(refused.pk)

    settled = backend.settle(lease["lease"]["id"], used=1, outcome=outcome)

    assert settled.json()["credential"]["state"] == "suspended"
    assert backend.lease(store).json()["credential"]["id"] == str(other.pk)


def test_a_throttled_key_rests_and_another_is_lent(backend: Api) -> None:
    store = factories.keychain()
    throttled, other = key_of(store), key_of(store, spent=50)
    lease = backend.lease(store).json()
    assert lease["credential"]["id"] == str(throttled.pk)

    backend.settle(lease["lease"]["id"], used=1, outcome="throttled")

    assert backend.lease(store).json()["credential"]["id"] == str(other.pk)


def test_a_paused_key_is_not_lent_and_its_open_lease_is_told(backend: Api) -> None:
    store = factories.keychain()
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]
    vault.set_state(
        credential_id=key.pk,
        keychain_id=store.pk,
        to=Credential.State.PAUSED,
        actor=factories.OWNER,
    )

    assert backend.lease(store).json()["type"] == "no-credential"
    assert backend.settle(lease["id"], used=1).json()["credential"]["state"] == "paused"


def test_a_record_that_does_not_open_is_set_aside_and_another_is_lent(backend: Api) -> None:
    store = factories.keychain()
    broken, other = key_of(store), key_of(store, spent=50)
    Credential.objects.filter(pk=broken.pk).update(sealed=bytes(other.sealed))

    lease = backend.lease(store)

    assert lease.json()["credential"]["id"] == str(other.pk)
    broken.refresh_from_db()
    assert broken.state == Credential.State.SUSPENDED


def test_a_denial_is_on_record_once_a_minute(backend: Api) -> None:
    store = factories.keychain()

    for _ in range(3):
        assert backend.lease(store).status_code == 409

    assert 1 <= AuditEntry.objects.filter(action="lease.denied").count() <= 2


def test_a_key_that_was_never_seeded_gets_its_place_in_the_pool(backend: Api) -> None:
    store = factories.keychain()
    factories.credential(of=store)

    assert backend.lease(store).status_code == 201


def test_new_limits_of_a_key_take_effect_with_the_next_lease(backend: Api) -> None:
    store = factories.keychain()
    key = key_of(store, limits=[[60, 5]])
    backend.lease(store, permits=4)
    Credential.objects.filter(pk=key.pk).update(limits=[[60, 6], [3600, 100]])

    budget = backend.lease(store, permits=10).json()["budget"]

    assert budget == [
        {"seconds": 60, "limit": 6, "remaining": 0},
        {"seconds": 3600, "limit": 100, "remaining": 94},
    ]


def test_the_secret_stands_nowhere_but_in_the_answer(
    backend: Api, caplog: pytest.LogCaptureFixture
) -> None:
    store = factories.keychain()
    secret = factories.api_key()
    factories.credential(of=store, secret=secret)

    with caplog.at_level(0):
        response = backend.lease(store)

    canary = secret.secret.get_secret_value()
    assert response["Cache-Control"] == "no-store"
    assert canary not in caplog.text
    assert canary not in "".join(str(each) for each in AuditEntry.objects.values())
    assert canary not in "".join(str(each) for each in Lease.objects.values())


def test_the_record_of_a_lease_at_a_full_second_verifies(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    full_second = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)

    with time_machine.travel(full_second, tick=False):
        assert backend.lease(store).status_code == 201

    entry = AuditEntry.objects.get(action="lease.granted")
    assert entry.at - full_second == timedelta(microseconds=1)


def test_a_request_for_a_lease_is_expected_until_it_is_answered(
    backend: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = factories.keychain()
    key_of(store)
    told: list[str] = []
    for name in ("expect", "leave"):
        real = getattr(LEASING, name)
        monkeypatch.setattr(
            LEASING, name, lambda *given, real=real, name=name: (told.append(name), real(*given))
        )

    assert backend.get("/api/v1/stores").status_code == 200
    assert told == []

    assert backend.lease(store).status_code == 201
    assert (told[0], told[-1]) == ("expect", "leave")
