"""Partner apps: the vendor's page, its signed calls, and the keys that follow from them."""

import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from simulator.control_input import ControlError
from simulator.site import Site
from simulator.wire import Response
from tests.simulator.stand_in import ask, authorization, make_site

APP = {
    "key": "a" * 32,
    "secret": "app-secret",
    "success_url": "http://127.0.0.1:9/installed/",
    "cancel_url": "http://127.0.0.1:9/cancelled/",
    "uninstall_url": "http://127.0.0.1:9/uninstalled/",
}


@pytest.fixture
def site() -> Site:
    made = make_site()
    made.state.apps.put(APP)
    return made


def decide(site: Site, decision: str, *, app: str = APP["key"], **fields: str) -> Response:
    form = {"shop_id": "300001", "language": "nl", "decision": decision, **fields}
    body = urlencode(form).encode()
    return ask(site, f"/apps/install?app={app}", method="POST", body=body)


def call_of(answer: Response) -> tuple[str, dict[str, str]]:
    assert answer.status == 302
    parts = urlsplit(dict(answer.headers)["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the vendor's


def secret_of(call: dict[str, str]) -> str:
    return md5(call["token"] + APP["secret"])


def status(site: Site, secret: str, *, path: str = "/nl/account.json") -> int:
    return ask(site, path, header=authorization(APP["key"], secret)).status


def test_the_page_asks_before_it_installs(site: Site) -> None:
    assert b"Install" in ask(site, f"/apps/install?app={APP['key']}").body
    assert ask(site, "/apps/install?app=unknown").status == 404
    assert decide(site, "install", shop_id="all").status == 422


def test_an_install_sends_a_signed_call_and_gives_the_shop_a_secret(site: Site) -> None:
    url, call = call_of(decide(site, "install"))
    assert url == APP["success_url"]
    text = f"language=nlshop_id=300001timestamp={call['timestamp']}token={call['token']}"
    assert call["signature"] == md5(text + APP["secret"])
    assert call["cluster_id"] == "eu1"
    assert status(site, secret_of(call)) == 200
    assert status(site, "0" * 32) == 401


def test_shops_share_the_key_and_nothing_else(site: Site) -> None:
    first, second = (
        secret_of(call_of(decide(site, "install", shop_id=shop))[1]) for shop in ("1", "2")
    )
    assert (status(site, first), status(site, second)) == (200, 200)


def test_a_second_install_voids_the_secret_before(site: Site) -> None:
    before, after = (secret_of(call_of(decide(site, "install"))[1]) for _ in range(2))
    assert (status(site, before), status(site, after)) == (401, 200)


@pytest.mark.parametrize("decision", ["uninstall", "cancel"])
def test_an_ending_is_signed_without_a_token(site: Site, decision: str) -> None:
    secret = secret_of(call_of(decide(site, "install"))[1])
    url, call = call_of(decide(site, decision))
    assert url == APP[f"{decision}_url"]
    assert "token" not in call
    text = f"language=nlshop_id=300001timestamp={call['timestamp']}"
    assert call["signature"] == md5(text + APP["secret"])
    assert status(site, secret) == {"uninstall": 401, "cancel": 200}[decision]


def test_what_was_never_installed_can_be_uninstalled(site: Site) -> None:
    assert call_of(decide(site, "uninstall"))[0] == APP["uninstall_url"]


def test_a_permission_can_be_left_out(site: Site) -> None:
    secret = secret_of(call_of(decide(site, "install", without="orders.read"))[1])
    assert status(site, secret, path="/nl/orders.json") == 403


def test_an_app_needs_all_its_fields(site: Site) -> None:
    with pytest.raises(ControlError):
        site.state.apps.put({**APP, "cancel_url": ""})
