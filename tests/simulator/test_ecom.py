"""The C-Series API past the sockets: keys, windows, languages, resources, rights."""

import base64
import json
import re

import pytest

from simulator.rights import GROUPS
from tests.simulator.stand_in import (
    KEY,
    NOON,
    OTHER_KEY,
    SECRET,
    HandClock,
    ask,
    authorization,
    content,
    make_site,
    message,
    put_key,
    rates,
)

RESOURCES = {
    "textpages": ("content", "textpage", 1_001),
    "products": ("products", "product", 20_001),
    "customers": ("customers", "customer", 30_001),
    "orders": ("orders", "order", 40_001),
    "languages": ("settings", "language", 51),
    "shop/tracking": ("tracking", "shopTracking", 61),
}
OPEN = ("account", "account/permissions", "account/ratelimit", "shop")


def only(group: str, action: str) -> dict[str, dict[str, bool]]:
    """Every right but one missing."""
    return {
        name: {"read": False, "write": False, **({action: True} if name == group else {})}
        for name in GROUPS
    }


def all_but(group: str, action: str) -> dict[str, dict[str, bool]]:
    """One right missing."""
    return {group: {action: False}}


def test_the_account_is_the_keys_own_and_not_the_shop() -> None:
    account = content(ask(make_site(), "/en/account.json"))["account"]
    assert account["apiKey"] == KEY
    assert account["appId"] is False
    assert isinstance(account["id"], int)


def test_permissions_are_six_groups_of_two() -> None:
    site = make_site()
    put_key(site, permissions=all_but("orders", "write"))
    permissions = content(ask(site, "/en/account/permissions.json"))["accountPermissions"]
    assert tuple(permissions) == GROUPS
    assert permissions["orders"] == {"read": True, "write": False}
    assert permissions["tracking"] == {"read": True, "write": True}


def test_the_rate_limit_resource_tells_what_the_headers_tell() -> None:
    response = ask(make_site(), "/en/account/ratelimit.json")
    windows = content(response)["accountRatelimit"]
    assert list(windows) == ["limit5Min", "limitHour", "limitDay"]
    assert windows["limit5Min"] == {
        "limit": 300,
        "remaining": 299,
        "reset": 300,
        "resetTime": "2026-11-22T12:05:00+01:00",
    }
    assert windows["limitDay"]["resetTime"] == "2026-11-23T00:00:00+01:00"
    assert rates(response)["Reset"] == "300/3600/43200"


def test_a_window_of_another_width_has_a_name_too() -> None:
    windows = content(ask(make_site(limits="5/10"), "/en/account/ratelimit.json"))
    assert list(windows["accountRatelimit"]) == ["limit10Sec"]


@pytest.mark.parametrize(
    ("cluster", "domain", "currency"),
    [("eu1", "webshopapp.com", "eur"), ("us1", "shoplightspeed.com", "usd")],
)
def test_keys_of_one_shop_show_that_shop(cluster: str, domain: str, currency: str) -> None:
    site = make_site()
    put_key(site, cluster=cluster, shop_id=7_731)
    shop = content(ask(site, "/en/shop.json", cluster=cluster))["shop"]
    assert (shop["id"], shop["mainDomain"]) == (7_731, f"shop7731.{domain}")
    assert shop["currency"]["shortcode"] == currency
    assert {"status", "subDomain", "country"} <= shop.keys()
    assert {"id", "code", "code3", "title"} == shop["country"].keys()


@pytest.mark.parametrize("resource", OPEN)
def test_a_key_without_any_right_may_look_at_itself_and_its_shop(resource: str) -> None:
    site = make_site()
    put_key(site, permissions=only("orders", "nothing") | {"orders": {"read": False}})
    assert ask(site, f"/en/{resource}.json").status == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_list_is_named_after_its_resource_and_has_as_many_as_its_count(resource: str) -> None:
    site = make_site()
    listed = content(ask(site, f"/en/{resource}.json"))
    ((root, records),) = listed.items()
    assert root == ("shopTracking" if resource == "shop/tracking" else resource)
    assert content(ask(site, f"/en/{resource}/count.json")) == {"count": len(records)}


@pytest.mark.parametrize("resource", RESOURCES)
def test_reading_needs_the_read_right_of_its_group_alone(resource: str) -> None:
    group, _, record_id = RESOURCES[resource]
    targets = [f"/en/{resource}{end}.json" for end in ("", "/count", f"/{record_id}")]
    site = make_site()
    put_key(site, permissions=only(group, "read"))
    assert [ask(site, target).status for target in targets] == [200, 200, 200]
    put_key(site, permissions=all_but(group, "read"))
    assert [ask(site, target).status for target in targets] == [403, 403, 403]


