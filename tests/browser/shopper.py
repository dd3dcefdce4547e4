"""A person in front of a browser: opens pages, signs in, keeps pictures, asks axe."""

import json
import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import SCREENSHOTS
from tests.onboarding.cast import PASSWORD

SERIOUS = ("serious", "critical")
WIDE = 1280
NARROW = 320


def window(
    browser: Browser,
    url: str,
    *,
    width: int = WIDE,
    dark: bool = False,
    scripts: bool = True,
    language: str = "en-GB",
) -> BrowserContext:
    """A browser of its own, with nobody signed in."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        locale=language,
        reduced_motion="reduce",
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(15_000)
    return context


def sign_in(page: Page, email: str, *, language: str = "en") -> None:
    """By the sign-in page, as anybody would."""
    page.goto("/accounts/login/")
    assert page.locator("html").get_attribute("lang") == language
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main form[method=post] button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


def keep_picture(page: Page, name: str) -> Path:
    """A picture of the whole page in the git-ignored folder."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.jpg"
    page.screenshot(path=path, full_page=True, type="jpeg", quality=80)
    return path


def assert_accessible(page: Page) -> None:
    """axe finds nothing serious."""
    serious = _serious(page)
    assert not serious, f"{page.url}: {json.dumps(serious, indent=1)}"


def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways, so nobody scrolls in two directions."""
    wide, shown = _widths(page)
    assert wide <= shown, f"{page.url} is {wide} px wide in {shown}"


def what_is_wrong(page: Page, *, is_checked: bool = True) -> list[str]:
    """The same as a list, so that one look at many pages finds all of it.

    Args:
        page: as it stands.
        is_checked: whether axe is asked, too.
    """
    wide, shown = _widths(page)
    found = [f"{page.url} is {wide} px wide in {shown}"] if wide > shown else []
    serious = _serious(page) if is_checked else []
    return found + [f"{page.url} at {shown}: {json.dumps(each)}" for each in serious]


def _widths(page: Page) -> tuple[int, int]:
    wide, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return wide, shown


def _serious(page: Page) -> list[dict[str, object]]:
    found = Axe().run(page).response["violations"]
    return [
        {"rule": each["id"], "where": [node["target"] for node in each["nodes"]]}
        for each in found
        if each["impact"] in SERIOUS
    ]
