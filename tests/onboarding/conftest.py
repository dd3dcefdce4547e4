"""The stand-in vendor for every test of the browser side."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from simulator.running import RunningSimulator


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
