from datetime import timedelta
from itertools import count

import httpx2
import pytest

from lightspeed.check import check_credential
from lightspeed.errors import UnsafeAddressError
from lightspeed.permissions import (
    ALL_PERMISSIONS,
    REQUIRED_BY_DEFAULT,
    Access,
    Grant,
    Group,
    Permission,
    permissions_named,
)
from lightspeed.result import CheckResult, Outcome
from tests.lightspeed.vendor import (
    ACCOUNT_ID,
    KEY,
    NOON,
    SECRET,
    SHOP_ID,
    Reply,
    Vendor,
    error_reply,
    grants,
    json_reply,
    make_client,
    make_credential,
)

THROTTLED = {"X-RateLimit-Remaining": "-1/2700/11700", "X-RateLimit-Reset": "12/600/9000"}
READ_ONLY = permissions_named(str(box) for box in ALL_PERMISSIONS if box.access is Access.READ)
COUNTS = [
    "textpages/count",
    "products/count",
    "customers/count",
    "orders/count",
    "languages/count",
    "shop/tracking/count",
]


def check(
    vendor: Vendor,
    *,
    required: tuple[Permission, ...] = REQUIRED_BY_DEFAULT,
    expected_shop_id: int | None = None,
) -> CheckResult:
    return check_credential(
        make_client(vendor), required=required, expected_shop_id=expected_shop_id
    )


def html() -> httpx2.Response:
    return httpx2.Response(200, html="<h1>Sign in</h1>")


def granted(**changes: dict[str, object]) -> httpx2.Response:
    return json_reply({"accountPermissions": grants(**changes)})


def test_a_good_key_passes_with_all_that_is_to_be_known_of_it() -> None:
    vendor = Vendor()
    result = check(vendor, expected_shop_id=SHOP_ID)
    assert result.outcome is Outcome.PASSED
    assert not result.outcome.is_retryable
    assert (result.missing, result.unchecked) == ((), ())
    assert result.shop is not None
    assert result.shop.id == SHOP_ID
    assert result.account_id == ACCOUNT_ID
    assert [reading.limit for reading in result.limits] == [300, 3000, 12000]
    assert (result.retry_after_seconds, result.status, result.problem) == (None, None, None)
    assert vendor.paths == ["account/permissions", "shop", "account"]


def test_every_request_of_the_check_is_told_for_the_log_of_the_key() -> None:
    assert check(Vendor()).request_times == (
        NOON,
        NOON + timedelta(seconds=1),
        NOON + timedelta(seconds=2),
    )


def test_requests_that_a_client_sent_before_are_not_counted_twice() -> None:
    client = make_client(Vendor())
    client.shop()
    result = check_credential(client, required=REQUIRED_BY_DEFAULT)
    assert len(client.request_times) == 4
    assert result.request_times == client.request_times[1:]


@pytest.mark.parametrize("box", ALL_PERMISSIONS, ids=str)
def test_each_single_missing_permission_is_named(box: Permission) -> None:
    row: dict[str, object] = {"read": True, "write": True, box.access.value: False}
    result = check(Vendor({"account/permissions": granted(**{box.group.value: row})}))
    assert result.outcome is Outcome.MISSING_PERMISSIONS
    assert result.missing == (box,)
    assert result.shop is not None


def test_a_refused_key_is_refused() -> None:
    vendor = Vendor(everywhere=error_reply(401, "Access denied."))
    result = check(vendor)
    assert result.outcome is Outcome.REFUSED
    assert not result.outcome.is_retryable
    assert (result.status, result.problem) == (401, "refused")
    assert result.permissions is None
    assert result.unchecked == REQUIRED_BY_DEFAULT
    assert vendor.paths == ["account/permissions", "account/permissions"]
    assert len(result.request_times) == 2


