"""Every page of the merchant's side, in both themes and languages, wide and narrow."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from keyvault.leases.backends import Scope, create_backend
from keyvault.models import BackendToken, Credential, Lease
from keyvault.models.lease import microseconds
from onboarding.models import User
from simulator.running import RunningSimulator
from tests.browser.shopper import assert_accessible, assert_fits, keep_picture, sign_in, window
from tests.onboarding.cast import BY_TESTS, pair
from tests.onboarding.submission.desk import Desk, desk
from tests.onboarding.vendor import OTHER_SHOP, known_pair, pasted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


SALE = {"visitors": "5000", "orders": "200", "app_percent": "40"}


def figures() -> dict[str, str]:
    day = timezone.localdate() + timedelta(days=30)
    return {"sale_on": day.isoformat(), **SALE}


def lend(credential: Credential, *, permits: int, minutes_ago: int) -> None:
    """A lease as the pool writes it."""
    token = BackendToken.objects.first() or _token()
    at_us = microseconds(timezone.now() - timedelta(minutes=minutes_ago))
    Lease.objects.create(
        key=credential.pool_key,
        token=token,
        permits=permits,
        counted=permits,
        granted_us=at_us,
        use_by_us=at_us + 2_000_000,
        expires_us=at_us + 9_000_000,
    )


def _token() -> BackendToken:
    create_backend(name="app", scopes=list(Scope), stores=None, days=1, actor=BY_TESTS)
    return BackendToken.objects.get()


def shown_result(at: Desk, **fields: str) -> str:
    at.paste(**fields)
    return f"{at.url}{at.submission().pk}/"


def pages_of(at: Desk, simulator: RunningSimulator) -> dict[str, str]:
    """Every state that a page can be in, brought about through the site itself."""
    stored = known_pair(simulator)
    rival = desk("rival", company="Rival")
    theirs = known_pair(simulator)
    rival.paste(**pasted(theirs))
    rival.press("store", rival.submission())
    at.paste(**pasted(stored))
    at.press("store", at.submission())
    old = at.submission().credential
    assert old is not None
    lend(old, permits=90, minutes_ago=30)
    again = known_pair(simulator)
    at.paste(replaces=str(old.pk), **pasted(again))
    at.press("store", at.submission())
    key = at.submission().credential
    assert key is not None
    for minutes in (2, 61, 130, 400):
        lend(key, permits=100, minutes_ago=minutes)
    base = f"/stores/{at.store.pk}/"
    at.client.post(f"{base}sale/", figures())
    half = known_pair(simulator).key.get_secret_value()
    found = {
        "refused": shown_result(at, **pasted(pair())),
        "other-shop": shown_result(at, **pasted(known_pair(simulator, shop_id=OTHER_SHOP))),
        "added-here": shown_result(at, **pasted(again)),
        "in-use-elsewhere": shown_result(at, **pasted(theirs)),
        "language": shown_result(at, **pasted(known_pair(simulator, language="fr"))),
        "works": shown_result(at, **pasted(known_pair(simulator))),
        "half": shown_result(at, key=half, secret="owner@example.test"),
    }
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    found["waiting"] = shown_result(at, **pasted(known_pair(simulator)))
    return {
        **found,
        "store": base,
        "usage": f"{base}usage/",
        "activity": f"{base}activity/",
        "remove": f"{base}keys/{key.pk}/remove/",
        "plan": f"{base}sale/?" + "&".join(f"{name}={text}" for name, text in figures().items()),
        "case": f"{base}sale/cases/{at.store.cases.get().pk}/",
        "print": f"{base}walkthrough/permissions/",
        "someone-else": f"{base}walkthrough/someone-else/",
        "no-api-access": f"{base}walkthrough/no-api-access/",
        "paste": at.url,
    }


@pytest.mark.parametrize(
    ("name", "width", "dark", "language"),
    [
        ("pages-wide-light-en", 1280, False, "en"),
        ("pages-narrow-dark-nl", 320, True, "nl"),
    ],
)
def test_every_page_fits_and_is_accessible(
    browser: Browser,
    live_server: LiveServer,
    simulator: RunningSimulator,
    name: str,
    width: int,
    dark: bool,
    language: str,
) -> None:
    at = desk()
    pages = pages_of(at, simulator)
    User.objects.update(language=language)
    with window(browser, live_server.url, width=width, dark=dark) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.wait_for_url("**/stores/**")
        for what, url in pages.items():
            page.goto(url)
            assert page.locator("html").get_attribute("lang") == language
            keep_picture(page, f"{name}-{what}")
            assert_fits(page)
            assert_accessible(page)
