"""What a vendor announces of its keys, as a backend sees it."""

from datetime import UTC, datetime

import pytest

from keyvault import retirement, vault
from keyvault.audit import SYSTEM
from keyvault.models import Credential
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of
from tests.keyvault.renewal.vendor import FakeVendor, age, connected

pytestmark = pytest.mark.django_db

SOON = datetime(2026, 12, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, 8, 30, tzinfo=UTC)


def announce(*, is_refused: bool = False, link: str = "https://vendor.test/letter") -> None:
    retirement.announce(
        endpoint="ecom-eu1",
        kind="basic",
        deprecated_at=SOON,
        sunset_at=LATER,
        is_refused=is_refused,
        link=link,
        reason="The vendor refuses API keys since 1 January 2027.",
    )


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    retirement.forget_kept()


def test_nothing_announced_adds_nothing() -> None:
    store = factories.keychain()
    key_of(store)
    answer = Api(token_of()).lease(store)
    assert answer.status_code == 201
    assert not {"Deprecation", "Sunset"} & set(answer.headers)


def test_leases_of_affected_keys_carry_both_dates() -> None:
    store = factories.keychain()
    key_of(store)
    announce()
    answer = Api(token_of()).lease(store)
    assert answer.headers["Deprecation"] == f"@{int(SOON.timestamp())}"
    assert answer.headers["Sunset"] == "Fri, 01 Jan 2027 08:30:00 GMT"
    assert answer.headers["Link"].startswith("<https://vendor.test/letter>")


def test_a_plan_that_is_called_off_leaves_no_header() -> None:
    announce(link="")
    assert "Link" not in retirement.headers_for(endpoint="ecom-eu1/shop", kind="basic")
    retirement.withdraw(endpoint="ecom-eu1", kind="basic")
    assert retirement.headers_for(endpoint="ecom-eu1", kind="basic") == {}


def test_other_kinds_are_not_affected() -> None:
    announce()
    assert retirement.headers_for(endpoint="ecom-us1", kind="basic") == {}
    assert retirement.headers_for(endpoint="ecom-eu1", kind="bearer") == {}


def test_dates_that_are_open_are_left_out() -> None:
    retirement.announce(
        endpoint="ecom-eu1", kind="basic", deprecated_at=None, sunset_at=None, is_refused=False
    )
    assert retirement.headers_for(endpoint="ecom-eu1", kind="basic") == {}


@pytest.mark.django_db(transaction=True)
def test_refused_keys_are_gone_with_a_reason(vendor: FakeVendor) -> None:
    store = factories.keychain()
    key = key_of(store)
    announce(is_refused=True)
    vault.set_state(
        credential_id=key.pk,
        keychain_id=store.pk,
        to=Credential.State.SUSPENDED,
        actor=SYSTEM,
        reason="vendor-retired",
    )
    answer = Api(token_of()).lease(store)
    assert answer.status_code == 410
    assert answer.json()["type"] == "credential-retired"
    assert "1 January 2027" in answer.json()["detail"]
    connected(of=store)
    assert Api(token_of()).lease(store).json()["credential"]["type"] == "bearer"


@pytest.mark.django_db(transaction=True)
def test_a_store_without_such_a_key_has_another_problem(vendor: FakeVendor) -> None:
    announce(is_refused=True)
    assert Api(token_of()).lease(factories.keychain()).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_over_is_renewed_for_the_lease(vendor: FakeVendor) -> None:
    credential = connected()
    age(credential, to="stale")
    answer = Api(token_of()).lease(credential.keychain)
    assert answer.status_code == 201
    assert answer.json()["credential"]["access_token"].startswith("access-")
