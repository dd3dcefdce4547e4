"""A real browser against a real server and the stand-in vendor."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from pytest_django import Settings

from simulator.running import RunningSimulator

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"


# No longer than a module: while Playwright runs, this thread has an event loop, which would be in
# the way of other tests that start one.
@pytest.fixture(scope="module")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    """Chromium from the PATH, else the one that Playwright has installed."""
    path = shutil.which("chromium")
    browser = _playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def _running() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def simulator(_running: RunningSimulator, settings: Settings) -> RunningSimulator:
    """The vendor: the site's addresses lead to it; nothing of another test is left."""
    _running.reset()
    settings.KEYVAULT_ENDPOINTS = {
        "ecom-eu1": f"{_running.url_eu1}/",
        "ecom-us1": f"{_running.url_us1}/",
    }
    settings.LIGHTSPEED_ALLOWED_ADDRESSES = [
        url.removeprefix("http://") for url in (_running.url_eu1, _running.url_us1)
    ]
    return _running
