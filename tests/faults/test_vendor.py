"""The vendor misbehaves while a merchant's key is checked; people submit twice."""

import json
import threading
import time

import pytest

from tests.faults.browser import Browser, merchant_of
from tests.faults.installation import Installation

# No answer of the vendor may cost more: ten seconds for a call, and ten mebibytes.
CALL_SECONDS = 10
GROWTH_MIB = 10
SLACK_SECONDS = 4


def _paste(browser: Browser, site: Installation, pair: dict[str, str]) -> str:
    """Paste a pair and check it; the page that tells what came of it."""
    path = f"/stores/{site.facts['merchant']['store_id']}/keys/new/"
    answer = browser.post(
        path, {**browser.form(path), "key": pair["key"], "secret": pair["secret"]}
    )
    assert answer.status == 200, answer.status
    return answer.body.decode()


def _credentials(site: Installation) -> int:
    count = "from keyvault.models import Credential; print(Credential.objects.count())"
    return int(site.shell(count))


@pytest.mark.parametrize(
    "kind",
    ["slow", "500", "429", "truncate", "giant", "gzip-bomb", "html", "redirect", "hang", "reset"],
)
def test_a_vendor_that_misbehaves_costs_neither_time_nor_memory_nor_the_draft(
    kind: str, site: Installation
) -> None:
    site.start_simulator()
    site.start_web()
    browser = merchant_of(site)
    stored = _credentials(site)
    _paste(browser, site, {"key": "0badc0de" * 4, "secret": "feedface" * 4})
    before = site.rss_mib("web")
    site.tell_simulator("faults", {"path": "", "kind": kind, "count": 50})

    began = time.monotonic()
    page = _paste(browser, site, site.facts["good_key"])
    took = time.monotonic() - began

    assert site.rss_mib("web") - before <= GROWTH_MIB
    assert took <= 2 * CALL_SECONDS + SLACK_SECONDS
    assert "We try again" in page or "try again" in page
    assert site.facts["good_key"]["secret"] not in page
    assert _credentials(site) == stored
    waiting = (
        "from onboarding.models import Submission as S; print(S.objects.filter("
        "state='waiting', due_at__isnull=False, draft_id__isnull=False).count())"
    )
    assert site.shell(waiting) == "1"


def test_a_form_that_is_sent_twice_makes_one_credential(site: Installation) -> None:
    site.start_simulator()
    site.start_web()
    browser = merchant_of(site)
    path = f"/stores/{site.facts['merchant']['store_id']}/keys/new/"
    pair = site.facts["good_key"]
    fields = {**browser.form(path), "key": pair["key"], "secret": pair["secret"]}
    stored = _credentials(site)

    _at_once(lambda: browser.post(path, fields))
    result = browser.get(f"{path}latest/").headers["url"].split(str(site.port), 1)[1]
    confirm = browser.form(result)
    _at_once(lambda: browser.post(f"{result}store/", confirm))

    assert _credentials(site) == stored + 1


def _at_once(call: object, times: int = 4) -> None:
    threads = [threading.Thread(target=call) for _ in range(times)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_key_that_the_vendor_throttles_cools_and_another_is_lent(site: Installation) -> None:
    site.start_simulator()
    made = json.loads(site.manage("demo", "--stores", "1", "--keys", "2", "--json").stdout)
    store = made["stores"][0]["id"]
    site.start_web()
    first = site.lease(store).json()

    settled = site.request(
        "POST",
        f"/api/v1/leases/{first['lease']['id']}/settle",
        body={
            "used": 1,
            "outcome": "throttled",
            "rate_limit": {
                "limit": "300/3000/12000",
                "remaining": "-1/2000/11000",
                "reset": "200/2000/20000",
            },
        },
        token=site.facts["backend_token"],
    )
    others = [site.lease(store).json()["credential"]["id"] for _ in range(5)]

    assert settled.status == 200
    assert first["credential"]["id"] not in others
    recorded = (
        "from keyvault.models import AuditEntry as E; "
        "print([e.facts.get('outcome') for e in E.objects.filter(action='lease.settled')])"
    )
    assert "throttled" in site.shell(recorded)
