"""Every page of the merchant's side: both themes, the languages, wide and narrow, no script."""

import re

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from onboarding.models import User
from onboarding.people.invitations import invite_person
from onboarding.walkthrough.hand_over import create_hand_over
from simulator.running import RunningSimulator
from tests.browser.scene import Scene, scene
from tests.browser.shopper import NARROW, WIDE, keep_picture, sign_in, what_is_wrong, window
from tests.onboarding.cast import BY_TESTS, merchant, person, store

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Some sixty pages, each in two looks.
    pytest.mark.timeout(900),
    pytest.mark.django_db(transaction=True),
]

# Each width and each theme once a language, and each pair of them in one of the two.
LOOKS = {"en": [(WIDE, False), (NARROW, True)], "nl": [(WIDE, True), (NARROW, False)]}
# Wording that machines checked is photographed where it is most likely not to fit.
PHOTOGRAPHED = [(NARROW, False)]
PRINTED = ("permissions", "result-box-missing", "usage", "sale-plan")


def look_at(page: Page, *, name: str, language: str, is_checked: bool = True) -> list[str]:
    """One page in every look; gives what is wrong with it."""
    found = []
    for width, dark in LOOKS[language] if is_checked else PHOTOGRAPHED:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if dark else "light")
        keep_picture(page, f"{language}-{width}-{'dark' if dark else 'light'}--{name}")
        found += what_is_wrong(page, is_checked=is_checked)
    assert page.locator("html").get_attribute("lang") == language
    return found


def send_as_it_is(page: Page, url: str) -> None:
    """The form of a page, with nothing filled in."""
    page.goto(url)
    asking = "input:is([type=text], [type=email], [type=password], [type=radio]), textarea"
    form = page.locator(f"main form[method=post]:has({asking})").first
    form.locator("button[type=submit]").first.click()
    expect(page.locator(".error-summary")).to_be_visible()


def everything(page: Page, of: Scene, *, language: str, is_checked: bool) -> list[str]:
    found = []
    for name, url in of.pages.items():
        page.goto(url)
        found += look_at(page, name=name, language=language, is_checked=is_checked)
    for name, url in of.forms.items():
        send_as_it_is(page, url)
        found += look_at(page, name=name, language=language, is_checked=is_checked)
    return found


@pytest.mark.parametrize("language", ["en", "nl", "de", "fr"])
def test_every_page_of_a_merchant_fits_and_is_accessible(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator, language: str
) -> None:
    found = scene(simulator)
    User.objects.update(language=language)
    with window(browser, live_server.url, language=language) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test", language=language)
        wrong = everything(page, found, language=language, is_checked=language in LOOKS)
    assert not wrong, "\n".join(wrong)


def test_every_page_can_be_read_and_sent_without_javascript(
    browser: Browser, live_server: LiveServer, simulator: RunningSimulator
) -> None:
    found = scene(simulator)
    with window(browser, live_server.url, scripts=False) as context:
        page = context.new_page()
        sign_in(page, "owner@example.test")
        for name, url in found.pages.items():
            page.goto(url)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.locator("main [data-needs-script]:visible")).to_have_count(0)
            keep_picture(page, f"no-script--{name}")
        for name, url in found.forms.items():
            send_as_it_is(page, url)
            keep_picture(page, f"no-script--{name}")
        for name in PRINTED:
            page.goto(found.pages[name])
            page.emulate_media(media="print")
            keep_picture(page, f"print--{name}")


def strangers_pages() -> dict[str, str]:
    """What people see who are not signed in, links that work and links that are over among them."""
    owner = person("owner")
    company = merchant("Bike Shop", owner=owner)
    invite_person(merchant=company, email="new@example.test", invited_by=owner)
    invitation = re.search(r"/invitations/[\w-]+/", str(mail.outbox[-1].body))
    assert invitation
    shop = store(company)
    token = create_hand_over(store=shop, user=owner, actor=BY_TESTS)
    return {
        "login": "/accounts/login/",
        "signup-closed": "/accounts/signup/",
        "reset": "/accounts/password/reset/",
        "reset-done": "/accounts/password/reset/done/",
        "reset-over": "/accounts/password/reset/key/1-none/",
        "confirm": "/accounts/confirm-email/",
        "inactive": "/accounts/inactive/",
        "invitation": invitation[0],
        "invitation-over": "/invitations/none/",
        "hand-over": f"/hand-over/{token.get_secret_value()}/",
        "hand-over-over": "/hand-over/none/",
        "handed-back": "/hand-over/done/",
        "waiting-line": "/waiting/retail-r/",
        "stranger-help": "/help/",
        "stranger-nowhere": "/nowhere/",
    }


@pytest.mark.parametrize("language", ["en", "nl", "de", "fr"])
def test_every_page_of_a_stranger_fits_and_is_accessible(
    browser: Browser, live_server: LiveServer, language: str
) -> None:
    pages = strangers_pages()
    wrong = []
    is_checked = language in LOOKS
    with window(browser, live_server.url, language=language) as context:
        page = context.new_page()
        for name, url in pages.items():
            page.goto(url)
            wrong += look_at(page, name=name, language=language, is_checked=is_checked)
        for name in ("login", "reset", "invitation"):
            send_as_it_is(page, pages[name])
            wrong += look_at(page, name=f"{name}-errors", language=language, is_checked=is_checked)
    assert not wrong, "\n".join(wrong)
