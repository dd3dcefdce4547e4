"""Connect, deny, reconnect, disconnect, follow a plan, install the app, in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Credential, Grant
from lightspeed.oauth.install import APP_NAME
from onboarding.migration import plans
from onboarding.oauth.providers import register_client
from simulator.running import RunningSimulator
from tests.browser.shopper import assert_accessible, assert_fits, keep_picture, sign_in, window
from tests.onboarding.cast import PASSWORD, merchant, person, store
from tests.onboarding.migration.scene import migrating, plan, staff
from tests.onboarding.oauth.desk import opened

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def _vendor(simulator: RunningSimulator, settings: Settings) -> None:
    url = simulator.url_eu1
    settings.LIGHTSPEED_OAUTH_ORIGIN = url
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": f"{url}/",
        "retail-r-key": f"{url}/",
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
def test_the_banner_of_a_plan_leads_from_the_old_key_to_a_connection(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator
) -> None:
    opened()
    at = migrating(simulator)
    of = plan(keys_refused=timedelta(days=30))
    plans.activate(plan=of, user=staff())
    with window(browser, live_server.url) as context:
        page = context.new_page()
        sign_in(page, at.user.email)
        expect(page.get_by_text("Your key works until")).to_be_visible()
        see(page, "banner")
        page.get_by_role("link", name="Reconnect").click()
        expect(page.get_by_text("Without an interruption")).to_be_visible()
        page.get_by_label("What does your web shop run on?").select_option("magento")
        to_vendor(page)
        page.get_by_label(f"({at.store.shop_id})").check()
        click(page, "Approve")
        expect(page.get_by_text("Takes the place of")).to_be_visible()
        click(page, "Connect this account")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()
        expect(page.get_by_text("Your key works until")).to_have_count(0)
    at.store.refresh_from_db()
    assert at.store.platform == "magento"
    assert Credential.objects.filter(state="active").get().kind == "bearer"


def test_a_shop_installs_the_app_uninstalls_it_and_installs_it_again(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator
) -> None:
    app = simulator_app(simulator, root=live_server.url)
    store(merchant(owner=person("owner")))
    with window(browser, live_server.url) as context:
        page = context.new_page()

        def at_vendor(decision: str) -> None:
            page.goto(f"{simulator.url_eu1}/apps/install?app={app}")
            click(page, decision)

        at_vendor("Install")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Sign in to finish the installation"
        )
        see(page, "install-sign-in")
        page.get_by_role("link", name="Sign in", exact=True).last.click()
        page.get_by_label("Email").fill("owner@example.test")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        click(page, "Sign in")
        expect(page.get_by_text("We have not seen this shop yet")).to_be_visible()
        see(page, "install")
        click(page, "Check and connect")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()

        at_vendor("Uninstall")
        expect(page.get_by_role("heading", level=1)).to_have_text("The app is uninstalled")
        see(page, "uninstalled")
        assert not Credential.objects.filter(state="active").exists()

        page.goto("/stores/")
        page.get_by_text("Other ways to connect").click()
        page.get_by_role("link", name="Install our Lightspeed eCom app").click()
        click(page, "Install")
        click(page, "Check and connect")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()

        page.goto("/install/ecom/")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "We cannot tell that Lightspeed sent you"
        )
        see(page, "install-forged")


def simulator_app(simulator: RunningSimulator, *, root: str) -> str:
    """The operator's app, at the vendor and here; gives its key."""
    key, secret = "a" * 32, "browser-app-secret"
    simulator.put_app(
        key=key,
        secret=secret,
        success_url=f"{root}/install/ecom/",
        cancel_url=f"{root}/install/ecom/cancelled/",
        uninstall_url=f"{root}/install/ecom/uninstalled/",
    )
    register_client(
        provider=APP_NAME,
        client_id=key,
        secret=SecretStr(secret),
        is_open=True,
        user=staff(),
        start_url=f"{simulator.url_eu1}/apps/install?app={key}",
    )
    return key


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
