import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Credential
from onboarding.models import Store, Submission, User
from onboarding.people.invitations import invite_person
from simulator.running import RunningSimulator
from tests.browser.shopper import assert_accessible, assert_fits, keep_picture, sign_in, window
from tests.onboarding.cast import merchant, person, signed_in, store
from tests.onboarding.submission.desk import Desk
from tests.onboarding.vendor import known_pair, pasted, without

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Walker:
    """Walks the whole way, keeping a picture of each page and asking axe about it."""

    def __init__(self, page: Page, *, name: str, has_scripts: bool = True) -> None:
        self.page = page
        self.name = name
        self.has_scripts = has_scripts

    def see(self, number: int, what: str) -> None:
        keep_picture(self.page, f"{self.name}-{number:02}-{what}")
        if self.has_scripts:
            assert_fits(self.page)
            assert_accessible(self.page)

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def expect_step(self, number: int, title: str) -> None:
        expect(self.page.get_by_text(f"Step {number} of 6", exact=True)).to_be_visible()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def answer_first_step(self) -> None:
        self.page.get_by_label("Yes, I am the owner").check()
        self.page.get_by_label("Yes", exact=True).check()
        self.page.get_by_label("Address of your Back Office").fill(
            "https://bike-shop.webshopapp.com/admin/"
        )
        self.click("Continue")

    def walk(self, simulator: RunningSimulator) -> None:
        page = self.page
        sign_in(page, "owner@example.test")
        expect(page.get_by_role("heading", name="Your app needs its first key")).to_be_visible()
        self.see(1, "empty-store")
        page.get_by_role("link", name="Add a key").click()
        self.expect_step(1, "Before you start")
        self.see(2, "before-you-start")
        self.click("Continue")
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        expect(page).to_have_title(re.compile("^Error:"))
        self.see(3, "unanswered")
        self.answer_first_step()
        self.expect_step(2, "Open the Developers page")
        self.see(4, "developers")
        self.click("Continue")
        self.expect_step(3, "Give the key a name")
        expect(page.locator("#suggested-name")).to_have_text("Bike App mobile")
        self.see(5, "name")
        self.click("Continue")
        self.expect_step(4, "Switch the key on and tick the boxes")
        self.see(6, "boxes")
        self.click("Continue")
        self.expect_step(5, "Copy and paste the key")
        self.see(7, "paste")
        weak = known_pair(simulator, lacking=("orders", "write"))
        page.get_by_label("API key").fill(weak.key.get_secret_value())
        page.get_by_label("API secret").fill(weak.secret.get_secret_value())
        self.click("Check this key")
        self.expect_step(6, "One box is not ticked")
        row = page.get_by_role("row", name="Orders")
        expect(row.get_by_role("cell").nth(0)).to_have_text("Allowed")
        expect(row.get_by_role("cell").nth(1)).to_have_text(
            'Missing: tick "Orders – Write" in your Back Office, then Save'  # noqa: RUF001
        )
        assert weak.secret.get_secret_value() not in page.content()
        self.see(8, "box-missing")
        simulator.put_key(key=weak.key.get_secret_value(), permissions=without(None))
        self.click("Check again")
        self.expect_step(6, "This key works")
        self.see(9, "works")
        assert not Credential.objects.exists()
        self.click("Store this key")
        expect(page.get_by_role("heading", name="OK: your app works")).to_be_visible()
        expect(page.get_by_text("The key is stored.")).to_be_visible()
        self.see(10, "store")
        assert Credential.objects.get().last_four == weak.key.get_secret_value()[-4:]


@pytest.fixture
def _owner() -> None:
    store(merchant("Bike Shop", owner=person("owner")))


@pytest.mark.usefixtures("_owner")
@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [("wide-light", 1280, False), ("narrow-dark", 320, True)],
)
def test_merchant_walks_from_sign_in_to_a_stored_key(
    browser: Browser,
    live_server: LiveServer,
    simulator: RunningSimulator,
    name: str,
    width: int,
    dark: bool,
) -> None:
    with window(browser, live_server.url, width=width, dark=dark) as context:
        Walker(context.new_page(), name=name).walk(simulator)


@pytest.mark.usefixtures("_owner")
def test_the_whole_way_works_without_javascript(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator
) -> None:
    with window(browser, live_server.url, scripts=False) as context:
        Walker(context.new_page(), name="no-script", has_scripts=False).walk(simulator)


@pytest.mark.usefixtures("_owner")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_check_under_way_shows_its_answer_by_itself(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator, scripts: bool
) -> None:
    at = Desk(client=signed_in(User.objects.get()), store=Store.objects.get())
    known = known_pair(simulator)
    at.paste(**pasted(known))
    pair, later = at.submission(), timezone.now() + timedelta(hours=1)
    rows = Submission.objects.filter(pk=pair.pk)
    rows.update(state="waiting", claimed_until=later, due_at=later)
    with window(browser, live_server.url, scripts=scripts) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.goto(f"{at.url}{pair.pk}/")
        expect(page.get_by_role("heading", level=1)).to_have_text("We are asking Lightspeed")
        rows.update(state="passed", claimed_until=None, due_at=None)
        expect(page.get_by_role("heading", level=1)).to_have_text("This key works", timeout=15_000)
        expect(page.get_by_role("button", name="Store this key")).to_be_visible()


@pytest.mark.usefixtures("_owner")
def test_whoever_stops_a_slow_check_can_send_the_form_again(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator
) -> None:
    known = known_pair(simulator)
    url = f"/stores/{Store.objects.get().pk}/keys/new/"
    with window(browser, live_server.url) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.goto(url)
        page.get_by_label("API key").fill(known.key.get_secret_value())
        page.get_by_label("API secret").fill(known.secret.get_secret_value())
        # The answer never comes, and the person presses the browser's Stop.
        page.route(f"**{url}", lambda _request: None)
        button = page.get_by_role("button", name="Check this key")
        with page.expect_request(f"**{url}"):
            button.click(no_wait_after=True)
        context.new_cdp_session(page).send("Page.stopLoading")
        expect(page.get_by_text("Checking with Lightspeed.")).to_have_count(0)
        page.unroute(f"**{url}")
        button.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This key works")


def test_a_double_click_takes_an_invitation_once(browser: Browser, live_server: LiveServer) -> None:
    owner = person("owner")
    invite_person(
        merchant=merchant("Bike Shop", owner=owner), email="new@example.test", invited_by=owner
    )
    invitation = re.search(r"/invitations/[\w-]+/", str(mail.outbox[-1].body))
    assert invitation
    with window(browser, live_server.url) as context:
        page = context.new_page()
        page.goto(invitation[0])
        page.get_by_label("Password").fill("correct horse battery")
        sent = []
        page.on("request", lambda each: sent.append(each) if each.method == "POST" else None)
        page.get_by_role("button", name="Make my account").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your stores")
    assert len(sent) == 1


@pytest.mark.usefixtures("_owner")
@pytest.mark.parametrize("dark", [True, False])
def test_what_is_chosen_is_seen_in_the_colours_of_the_system(
    browser: Browser, live_server: LiveServer, dark: bool
) -> None:
    url = f"/stores/{Store.objects.get().pk}/walkthrough/1/"
    with window(browser, live_server.url, dark=dark) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        page.emulate_media(forced_colors="active")
        page.goto(url)
        pictures = []
        for language in ("English", "Nederlands"):
            page.get_by_label(language, exact=True).check()
            page.get_by_label("How many keys").focus()
            pictures.append(page.get_by_label("English", exact=True).screenshot())
    chosen, not_chosen = pictures
    assert chosen != not_chosen