def test_a_key_and_secret_that_work_the_other_way_round_are_swapped() -> None:
    client = make_client(Vendor(), credential=make_credential().swapped())
    result = check_credential(client, required=REQUIRED_BY_DEFAULT)
    assert result.outcome is Outcome.SWAPPED
    assert len(result.request_times) == 2


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        (error_reply(403), Outcome.SWAPPED),
        (error_reply(404, "Unknown or inactive language."), Outcome.SWAPPED),
        (error_reply(500), Outcome.REFUSED),
        (httpx2.ReadTimeout("late"), Outcome.REFUSED),
        (html(), Outcome.REFUSED),
    ],
)
def test_only_an_answer_to_the_swapped_pair_tells_that_it_is_known(
    second: Reply, outcome: Outcome
) -> None:
    replies = iter([error_reply(401), second])

    def answer(_: httpx2.Request) -> httpx2.Response:
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    client = make_client(httpx2.MockTransport(answer))
    assert check_credential(client, required=REQUIRED_BY_DEFAULT).outcome is outcome


@pytest.mark.parametrize("resource", ["shop", "account"])
def test_a_key_that_is_switched_off_during_the_check_is_refused(resource: str) -> None:
    vendor = Vendor({resource: error_reply(401)})
    result = check(vendor)
    assert result.outcome is Outcome.REFUSED
    assert vendor.paths[-1] == resource


def test_an_inactive_language_is_told() -> None:
    vendor = Vendor(everywhere=error_reply(404, "Unknown or inactive language."))
    result = check(vendor)
    assert result.outcome is Outcome.LANGUAGE_INACTIVE
    assert not result.outcome.is_retryable
    assert len(vendor.seen) == 1


def test_a_key_of_another_shop_is_told_with_that_shop() -> None:
    result = check(Vendor(), expected_shop_id=SHOP_ID + 1)
    assert result.outcome is Outcome.OTHER_SHOP
    assert result.shop is not None
    assert result.shop.subdomain == "bakery"


def test_another_shop_comes_before_permissions_that_would_be_ticked_in_the_wrong_one() -> None:
    vendor = Vendor({"account/permissions": granted(orders={"read": True, "write": False})})
    result = check(vendor, expected_shop_id=SHOP_ID + 1)
    assert result.outcome is Outcome.OTHER_SHOP
    assert result.missing == (("orders", "write"),)


def test_a_first_key_passes_even_if_it_may_not_say_which_shop_is_its_own() -> None:
    result = check(Vendor({"shop": error_reply(403)}))
    assert result.outcome is Outcome.PASSED
    assert result.shop is None


def test_a_further_key_must_say_which_shop_is_its_own() -> None:
    result = check(Vendor({"shop": error_reply(403)}), expected_shop_id=SHOP_ID)
    assert result.outcome is Outcome.SHOP_UNKNOWN


@pytest.mark.parametrize("reply", [error_reply(403), error_reply(500), html(), error_reply(429)])
def test_the_account_is_not_needed_to_pass(reply: httpx2.Response) -> None:
    result = check(Vendor({"account": reply}))
    assert result.outcome is Outcome.PASSED
    assert result.account_id is None


OUTAGES = [
    (error_reply(500), Outcome.UNAVAILABLE, "unavailable.server_error"),
    (httpx2.ReadTimeout("late"), Outcome.UNAVAILABLE, "unavailable.timeout"),
    (httpx2.ConnectError("no"), Outcome.UNAVAILABLE, "unavailable.connection"),
    (UnsafeAddressError(), Outcome.UNAVAILABLE, "unsafe_address"),
    (error_reply(429, **THROTTLED), Outcome.THROTTLED, "throttled"),
    (html(), Outcome.UNREADABLE, "unreadable.not_json"),
    (httpx2.Response(302), Outcome.UNREADABLE, "unreadable.redirect"),
    (json_reply({"accountPermissions": False}), Outcome.UNREADABLE, "unreadable.unexpected_shape"),
]


@pytest.mark.parametrize(("reply", "outcome", "problem"), OUTAGES)
def test_an_outage_is_never_a_bad_key(reply: Reply, outcome: Outcome, problem: str) -> None:
    result = check(Vendor(everywhere=reply))
    assert result.outcome is outcome
    assert result.outcome.is_retryable
    assert result.problem == problem
    assert result.missing == ()
    assert result.permissions is None


