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


def sign_in(page: Page, email: str) -> None:
    """By the sign-in page, as anybody would."""
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def keep_picture(page: Page, name: str) -> Path:
    """A picture of the whole page in the git-ignored folder."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"
    page.screenshot(path=path, full_page=True)
    return path


def assert_accessible(page: Page) -> None:
    """axe finds nothing serious."""
    found = Axe().run(page).response["violations"]
    serious = [
        {"rule": each["id"], "where": [node["target"] for node in each["nodes"]]}
        for each in found
        if each["impact"] in SERIOUS
    ]
    assert not serious, f"{page.url}: {json.dumps(serious, indent=1)}"


def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways, so nobody scrolls in two directions."""
    wide, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= shown, f"{page.url} is {wide} px wide in {shown}"