@pytest.mark.parametrize("resource", RESOURCES)
def test_writing_needs_the_write_right_of_its_group_alone(resource: str) -> None:
    group, singular, record_id = RESOURCES[resource]
    body = json.dumps({singular: {"title": "New"}}).encode()
    writes = [
        ("POST", f"/en/{resource}.json", body),
        ("PUT", f"/en/{resource}/{record_id}.json", body),
        ("DELETE", f"/en/{resource}/{record_id}.json", b""),
    ]
    site = make_site()
    put_key(site, permissions=only(group, "write"))
    allowed = [ask(site, target, method=method, body=sent) for method, target, sent in writes]
    assert [response.status for response in allowed] == [201, 200, 204]
    assert content(allowed[0])[singular]["title"] == content(allowed[1])[singular]["title"] == "New"
    put_key(site, permissions=all_but(group, "write"))
    refused = [ask(site, target, method=method, body=sent) for method, target, sent in writes]
    assert [response.status for response in refused] == [403, 403, 403]


def test_a_write_keeps_nothing() -> None:
    site = make_site()
    before = content(ask(site, "/en/products.json"))
    ask(site, "/en/products.json", method="POST", body=b'{"product": {"title": "New"}}')
    ask(site, "/en/products/20001.json", method="PUT", body=b'{"product": {"title": "New"}}')
    ask(site, "/en/products/20001.json", method="DELETE")
    assert content(ask(site, "/en/products.json")) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"product": 1}', b"[" * 90_000])
@pytest.mark.parametrize(("method", "end"), [("POST", ""), ("PUT", "/20001")])
def test_a_write_without_its_object_is_refused(method: str, end: str, body: bytes) -> None:
    response = ask(make_site(), f"/en/products{end}.json", method=method, body=body)
    assert response.status == 400


def test_a_body_that_was_too_large_to_keep_is_refused() -> None:
    assert ask(make_site(), "/en/products.json", method="POST", dropped=True).status == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_record_is_not_found(method: str) -> None:
    assert ask(make_site(), "/en/products/9.json", method=method).status == 404


def test_one_record_is_named_in_the_singular() -> None:
    assert content(ask(make_site(), "/en/orders/40002.json"))["order"]["number"] == "ORD00002"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=2", [20_001, 20_002]),
        ("limit=2&page=3", [20_005]),
        ("limit=2&page=4", []),
        ("limit=999", [20_001, 20_002, 20_003, 20_004, 20_005]),
    ],
)
def test_a_list_comes_in_pages(query: str, ids: list[int]) -> None:
    products = content(ask(make_site(), f"/en/products.json?{query}"))["products"]
    assert [product["id"] for product in products] == ids


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "page=0", "page=", "page=%B2"])
def test_a_page_that_cannot_be_read_is_refused(query: str) -> None:
    assert ask(make_site(), f"/en/products.json?{query}").status == 400


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(KEY.encode()).decode(),
        "Bearer " + SECRET,
        authorization(secret=KEY),
        authorization(secret=SECRET + "0"),
        authorization(key=OTHER_KEY),
        authorization(key=SECRET, secret=KEY),
        authorization(key="", secret=""),
    ],
)
def test_whoever_is_not_known_gets_the_same_answer_without_rate_headers(header: str) -> None:
    response = ask(make_site(), "/en/account.json", header=header)
    assert content(response) == {
        "error": {
            "code": 401,
            "method": "GET",
            "request": "/en/account.json",
            "message": "Access denied.",
        }
    }
    assert rates(response) == {}


def test_the_scheme_may_be_written_in_any_case() -> None:
    header = authorization().replace("Basic", "bASIC")
    assert ask(make_site(), "/en/account.json", header=header).status == 200


def test_a_key_that_is_switched_off_is_denied_until_it_is_on_again() -> None:
    site = make_site()
    put_key(site, enabled=False)
    assert message(ask(site, "/en/account.json")) == "Access denied."
    put_key(site, enabled=True)
    assert ask(site, "/en/account.json").status == 200


@pytest.mark.parametrize(("home", "other"), [("eu1", "us1"), ("us1", "eu1")])
def test_a_key_of_one_cluster_is_denied_on_the_other(home: str, other: str) -> None:
    site = make_site()
    put_key(site, cluster=home)
    assert ask(site, "/en/account.json", cluster=home).status == 200
    assert message(ask(site, "/en/account.json", cluster=other)) == "Access denied."


