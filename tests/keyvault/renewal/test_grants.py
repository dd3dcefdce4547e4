"""Beginning, replacing and ending a grant; lending its token."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from pydantic import SecretStr
from pytest_django import Settings

from keyvault import pool
from keyvault.audit import SYSTEM
from keyvault.endpoints import address_of, endpoint_name
from keyvault.errors import (
    DuplicateCredentialError,
    NoCredentialError,
    RefreshFailedError,
    StateError,
    UnknownRecordError,
)
from keyvault.leases import LeaseAsk, issue_lease
from keyvault.models import Credential, Grant
from keyvault.renewal import end_grant, freshen, renew, renew_due
from keyvault.renewal.renewing import Outcome, suspend_lost
from keyvault.vault import AccessTokenSecret, replace_token, store_token
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of
from tests.keyvault.renewal.vendor import FakeVendor, age, claimed, connected

pytestmark = pytest.mark.django_db
# A lease that is denied is recorded in a transaction of its own; threads see what is committed.
committed = pytest.mark.django_db(transaction=True)


def lend(credential: Credential) -> str:
    lease = issue_lease(
        digest=Api(token_of()).digest, keychain_id=credential.keychain_id, ask=LeaseAsk(permits=1)
    )
    assert lease.credential.id == credential.pk
    assert isinstance(lease.credential.secret, AccessTokenSecret)
    return lease.credential.secret.access_token.get_secret_value()


def test_a_connected_store_lends_its_access_token(vendor: FakeVendor) -> None:
    assert lend(connected()).startswith("access-")


def test_the_request_that_identified_the_account_counts() -> None:
    credential = connected()
    (budget,) = pool.budgets(credential_ids=[credential.pk])[credential.pk]
    assert (budget.limit, budget.remaining) == (90, 89)


@committed
def test_a_token_that_is_over_is_not_lent_until_it_is_renewed(vendor: FakeVendor) -> None:
    credential = connected()
    before = lend(credential)
    age(credential, to="stale")
    with pytest.raises(NoCredentialError):
        lend(credential)
    assert freshen(keychain_id=credential.keychain_id)
    assert lend(credential) != before
    assert vendor.calls == 1


def test_keys_beside_a_stale_token_go_on_being_lent() -> None:
    credential = connected()
    age(credential, to="stale")
    key = key_of(credential.keychain)
    lease = issue_lease(
        digest=Api(token_of()).digest, keychain_id=credential.keychain_id, ask=LeaseAsk(permits=1)
    )
    assert lease.credential.id == key.pk


def test_who_looks_after_another_process_has_renewed_is_served_without_asking(
    vendor: FakeVendor,
) -> None:
    assert freshen(keychain_id=connected().keychain_id)
    assert vendor.calls == 0


def test_a_store_without_a_grant_has_nothing_to_freshen(vendor: FakeVendor) -> None:
    keychain = connected().keychain
    Grant.objects.all().delete()
    key_of(keychain)
    assert not freshen(keychain_id=keychain.pk)
    assert vendor.calls == 0


@committed
def test_who_comes_beside_the_first_of_a_process_costs_no_query(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    queries: list[str] = []
    served: list[bool] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    def come() -> None:
        with connection.execute_wrapper(note):
            served.append(freshen(keychain_id=credential.keychain_id, wait_seconds=0))

    def beside() -> None:
        caller = threading.Thread(target=come)
        caller.start()
        caller.join()

    vendor.during.append(beside)
    assert freshen(keychain_id=credential.keychain_id)
    assert (served, queries, vendor.calls) == ([False], [], 1)


def test_who_looked_before_the_commit_does_not_ask_again(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    others: list[Outcome] = []

    def overtake(execute: Any, sql: str, *rest: Any) -> Any:
        if "keyvault_providerbreaker" in sql and not others:
            others.append(Outcome.BUSY)
            others.append(renew(credential_id=credential.pk))
        return execute(sql, *rest)

    with connection.execute_wrapper(overtake):
        assert freshen(keychain_id=credential.keychain_id)
    assert others[1] is Outcome.RENEWED
    assert vendor.calls == 1


def test_freshening_gives_up_when_the_vendor_is_down(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    vendor.accidents = ["down"]
    assert not freshen(keychain_id=credential.keychain_id)


def test_freshening_a_lost_grant_says_no(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    vendor.live.clear()
    assert not freshen(keychain_id=credential.keychain_id)
    assert not freshen(keychain_id=credential.keychain_id)
    assert vendor.calls == 1


def test_freshening_waits_for_whoever_asks_already_but_not_for_ever(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    assert claimed(credential)
    assert not freshen(keychain_id=credential.keychain_id, wait_seconds=0.05)
    soon = timezone.now() + timedelta(seconds=0.05)
    Grant.objects.filter(pk=credential.pk).update(claimed_until=soon)
    assert freshen(keychain_id=credential.keychain_id)


def test_a_refused_token_is_renewed_but_not_twice_in_a_row(vendor: FakeVendor) -> None:
    credential = connected()
    Credential.objects.filter(pk=credential.pk).update(state=Credential.State.SUSPENDED)
    assert not freshen(keychain_id=credential.keychain_id)
    before = timezone.now() - timedelta(minutes=2)
    Grant.objects.filter(pk=credential.pk).update(renewed_at=before)
    assert freshen(keychain_id=credential.keychain_id)
    credential.refresh_from_db()
    assert credential.state == Credential.State.ACTIVE


def test_an_account_is_connected_once() -> None:
    store = factories.keychain()
    connected(of=store)
    with pytest.raises(DuplicateCredentialError) as here:
        connected(of=store)
    with pytest.raises(DuplicateCredentialError) as elsewhere:
        connected()
    assert (here.value.in_same_keychain, elsewhere.value.in_same_keychain) == (True, False)


def test_reconnecting_retires_the_old_credential_in_place(vendor: FakeVendor) -> None:
    store = factories.keychain()
    old = connected(of=store)
    lend(old)
    new = connected(of=store, replaces=(old.pk,))
    old.refresh_from_db()
    assert (old.state, new.state) == (Credential.State.REPLACED, Credential.State.ACTIVE)
    grant = Grant.objects.get(pk=old.pk)
    assert (grant.state, grant.due_at, bytes(grant.sealed_refresh)) == ("ended", None, b"")
    assert lend(new)


def test_a_key_of_before_is_retired_by_a_grant() -> None:
    store = factories.keychain()
    key = key_of(store)
    connected(of=store, replaces=(key.pk,))
    key.refresh_from_db()
    assert key.state == Credential.State.REPLACED


def test_replacing_what_is_not_there_stores_nothing() -> None:
    store = factories.keychain()
    with pytest.raises(UnknownRecordError):
        connected(of=store, replaces=(store.pk,))
    assert not Credential.objects.exists()


def test_disconnecting_revokes_and_then_shreds(vendor: FakeVendor) -> None:
    credential = connected()
    end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)
    credential.refresh_from_db()
    grant = Grant.objects.get(pk=credential.pk)
    assert vendor.revoked
    assert (credential.state, bytes(credential.sealed)) == (Credential.State.REVOKED, b"")
    assert (grant.state, bytes(grant.sealed_refresh)) == (Grant.State.ENDED, b"")
    with pytest.raises(UnknownRecordError):
        end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)


def test_a_vendor_that_does_not_confirm_leaves_everything_as_it_was(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.accidents = ["down"]
    with pytest.raises(RefreshFailedError):
        end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)
    assert lend(credential)
    assert Grant.objects.get(pk=credential.pk).claimed_until is None


def test_a_grant_that_the_vendor_has_ended_can_be_disconnected(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.live.clear()
    end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)
    assert Grant.objects.get(pk=credential.pk).state == Grant.State.ENDED


def test_a_lost_grant_can_be_disconnected_without_asking(vendor: FakeVendor) -> None:
    credential = connected()
    Grant.objects.filter(pk=credential.pk).update(state=Grant.State.LOST, sealed_refresh=b"")
    end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)
    assert vendor.revoked == []


def test_a_grant_under_renewal_is_not_disconnected_meanwhile(vendor: FakeVendor) -> None:
    credential = connected()
    claimed(credential)
    with pytest.raises(StateError):
        end_grant(credential_id=credential.pk, keychain_id=credential.keychain_id, actor=SYSTEM)


def test_another_store_disconnects_nothing() -> None:
    credential = connected()
    with pytest.raises(UnknownRecordError):
        end_grant(credential_id=credential.pk, keychain_id=factories.keychain().pk, actor=SYSTEM)


def test_due_grants_are_renewed_ahead_of_time(vendor: FakeVendor) -> None:
    credential, other = connected(), connected(account="100002")
    now = timezone.now()
    assert renew_due(now) == 0
    age(credential, to="due")
    assert renew_due(now) == 1
    assert vendor.calls == 1
    assert Grant.objects.get(pk=other.pk).generation == 1


def test_a_lost_grant_is_suspended_when_its_last_token_is_over(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.live.clear()
    age(credential, to="due")
    renew_due(timezone.now())
    assert lend(credential)
    age(credential, to="stale")
    assert renew_due(timezone.now()) == 1
    credential.refresh_from_db()
    assert credential.state == Credential.State.SUSPENDED
    assert renew_due(timezone.now()) == 0


def test_two_workers_suspend_a_lost_grant_once(vendor: FakeVendor) -> None:
    credential = connected()
    grant = age(credential, to="stale")
    Grant.objects.filter(pk=credential.pk).update(state=Grant.State.LOST)
    assert suspend_lost(grant=grant, now=timezone.now())
    assert not suspend_lost(grant=grant, now=timezone.now())


def test_a_suspended_and_lost_grant_stays_suspended(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    Grant.objects.filter(pk=credential.pk).update(state=Grant.State.LOST)
    Credential.objects.filter(pk=credential.pk).update(state=Credential.State.PAUSED)
    assert renew_due(timezone.now()) == 1
    credential.refresh_from_db()
    assert credential.state == Credential.State.PAUSED


def test_a_grant_that_cannot_be_opened_holds_up_nobody(
    vendor: FakeVendor, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = connected(), connected(account="100002")
    age(broken, to="due")
    age(good, to="due")
    Grant.objects.filter(pk=broken.pk).update(sealed_refresh=b"\x01\x01" + b"x" * 40)
    assert renew_due(timezone.now()) == 2
    assert Grant.objects.get(pk=good.pk).generation == 2
    assert Grant.objects.get(pk=broken.pk).problem == "tampered-secret"
    assert renew_due(timezone.now()) == 0


@committed
def test_several_are_renewed_at_the_same_time(vendor: FakeVendor, settings: Settings) -> None:
    settings.KEYVAULT_RENEWAL_THREADS = 3
    stores = [connected(account=str(number)) for number in range(6)]
    for each in stores:
        age(each, to="due")
    assert renew_due(timezone.now()) == 6
    assert set(Grant.objects.values_list("generation", flat=True)) == {2}


@committed
def test_fifty_callers_ask_once(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    served: list[bool] = []

    def call() -> None:
        try:
            served.append(freshen(keychain_id=credential.keychain_id))
        finally:
            connection.close()

    callers = [threading.Thread(target=call) for _ in range(50)]
    vendor.during.append(lambda: [each.start() for each in callers])
    assert freshen(keychain_id=credential.keychain_id)
    for each in callers:
        each.join()
    assert vendor.calls == 1
    assert len(served) == 50
    # Who came after the commit found nothing to do; nobody was refused.
    assert Grant.objects.get().generation == 2


@pytest.mark.parametrize("shop", ["a.b", "-a", "A", "a/b", "x" * 64, "a:1", "@"])
def test_a_shop_is_one_label_of_a_host_name(shop: str, settings: Settings) -> None:
    settings.KEYVAULT_ENDPOINTS = {"x": "https://{shop}.retail.test/"}
    with pytest.raises(ValueError, match="host name"):
        endpoint_name(name="x", shop=shop)
    with pytest.raises(ValueError, match="host name"):
        address_of(f"x/{shop}")
    assert address_of(endpoint_name(name="x", shop="a-1")) == "https://a-1.retail.test/"


@pytest.mark.parametrize("version", [1, 7])
def test_a_credential_that_was_removed_or_changed_takes_no_token(version: int) -> None:
    credential = connected()
    state = Credential.State.REVOKED if version == 1 else Credential.State.ACTIVE
    Credential.objects.filter(pk=credential.pk).update(version=version, state=state)
    with pytest.raises(StateError):
        replace_token(
            credential=credential,
            secret=AccessTokenSecret(SecretStr("next")),
            valid_until=timezone.now(),
        )


def test_a_row_that_breaks_another_rule_is_no_duplicate(vendor: FakeVendor) -> None:
    with pytest.raises(IntegrityError):
        store_token(
            keychain_id=factories.keychain().pk,
            secret=AccessTokenSecret(SecretStr("token")),
            fingerprint="f",
            name=None,  # type: ignore[arg-type]  # what the database refuses
            endpoint="retail-r",
            limits=((90, 90),),
            valid_until=timezone.now(),
            actor=SYSTEM,
        )
