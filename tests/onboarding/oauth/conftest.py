import pytest
from pytest_django import Settings

from simulator.retail.clients import DEFAULT_SECRET
from simulator.running import RunningSimulator


@pytest.fixture
def vendor(simulator: RunningSimulator, settings: Settings) -> RunningSimulator:
    """The simulated vendor, with every provider at its address."""
    url = simulator.url_eu1
    settings.LIGHTSPEED_OAUTH_ORIGIN = url
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": f"{url}/",
        "retail-r-key": f"{url}/",
        "retail-x": f"{url}/",
    }
    for series in ("r", "x"):
        fields = {
            "series": series,
            "client_id": f"latchkey-{series}",
            "client_secret": DEFAULT_SECRET,
            "redirect_uri": f"http://testserver/connect/retail-{series}/callback/",
        }
        simulator.retail(lambda control, fields=fields: control.put_client(fields))
    settings.KEYVAULT_RENEWAL_THREADS = 1
    settings.KEYVAULT_TOKEN_CALL_SECONDS = 5
    return simulator