def test_a_denied_request_takes_no_room() -> None:
    site = make_site(limits="2/300")
    for _ in range(5):
        ask(site, "/en/account.json", cluster="us1")
    assert rates(ask(site, "/en/account.json"))["Remaining"] == "1"


@pytest.mark.parametrize(
    "path", ["/nl/account.json", "/EN/account.json", "/account.json", "/", "*"]
)
def test_a_language_that_is_not_active_is_not_found(path: str) -> None:
    response = ask(make_site(), path)
    assert response.status == 404
    assert message(response) == "Unknown or inactive language."
    assert rates(response)["Remaining"] == "299/2999/11999"


def test_every_active_language_of_the_shop_is_served() -> None:
    site = make_site()
    put_key(site, language=["nl", "de"])
    statuses = [ask(site, f"/{code}/shop.json").status for code in ("nl", "de", "en")]
    assert statuses == [200, 200, 404]


@pytest.mark.parametrize(
    "path",
    ["/en/nothing.json", "/en/shop", "/en/", "/en", "/en/account/9.json", "/en/shop.json/x"],
)
def test_an_unknown_resource_is_not_found(path: str) -> None:
    response = ask(make_site(), path)
    assert response.status == 404
    assert message(response) != "Unknown or inactive language." or path == "/en"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/en/account.json", "GET"),
        ("PUT", "/en/products.json", "GET, POST"),
        ("POST", "/en/products/count.json", "GET"),
        ("PATCH", "/en/products/20001.json", "GET, PUT, DELETE"),
    ],
)
def test_a_method_that_a_resource_does_not_have_is_refused(
    method: str, path: str, allow: str
) -> None:
    response = ask(make_site(), path, method=method)
    assert response.status == 405
    assert content(response)["error"]["method"] == method
    assert ("Allow", allow) in response.headers


def test_headers_report_every_window_but_the_second() -> None:
    response = ask(make_site(limits="20/1,300/300,3000/3600,12000/86400"), "/en/shop.json")
    assert rates(response) == {
        "Limit": "300/3000/12000",
        "Remaining": "299/2999/11999",
        "Reset": "300/3600/43200",
    }


def test_without_a_reported_window_there_are_no_headers() -> None:
    assert rates(ask(make_site(limits="20/1"), "/en/shop.json")) == {}


@pytest.mark.parametrize("windows", ["fixed", "sliding"])
def test_twenty_a_second_are_let_through(windows: str) -> None:
    clock = HandClock()
    site = make_site(limits="20/1,300/300", windows=windows, clock=clock)
    statuses = [ask(site, "/en/shop.json").status for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    clock.now += 1
    response = ask(site, "/en/shop.json")
    assert (response.status, rates(response)["Remaining"]) == (200, "279")


def test_a_blocked_window_reads_minus_one_and_the_others_stand_still() -> None:
    clock = HandClock(now=NOON + 37)
    site = make_site(limits="2/300,10/3600,20/86400", clock=clock)
    answers = [ask(site, "/en/shop.json") for _ in range(4)]
    assert [response.status for response in answers] == [200, 200, 429, 429]
    assert [rates(response)["Remaining"] for response in answers] == [
        "1/9/19",
        "0/8/18",
        "-1/8/18",
        "-1/8/18",
    ]
    assert rates(answers[3])["Reset"] == "263/3563/43163"
    assert content(answers[3])["error"]["code"] == 429
    assert not [name for name, _ in answers[3].headers if name == "Retry-After"]


def test_a_missing_right_takes_room() -> None:
    site = make_site()
    put_key(site, permissions=all_but("orders", "read"))
    response = ask(site, "/en/orders.json")
    assert (response.status, rates(response)["Remaining"]) == (403, "299/2999/11999")


def test_two_keys_of_one_shop_have_windows_of_their_own() -> None:
    site = make_site(limits="1/300")
    put_key(site, key=OTHER_KEY)
    first = ask(site, "/en/shop.json")
    second = ask(site, "/en/shop.json", header=authorization(key=OTHER_KEY))
    assert (first.status, second.status) == (200, 200)
    assert content(first)["shop"]["id"] == content(second)["shop"]["id"]


def test_no_fixture_holds_an_address_that_mail_could_reach() -> None:
    text = ask(make_site(), "/en/customers.json").body.decode()
    assert set(re.findall(r"@([\w.]+)", text)) == {"example.com"}
