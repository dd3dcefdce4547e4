"""Connect, deny, leave a permission out, reconnect and disconnect, in a real browser."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Credential, Grant
from simulator.running import RunningSimulator
from tests.browser.shopper import assert_accessible, assert_fits, keep_picture, sign_in, window
from tests.onboarding.cast import merchant, person, store
from tests.onboarding.oauth.desk import opened

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def _vendor(simulator: RunningSimulator, settings: Settings) -> None:
    url = simulator.url_eu1
    settings.LIGHTSPEED_OAUTH_ORIGIN = url
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": f"{url}/",
        "retail-x": f"{url}/",
    }


def see(page: Page, name: str) -> None:
    keep_picture(page, f"oauth-{name}")
    assert_fits(page)
    assert_accessible(page)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def to_vendor(page: Page, title: str = "Lightspeed Retail (R-Series)") -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Connect {title}")
    click(page, "Go to Lightspeed")
    expect(page.get_by_text("A simulated vendor.")).to_be_visible()


@pytest.mark.usefixtures("_vendor")
def test_a_merchant_denies_connects_reconnects_and_disconnects(
    browser: Browser, live_server: LiveServer
) -> None:
    opened()
    store(merchant(owner=person("owner")))
    with window(browser, live_server.url) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.get_by_text("Other ways to connect").click()
        page.get_by_role("link", name="Connect Lightspeed Retail (R-Series)").click()
        see(page, "connect")

        to_vendor(page)
        click(page, "Deny")
        expect(page.get_by_role("heading", level=1)).to_have_text("You did not approve access")
        see(page, "denied")

        click(page, "Connect again")
        expect(page.get_by_text("A simulated vendor.")).to_be_visible()
        page.get_by_label("employee:register").uncheck()
        click(page, "Approve")
        expect(page.get_by_role("heading", level=1)).to_have_text("Some permissions are missing")
        see(page, "scope-missing")
        assert not Credential.objects.exists()

        click(page, "Connect again")
        click(page, "Approve")
        expect(page.get_by_role("heading", level=1)).to_have_text("Check your connection")
        expect(page.get_by_text("Corner Shop")).to_be_visible()
        see(page, "check")
        click(page, "Connect this account")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()
        see(page, "store")
        first = Grant.objects.get()

        page.get_by_role("link", name="Reconnect").click()
        to_vendor(page)
        page.get_by_label("Second Shop (100002)").check()
        click(page, "Approve")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "That is another Lightspeed account"
        )
        see(page, "another-account")
        click(page, "Connect again")
        click(page, "Approve")
        click(page, "Connect this account")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()
        first.refresh_from_db()
        assert first.state == Grant.State.ENDED
        assert Credential.objects.filter(state="active").count() == 1

        page.get_by_role("link", name="Disconnect").click()
        see(page, "disconnect")
        click(page, "Disconnect")
        expect(page.get_by_role("heading", name="Your app needs its first key")).to_be_visible()
        assert not Credential.objects.filter(state="active").exists()


@pytest.mark.usefixtures("_vendor")
def test_connecting_works_without_scripts(browser: Browser, live_server: LiveServer) -> None:
    opened()
    store(merchant(owner=person("owner")))
    with window(browser, live_server.url, scripts=False) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.get_by_text("Other ways to connect").click()
        page.get_by_role("link", name="Connect Lightspeed Retail (X-Series)").click()
        to_vendor(page, "Lightspeed Retail (X-Series)")
        click(page, "Approve")
        click(page, "Connect this account")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()


@pytest.mark.usefixtures("_vendor")
def test_a_closed_vendor_leads_into_the_waiting_line(
    browser: Browser, live_server: LiveServer
) -> None:
    opened(is_open=False)
    with window(browser, live_server.url) as context:
        page = context.new_page()
        page.goto("/waiting/retail-r/")
        see(page, "waiting-line")
        page.get_by_label("Company").fill("Corner Shop")
        page.get_by_label("E-mail address").fill("corner@example.test")
        page.get_by_label("What does your web shop run on?").select_option("shopify")
        click(page, "Join")
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
        see(page, "joined")