@pytest.mark.parametrize(("reply", "outcome", "problem"), OUTAGES)
def test_an_outage_in_mid_check_fails_closed(reply: Reply, outcome: Outcome, problem: str) -> None:
    result = check(Vendor({"shop": reply}))
    assert result.outcome is outcome
    assert result.problem == problem
    assert result.permissions is not None


def test_a_missing_permission_is_told_even_if_the_shop_cannot_be_asked() -> None:
    vendor = Vendor(
        {
            "account/permissions": granted(orders={"read": True, "write": False}),
            "shop": error_reply(500),
        }
    )
    result = check(vendor)
    assert result.outcome is Outcome.MISSING_PERMISSIONS
    assert result.problem == "unavailable.server_error"


def test_a_throttled_check_says_when_to_come_back_and_what_it_saw() -> None:
    result = check(Vendor(everywhere=error_reply(429, **THROTTLED)))
    assert result.retry_after_seconds == 12
    assert result.limits[0].remaining == 0


def test_permissions_that_cannot_be_read_are_cross_checked_for_read() -> None:
    vendor = Vendor(
        {"account/permissions": error_reply(404, "No."), "orders/count": error_reply(403)}
    )
    result = check(vendor)
    assert vendor.paths == ["account/permissions", *COUNTS, "shop", "account"]
    assert result.permissions is not None
    assert result.permissions.products == Grant(read=True, write=None)
    assert result.permissions.orders == Grant(read=False, write=None)
    assert result.outcome is Outcome.MISSING_PERMISSIONS
    assert result.missing == (("orders", "read"),)
    assert len(result.unchecked) == 6


@pytest.mark.parametrize("reply", [error_reply(403), error_reply(404, "No."), html()])
def test_write_that_could_not_be_checked_does_not_pass(reply: httpx2.Response) -> None:
    result = check(Vendor({"account/permissions": reply}))
    assert result.outcome is Outcome.UNREADABLE
    assert result.missing == ()
    assert [box.access for box in result.unchecked] == [Access.WRITE] * 6


def test_read_that_was_proved_by_counts_passes_where_only_read_is_required() -> None:
    result = check(Vendor({"account/permissions": html()}), required=READ_ONLY)
    assert result.outcome is Outcome.PASSED
    assert result.problem == "unreadable.not_json"


def test_only_required_groups_that_were_not_told_are_counted() -> None:
    vendor = Vendor({"account/permissions": granted(orders={}, tracking={})})
    result = check(vendor, required=permissions_named(["orders.read", "products.write"]))
    assert vendor.paths == ["account/permissions", "orders/count", "shop", "account"]
    assert result.outcome is Outcome.PASSED


def test_a_count_that_does_not_exist_leaves_its_group_unchecked() -> None:
    vendor = Vendor(
        {
            "account/permissions": granted(tracking={}),
            "shop/tracking/count": error_reply(404, "Unknown resource."),
        }
    )
    result = check(vendor, required=READ_ONLY)
    assert result.outcome is Outcome.UNREADABLE
    assert result.unchecked == ((Group.TRACKING, Access.READ),)


def test_an_outage_in_the_cross_check_ends_it() -> None:
    vendor = Vendor({"account/permissions": html(), "products/count": html()})
    result = check(vendor)
    assert vendor.paths == ["account/permissions", "textpages/count", "products/count"]
    assert result.outcome is Outcome.UNREADABLE
    assert result.permissions is not None
    assert result.permissions.content.read is True


def test_a_check_ends_when_its_time_is_over() -> None:
    seconds = count(step=10)
    vendor = Vendor()
    client = make_client(vendor, monotonic=lambda: float(next(seconds)))
    result = check_credential(client, required=REQUIRED_BY_DEFAULT, check_seconds=25.0)
    assert result.outcome is Outcome.UNAVAILABLE
    assert result.problem == "unavailable.timeout"
    assert len(vendor.seen) < 3


def test_a_result_holds_no_secret() -> None:
    shown = repr(check(Vendor()))
    assert KEY not in shown
    assert SECRET not in shown
