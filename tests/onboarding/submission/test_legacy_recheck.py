"""Stored R-Series keys of before OAuth are checked where they are at home."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pydantic import SecretStr
from pytest_django import Settings

from keyvault.audit import SYSTEM
from keyvault.models import Credential, CredentialCheck, Retirement
from keyvault.pool import budgets
from onboarding.models import Store, Verification
from onboarding.oauth.legacy import Result, add_key
from onboarding.submission.duties import NIGHTLY, RECHECKS
from onboarding.submission.services import verify_credential
from simulator.running import RunningSimulator
from tests.onboarding.cast import merchant, person, signed_in, staff_member, store

pytestmark = pytest.mark.django_db

KEY = "legacy-key-of-2015"
ACCOUNT = "100001"


@pytest.fixture
def vendor(simulator: RunningSimulator, settings: Settings) -> RunningSimulator:
    settings.LIGHTSPEED_OAUTH_ORIGIN = simulator.url_eu1
    simulator.retail(lambda each: each.put_key({"key": KEY, "account_id": ACCOUNT}))
    return simulator


def stored() -> Credential:
    shop = store(merchant(owner=person("owner")))
    assert add_key(store=shop, key=SecretStr(KEY), user=staff_member()) is Result.STORED
    return Credential.objects.get()


def outcome(credential: Credential) -> str:
    return verify_credential(credential=credential, actor=SYSTEM).outcome


def test_it_is_asked_about_at_r_series_by_one_request(vendor: RunningSimulator) -> None:
    credential = stored()
    asked = vendor.stats()["requests"]
    assert outcome(credential) == "passed"
    assert vendor.stats()["requests"] == asked + 1
    verification = Verification.objects.get()
    assert (verification.permissions, verification.cluster) == ({}, "eu1")
    (budget,) = budgets(credential_ids=[credential.pk])[credential.pk]
    assert budget.limit - budget.remaining == 2


def test_a_refused_key_is_suspended_and_recovers(vendor: RunningSimulator) -> None:
    credential = stored()
    vendor.retail(lambda each: each.put_key({"key": KEY, "account_id": ""}))
    assert outcome(credential) == "refused"
    assert credential.state == "suspended"
    vendor.retail(lambda each: each.put_key({"key": KEY, "account_id": ACCOUNT}))
    assert outcome(credential) == "passed"
    assert credential.state == "active"


def test_a_kind_that_was_retired_does_not_come_back(vendor: RunningSimulator) -> None:
    credential = stored()
    Credential.objects.update(state="suspended")
    Retirement.objects.create(endpoint="retail-r-key", kind="basic", is_refused=True)
    assert outcome(credential) == "passed"
    assert credential.state == "suspended"


@pytest.mark.parametrize(
    ("kind", "found"),
    [("500", "unavailable"), ("429", "throttled"), ("html", "unreadable")],
)
def test_silence_of_the_vendor_changes_nothing(
    vendor: RunningSimulator, kind: str, found: str
) -> None:
    credential = stored()
    vendor.add_fault(path="API/Account.json", kind=kind)
    assert outcome(credential) == found
    assert credential.state == "active"


def test_another_account_than_the_stores_is_told(vendor: RunningSimulator) -> None:
    credential = stored()
    Store.objects.update(shop_id=7)
    assert outcome(credential) == "other_shop"


def test_check_now_asks_r_series(vendor: RunningSimulator) -> None:
    credential = stored()
    client = signed_in(person("owner2"))
    url = f"/stores/{credential.keychain_id}/keys/{credential.pk}/check/"
    assert client.post(url).status_code == 404
    owner = Store.objects.get().merchant.members.get().user
    answer = signed_in(owner).post(url, follow=True)
    assert "works" in answer.content.decode()
    assert "0/12" not in answer.content.decode()


def test_every_night_it_is_asked_about(vendor: RunningSimulator) -> None:
    credential = stored()
    Credential.objects.update(checked_at=timezone.now() - timedelta(hours=25))
    NIGHTLY.run(timezone.now())
    assert CredentialCheck.objects.get().credential_id == credential.pk
    assert RECHECKS.run(timezone.now()) == 1
    assert Verification.objects.get().outcome == "passed"
