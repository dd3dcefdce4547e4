"""Accounts and the panel in a real browser, with a virtual passkey."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Credential
from onboarding.people.invitations import invite_person
from onboarding.people.second_step import enrol_codes
from tests.browser.shopper import (
    NARROW,
    WIDE,
    assert_accessible,
    assert_fits,
    keep_picture,
    sign_in,
    window,
)
from tests.faults.browser import one_time_code
from tests.onboarding.cast import PASSWORD, credential, merchant, person, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Each width and each theme once: four would only take twice the time.
LOOKS = [(WIDE, False), (NARROW, True)]
STRANGERS_PAGES = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-none/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/none/",
    "/accounts/inactive/",
    "/invitations/none/",
    "/mails/stop/none/",
    "/help/",
    "/nowhere/",
]
OWN_PAGES = [
    "/accounts/",
    "/accounts/logout/",
    "/accounts/password/change/",
    "/accounts/email/",
    "/accounts/sessions/",
    "/accounts/notifications/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/reauthenticate/",
]
STAFF_PAGES = [
    "/staff/",
    "/staff/invite/",
    "/staff/mails/",
    "/staff/mails/invitation/nl/",
    "/staff/mails/invitation/nl/html/",
    "/staff/mails/keys-refused/en/html/",
    "/staff/onboarding/bouncedaddress/",
    "/staff/onboarding/store/",
    "/staff/onboarding/user/",
    "/staff/keyvault/credential/?q=nothing",
    "/staff/keyvault/auditentry/?action=credential.sealed",
]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def see(page: Page, name: str) -> None:
    keep_picture(page, f"accounts-{name}")
    assert_fits(page)
    assert_accessible(page)


def look_at(context: BrowserContext, page: Page, addresses: list[str], *, name: str) -> None:
    for address in addresses:
        page.goto(address)
        see(page, f"{name}-{address}")
    context.close()


def with_passkeys(page: Page) -> None:
    """A laptop with a fingerprint reader that always says yes."""
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_pages_before_and_after_signing_in_fit_and_are_accessible(
    browser: Browser, live_server: LiveServer, width: int, dark: bool
) -> None:
    company = merchant(owner=person("owner"))
    name = f"{width}-{'dark' if dark else 'light'}"
    context = window(browser, live_server.url, width=width, dark=dark)
    page = context.new_page()
    for address in STRANGERS_PAGES:
        page.goto(address)
        see(page, f"{name}-{address}")
    sign_in(page, "owner@example.test")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    look_at(context, page, [*OWN_PAGES, f"/merchants/{company.pk}/people/"], name=name)


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_staff_pages_fit_and_are_accessible(
    browser: Browser, live_server: LiveServer, width: int, dark: bool
) -> None:
    user = person("staff", is_staff=True, is_superuser=True)
    secret = enrol_codes(user=user).get_secret_value()
    credential(store(merchant(owner=person("owner"))))
    Credential.objects.update(state="suspended")
    context = window(browser, live_server.url, width=width, dark=dark)
    page = context.new_page()
    sign_in(page, user.email)
    page.get_by_label("Code").fill(one_time_code(secret))
    press(page, "Sign in")
    expect(page.get_by_text("1 app stands still")).to_be_visible()
    rows = [f"/staff/keyvault/credential/{Credential.objects.get().pk}/change/"]
    name = f"staff-{width}-{'dark' if dark else 'light'}"
    look_at(context, page, STAFF_PAGES + rows, name=name)


def test_errors_are_met_first_and_lead_to_their_fields(
    browser: Browser, live_server: LiveServer
) -> None:
    context = window(browser, live_server.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press(page, "Sign in")
    expect(page).to_have_title(re.compile("^Error: Sign in"))
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="Enter your password").click()
    expect(page.get_by_label("Password")).to_be_focused()
    see(page, "errors")
    context.close()


def test_codes_and_a_passkey_guard_an_account(browser: Browser, live_server: LiveServer) -> None:
    person("owner")
    context = window(browser, live_server.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    with_passkeys(page)
    sign_in(page, "owner@example.test")
    page.goto("/accounts/2fa/totp/activate/")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Confirm")
    see(page, "codes")
    page.get_by_label("Code").fill(one_time_code(page.locator("#totp-secret").inner_text().strip()))
    press(page, "Turn on")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    see(page, "recovery-codes")
    page.get_by_role("link", name="I have them").click()
    page.get_by_role("link", name="Add a passkey").click()
    see(page, "passkey")
    press(page, "Add this device")
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    press(page, "Sign out")
    sign_in(page, "owner@example.test")
    expect(page.get_by_role("heading", name="Your second step")).to_be_visible()
    see(page, "second-step")
    press(page, "Use a passkey")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    press(page, "Sign out")
    page.goto("/accounts/login/")
    press(page, "Use a passkey")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    context.close()


def test_a_passkey_that_does_not_come_is_said_where_it_was_asked_for(
    browser: Browser, live_server: LiveServer
) -> None:
    person("owner")
    context = window(browser, live_server.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    with_passkeys(page)
    sign_in(page, "owner@example.test")
    said = page.get_by_role("alert")
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Confirm")
    press(page, "Add this device")
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    page.goto("/accounts/2fa/webauthn/add/")
    expect(said).to_be_hidden()
    press(page, "Add this device")
    expect(said).to_have_text("This device holds a passkey for your account already.")
    see(page, "passkey-known")
    context.close()
    context = window(browser, live_server.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    with_passkeys(page)
    page.goto("/accounts/login/")
    press(page, "Use a passkey")
    expect(page.get_by_role("alert")).to_contain_text("No passkey came from your browser")
    see(page, "passkey-failed")
    context.close()


def test_without_scripts_the_page_says_why_a_passkey_does_nothing(
    browser: Browser, live_server: LiveServer
) -> None:
    context = window(browser, live_server.url, width=320, scripts=False)
    page = context.new_page()
    page.goto("/accounts/login/")
    press(page, "Use a passkey")
    assert "A passkey needs JavaScript" in page.locator("main").inner_text()
    expect(page.get_by_text("This field is required.")).to_have_count(0)
    context.close()


def test_who_has_a_passkey_is_asked_for_a_passkey(
    browser: Browser, live_server: LiveServer
) -> None:
    person("owner")
    context = window(browser, live_server.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    with_passkeys(page)
    sign_in(page, "owner@example.test")
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Confirm")
    press(page, "Add this device")
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    press(page, "Sign out")
    sign_in(page, "owner@example.test")
    press(page, "Use a passkey")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/accounts/reauthenticate/?next=/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Use a passkey").click()
    press(page, "Use a passkey")
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_invited_colleague_makes_an_account_and_acts(
    browser: Browser, live_server: LiveServer, scripts: bool
) -> None:
    owner = person("owner")
    company = merchant("Bike Shop", owner=owner)
    store(company)
    invite_person(merchant=company, email="new@example.test", invited_by=owner)
    link = re.search(r"/invitations/[\w-]+/", str(mail.outbox[0].body))[0]
    context = window(browser, live_server.url, scripts=scripts)
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Look after the keys of Bike Shop")
    keep_picture(page, f"accounts-invitation-{scripts}")
    page.get_by_label("Password").fill("short")
    press(page, "Make my account")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Make my account")
    expect(page.get_by_role("heading", name="Your app needs its first key")).to_be_visible()
    context.close()


def test_session_that_ends_soon_offers_to_stay(browser: Browser, live_server: LiveServer) -> None:
    person("owner")
    context = window(browser, live_server.url)
    page = context.new_page()
    page.clock.install()
    sign_in(page, "owner@example.test")
    page.goto("/accounts/")
    banner = page.get_by_role("alertdialog")
    expect(banner).to_be_hidden()
    page.clock.fast_forward("01:56:00")
    expect(banner).to_be_visible()
    see(page, "session-ends-soon")
    press(page, "Stay signed in")
    expect(banner).to_be_hidden()
    context.close()
