"""Reconnecting in place, disconnecting, and what the store page says."""

import re

import pytest
from django.core import mail
from django.utils import timezone
from pydantic import SecretStr
from pytest_django import Settings

from keyvault.models import Credential, Grant
from keyvault.renewal import renew
from onboarding.models import Store
from onboarding.oauth.duties import LOSSES
from onboarding.oauth.legacy import Result, add_key
from simulator.running import RunningSimulator
from tests.onboarding.cast import signed_in, staff_member
from tests.onboarding.oauth.desk import Desk, desk, opened, overdue

pytestmark = pytest.mark.django_db

KEY = "legacy-key-2016-0001"


def legacy(at: Desk, *, account: str = "100001") -> Credential:
    """The store's R-Series key of before."""
    at.simulator.retail(lambda each: each.put_key({"key": KEY, "account_id": account}))
    assert add_key(store=at.store, key=SecretStr(KEY), user=staff_member()) is Result.STORED
    at.store.refresh_from_db()
    return Credential.objects.get(keychain_id=at.store.pk)


def store_page(at: Desk) -> str:
    return at.client.get(f"/stores/{at.store.pk}/").content.decode()


def test_reconnecting_takes_the_place_of_the_old_grant(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    old = at.connect()
    new = at.connect()
    old.refresh_from_db()
    assert old.pk != new.pk
    assert old.keychain_id == new.keychain_id
    assert (old.state, new.state) == ("replaced", "active")
    assert Grant.objects.get(pk=old.pk).state == Grant.State.ENDED


def test_reconnecting_a_lost_grant_mends_it(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    old = at.connect("retail-x")
    Grant.objects.update(state=Grant.State.LOST, sealed_refresh=b"", due_at=None)
    Credential.objects.update(state=Credential.State.SUSPENDED)
    assert "Broken: your connection is over" in store_page(at)
    at.connect("retail-x")
    old.refresh_from_db()
    assert old.state == "replaced"
    assert "OK: your app works" in store_page(at)


def test_another_account_than_the_stores_is_refused_and_named(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    at.connect()
    consent = at.go(account="100002")
    assert consent.outcome == "wrong_account"
    assert "Second Shop" in at.show(consent)
    assert at.stored() == 1


def test_a_refused_reconnection_leaves_the_connection_alone(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    credential = at.connect()
    at.go(without="employee:customers")
    overdue(credential)
    renew(credential_id=credential.pk)
    assert Grant.objects.get().generation == 2


def test_a_merchant_migrates_from_a_key_in_place(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    key = legacy(at)
    assert Store.objects.get().shop_id == 100001
    page = at.client.get(f"/stores/{at.store.pk}/connect/retail-r/").content.decode()
    assert "Without an interruption" in page
    consent = at.go()
    assert "0001" in at.show(consent)
    key.refresh_from_db()
    assert key.state == "active"
    at.answer(consent, yes="1")
    key.refresh_from_db()
    assert key.state == "replaced"
    assert Credential.objects.get(kind="bearer").state == "active"


def test_a_key_and_its_connection_belong_to_one_account(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    legacy(at)
    assert at.go(account="100002").outcome == "wrong_account"


def test_disconnecting_ends_it_here_and_there(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    credential = at.connect()
    url = f"/stores/{at.store.pk}/connections/{credential.pk}/disconnect/"
    alive = vendor.retail(lambda each: each.grants())["alive"]
    assert "Your app stops" in at.client.get(url).content.decode()
    assert "Disconnected" in at.client.post(url, follow=True).content.decode()
    credential.refresh_from_db()
    assert (credential.state, bytes(credential.sealed)) == ("revoked", b"")
    assert vendor.retail(lambda each: each.grants())["alive"] == int(str(alive)) - 1
    assert at.client.get(url).status_code == 302


def test_a_vendor_that_is_down_disconnects_nothing(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    credential = at.connect()
    vendor.add_fault(path="auth/oauth/revoke", kind="500")
    url = f"/stores/{at.store.pk}/connections/{credential.pk}/disconnect/"
    assert "did not confirm it" in at.client.post(url).content.decode()
    credential.refresh_from_db()
    assert credential.state == "active"


def test_who_disconnected_may_choose_another_account(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    credential = at.connect()
    at.client.post(f"/stores/{at.store.pk}/connections/{credential.pk}/disconnect/")
    assert at.connect(account="100002").state == "active"


def test_ways_to_connect_are_folded_away_and_only_those_that_are_left(
    vendor: RunningSimulator,
) -> None:
    at = desk(vendor)
    assert "Other ways to connect" not in store_page(at)
    opened()
    assert "Connections" not in store_page(at)
    fold = "</summary>(.*?)</details>"
    for left in (["retail-r", "retail-x"], ["retail-x"]):
        page = store_page(at)
        (ways,) = re.findall(f"Other ways to connect{fold}", page, re.DOTALL)
        assert re.findall(r"/connect/([\w-]+)/", ways) == left
        at.connect()
    assert "Connections" in store_page(at)


def test_the_store_page_says_how_a_connection_stands(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    assert "Connect Lightspeed Retail (R-Series)" in store_page(at)
    at.connect()
    assert "OK: your app works" in store_page(at)
    Grant.objects.update(scopes="employee:inventory")
    page = store_page(at)
    assert "Act: reconnect" in page
    assert "Sales, Customers" in page
    Grant.objects.update(state=Grant.State.LOST)
    assert "Act by" in store_page(at)
    Credential.objects.update(valid_until=timezone.now())
    assert "Broken" in store_page(at)


def test_a_suspended_connection_is_broken_and_unknown_scopes_are_not_missing(
    vendor: RunningSimulator,
) -> None:
    opened()
    at = desk(vendor)
    at.connect()
    Grant.objects.update(scopes="")
    assert "OK: your app works" in store_page(at)
    Credential.objects.update(state=Credential.State.SUSPENDED)
    assert "Broken: your connection is over" in store_page(at)


def test_a_lost_connection_is_told_once_and_says_why(
    vendor: RunningSimulator, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()
    opened()
    at = desk(vendor)
    at.connect("retail-x")
    now = timezone.now()
    assert LOSSES.run(now) == 0
    Grant.objects.update(state=Grant.State.LOST, problem="refused")
    assert LOSSES.run(now) == 1
    assert LOSSES.run(now) == 0
    (letter,) = mail.outbox
    assert letter.to == [at.user.email]
    assert "works until" in letter.body
    assert "was lost on its way" in letter.body
    assert f"/stores/{at.store.pk}/connect/retail-x/" in letter.body
    Grant.objects.update(told_at=None)
    Credential.objects.update(valid_until=now)
    LOSSES.run(now)
    assert "cannot use it any more" in mail.outbox[-1].body


def test_staff_see_connections_that_need_a_look(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    at.connect()
    staff = signed_in(staff_member("looking"))
    assert "need a look" not in staff.get("/staff/providers/").content.decode()
    Grant.objects.update(state=Grant.State.UNKNOWN, problem="unavailable.timeout")
    page = staff.get("/staff/providers/").content.decode()
    assert "outcome unknown" in page
    assert "unavailable.timeout" in page
