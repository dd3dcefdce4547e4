"""The main job, the planner and the people page by keyboard alone."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Credential
from onboarding.models import Invitation, Store
from simulator.running import RunningSimulator
from tests.browser.keyboard import Keyboard
from tests.browser.shopper import window
from tests.onboarding.cast import PASSWORD, credential, member, merchant, person, store
from tests.onboarding.vendor import known_pair, without

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Hundreds of key presses, each looked at.
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def shop() -> Store:
    return store(merchant("Bike Shop", owner=person("owner")))


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    with window(browser, live_server.url) as context:
        yield context.new_page()


def signed_in(page: Page) -> Keyboard:
    keys = Keyboard(page)
    page.goto("/accounts/login/")
    keys.skip_to_content()
    keys.fill(page.get_by_label("Email"), "owner@example.test")
    keys.fill(page.get_by_label("Password"), PASSWORD)
    keys.button("Sign in")
    page.wait_for_url("**/stores/**")
    return keys


def test_the_main_job_needs_no_mouse(page: Page, shop: Store, simulator: RunningSimulator) -> None:
    keys = signed_in(page)
    keys.skip_to_content()
    keys.link("Add a key")
    page.wait_for_url(re.compile(r"/walkthrough/1/$"))
    keys.button("Continue")
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    keys.press(summary.get_by_role("link").first)
    page.keyboard.press("Space")
    expect(page.get_by_label("Yes, I am the owner")).to_be_checked()
    keys.press(page.get_by_label("Yes", exact=True), "Space")
    keys.fill(page.get_by_label("Address of your Back Office"), "bike.webshopapp.com/admin/")
    keys.button("Continue")
    for step in (2, 3, 4):
        page.wait_for_url(re.compile(rf"/walkthrough/{step}/"))
        keys.button("Continue")
    _paste(keys, page, simulator)
    page.wait_for_url(re.compile(rf"/stores/{shop.pk}/(#.*)?$"))
    expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()
    assert Credential.objects.count() == 1
    assert keys.walk_through() > 10


def _paste(keys: Keyboard, page: Page, simulator: RunningSimulator) -> None:
    page.wait_for_url(re.compile("/keys/new/"))
    weak = known_pair(simulator, lacking=("orders", "write"))
    key = weak.key.get_secret_value()
    keys.fill(page.get_by_label("API key"), key)
    keys.fill(page.get_by_label("API secret", exact=True), weak.secret.get_secret_value())
    show = page.locator("[data-reveal]")
    keys.press(show, "Space")
    expect(show).to_have_attribute("aria-pressed", "true")
    keys.press(show, "Space")
    keys.button("Check this key")
    expect(page.get_by_role("heading", level=1)).to_have_text("One box is not ticked")
    simulator.put_key(key=key, permissions=without(None))
    keys.button("Check again")
    expect(page.get_by_role("heading", level=1)).to_have_text("This key works")
    keys.button("Store this key")


def test_a_sale_is_planned_without_a_mouse(page: Page, shop: Store) -> None:
    credential(shop)
    keys = signed_in(page)
    keys.link("Plan a sale")
    page.wait_for_url("**/sale/")
    day = timezone.localdate() + timedelta(days=20)
    keys.fill(page.get_by_label("Day of the sale"), f"{day:%d%m%Y}")
    keys.fill(page.get_by_label("Visitors on that day"), "5000")
    keys.fill(page.get_by_label("Orders on that day"), "200")
    keys.fill(page.get_by_label("How much of it comes through the app"), "40")
    keys.button("Work it out")
    expect(page.get_by_role("heading", name=re.compile("Your sale needs"))).to_be_visible()
    keys.fill(page.get_by_label("Anything we should know?"), "A newsletter goes out.")
    keys.button("Request an investigation")
    page.wait_for_url("**/cases/**")
    keys.fill(page.get_by_label("Your message"), "It lasts until midnight.")
    keys.button("Send")
    expect(page.get_by_text("It lasts until midnight.")).to_be_visible()
    assert keys.walk_through() > 5
    keys.button("Take the question back")
    expect(page.get_by_text("You have taken your question back.")).to_be_visible()


def test_people_are_looked_after_without_a_mouse(page: Page, shop: Store) -> None:
    member(shop.merchant, person("colleague"))
    keys = signed_in(page)
    keys.link("Account")
    page.wait_for_url("**/accounts/")
    keys.press(page.get_by_role("link", name=re.compile("^People")))
    page.wait_for_url("**/people/")
    assert keys.walk_through() > 5
    page.evaluate("document.activeElement.blur()")
    keys.fill(page.get_by_label("Email"), "new@example.test")
    keys.press(page.get_by_label("See and look after the keys"), "ArrowDown")
    expect(page.get_by_label("The same, and decide who else may")).to_be_checked()
    keys.button("Send the invitation")
    expect(page.get_by_text("new@example.test").first).to_be_visible()
    assert Invitation.objects.get().role == "owner"
    keys.press(page.get_by_role("button", name=re.compile("Take back")))
    expect(page.get_by_role("button", name=re.compile("Take back"))).to_have_count(0)
    keys.press(page.get_by_role("link", name=re.compile("^Remove")))
    page.wait_for_url("**/remove/")
    keys.button("Remove")
    page.wait_for_url("**/people/")
    assert shop.merchant.members.count() == 1
