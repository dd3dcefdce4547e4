from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from onboarding.models import Case, Store, User
from tests.browser.shopper import assert_accessible, assert_fits, keep_picture, sign_in, window
from tests.onboarding.capacity.sales import lend
from tests.onboarding.cast import credential, merchant, person, signed_in, staff_member, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop() -> Store:
    made = store(merchant("Bike Shop", owner=person("owner")))
    key = credential(made)
    for minutes, permits in ((3, 118), (70, 96), (200, 40)):
        lend(key, permits=permits, at=timezone.now() - timedelta(minutes=minutes))
    return made


@pytest.fixture
def staff() -> User:
    return staff_member()


class Planner:
    """A merchant and staff around one sale; keeps a picture of each page and asks axe about it."""

    def __init__(self, *, name: str, merchant: Page, staff: Page, has_scripts: bool = True) -> None:
        self.name = name
        self.merchant = merchant
        self.staff = staff
        self.has_scripts = has_scripts

    def see(self, page: Page, what: str) -> None:
        keep_picture(page, f"planner-{self.name}-{what}")
        if self.has_scripts:
            assert_fits(page)
            assert_accessible(page)

    def plan(self, shop: Store) -> None:
        page = self.merchant
        sign_in(page, "owner@example.test")
        page.wait_for_url("**/stores/**")
        page.goto(f"/stores/{shop.pk}/sale/")
        self.see(page, "01-empty")
        page.get_by_label("Visitors on that day").fill("many")
        page.get_by_role("button", name="Work it out").click()
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        self.see(page, "02-errors")
        page.get_by_label("Day of the sale").fill(
            (timezone.localdate() + timedelta(days=20)).isoformat()
        )
        page.get_by_label("Visitors on that day").fill("5.000")
        page.get_by_label("Orders on that day").fill("200")
        page.get_by_label("How much of it comes through the app").fill("40")
        page.get_by_role("button", name="Work it out").click()
        expect(page.get_by_role("heading", name="Your sale needs 5 keys")).to_be_visible()
        self.see(page, "03-plan")
        page.get_by_label("Anything we should know?").fill("A newsletter goes out at eight.")
        page.get_by_role("button", name="Request an investigation").click()
        expect(page.get_by_role("heading", name="Our staff are looking into it")).to_be_visible()
        self.see(page, "04-asked")

    def answer(self) -> None:
        page = self.staff
        page.goto("/staff/cases/")
        self.see(page, "05-list")
        page.get_by_role("link", name="Bike Shop Amsterdam").click()
        self.see(page, "06-staff-case")
        page.get_by_label("Keys that we recommend").fill("3")
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("Your answer is sent.")).to_be_visible()
        self.see(page, "07-staff-answered")
        page.goto("/staff/cases/factors/")
        self.see(page, "08-factors")

    def read(self) -> None:
        page = self.merchant
        page.reload()
        expect(page.get_by_role("heading", name="Our staff recommend 3 keys")).to_be_visible()
        expect(page.get_by_text("Keys that we recommend: 3.")).to_be_visible()
        self.see(page, "09-answered")

    def close(self) -> None:
        page = self.staff
        Case.objects.update(sale_on=timezone.localdate())
        page.goto(f"/staff/cases/{Case.objects.get().pk}/")
        if self.has_scripts:
            page.get_by_text("Close the investigation").click()
        else:
            page.locator("summary", has_text="Close the investigation").click()
        page.get_by_label("The keys were enough").check()
        page.get_by_label("Visitors on the day").fill("4.800")
        page.get_by_label("What to remember").fill("Three keys carried it.")
        page.get_by_role("button", name="Close it").click()
        expect(page.get_by_text("The investigation is closed.")).to_be_visible()
        self.see(page, "10-staff-closed")
        self.merchant.reload()
        expect(self.merchant.get_by_text("The sale is over")).to_be_visible()
        self.see(self.merchant, "11-closed")

    def add(self, shop: Store) -> None:
        page = self.merchant
        page.get_by_role("button", name="Add 2 keys").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Open the Developers page")
        page.goto(f"/stores/{shop.pk}/sale/cases/{Case.objects.get().pk}/")


def in_the_panel(context: BrowserContext, url: str, staff: User) -> Page:
    """A page of a browser in which staff have signed in, second step included."""
    cookie = signed_in(staff).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
    return context.new_page()


@pytest.mark.parametrize(
    ("name", "width", "dark", "scripts"),
    [
        ("wide-light", 1280, False, True),
        ("narrow-dark", 320, True, True),
        ("no-script", 1280, True, False),
    ],
)
def test_a_sale_from_the_guess_to_what_really_happened(
    browser: Browser,
    live_server: LiveServer,
    shop: Store,
    staff: User,
    name: str,
    width: int,
    dark: bool,
    scripts: bool,
) -> None:
    look = {"width": width, "dark": dark, "scripts": scripts}
    with (
        window(browser, live_server.url, **look) as outside,  # type: ignore[arg-type]
        window(browser, live_server.url, **look) as inside,  # type: ignore[arg-type]
    ):
        sale = Planner(
            name=name,
            merchant=outside.new_page(),
            staff=in_the_panel(inside, live_server.url, staff),
            has_scripts=scripts,
        )
        sale.plan(shop)
        sale.answer()
        sale.read()
        sale.add(shop)
        sale.close()
