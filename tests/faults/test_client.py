"""A program that borrows through the client while Latchkey is ended and started again."""

import json
import sys
import threading
import urllib.request
from collections.abc import Callable

import pytest
import requests

from tests.faults.installation import ROOT, START_SECONDS, Installation

sys.path.insert(0, str(ROOT / "client"))

import latchkey

# What the client asks for first.
PERMITS = 4
SPENT = """
from keyvault.models import Lease
borrowed = Lease.objects.exclude(token=None)
print(sum(borrowed.values_list("counted", flat=True)))
"""


@pytest.mark.parametrize("end", [Installation.kill, Installation.terminate])
def test_a_program_goes_on_with_its_lease_while_latchkey_is_started_again(
    site: Installation, end: Callable[[Installation, str], object]
) -> None:
    site.start_simulator()
    site.start_web()
    seen = _requests_of(site)
    with (
        latchkey.pool(
            site.facts["merchant"]["store_id"],
            url=f"http://127.0.0.1:{site.port}",
            token=site.facts["backend_token"],
            use_within_seconds=30,
            wait_seconds=START_SECONDS,
        ) as vendor,
        requests.Session() as session,
    ):
        session.auth = vendor.auth
        url = f"{vendor.base_url}nl/products/count.json"
        statuses = [session.get(url).status_code]
        end(site, "web")

        statuses += [session.get(url).status_code for _ in range(PERMITS - 1)]
        starter = threading.Thread(target=site.start_web)
        starter.start()
        statuses += [session.get(url).status_code for _ in range(PERMITS)]
        starter.join()

    assert statuses == [200] * 2 * PERMITS
    assert _requests_of(site) - seen == 2 * PERMITS
    assert int(site.shell(SPENT)) == 2 * PERMITS


def _requests_of(site: Installation) -> int:
    """How many the vendor has been sent."""
    address = f"http://127.0.0.1:{site.simulator_port}/_sim/stats"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return int(json.load(answer)["requests"])
