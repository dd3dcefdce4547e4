from datetime import timedelta

import httpx2
import pytest

from lightspeed.ecom import COUNTED_RESOURCES
from lightspeed.errors import (
    CredentialRefusedError,
    Flaw,
    ForbiddenError,
    LanguageInactiveError,
    Outage,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.outbound.deadline import Deadline
from lightspeed.outbound.transport import DEADLINE_EXTENSION
from lightspeed.permissions import Grant, Group
from lightspeed.ratelimits import WindowReading
from lightspeed.resources import Account, Shop
from tests.lightspeed.vendor import (
    ACCOUNT_ID,
    KEY,
    NOON,
    SECRET,
    SHOP_ID,
    Reply,
    Vendor,
    basic,
    error_reply,
    grants,
    json_reply,
    make_client,
)

READINGS = (
    WindowReading(seconds=300, limit=300, remaining=299, reset_seconds=263),
    WindowReading(seconds=3600, limit=3000, remaining=2999, reset_seconds=2063),
    WindowReading(seconds=86400, limit=12000, remaining=11999, reset_seconds=23663),
)


def failure(reply: Reply) -> VendorError:
    """What asking for the shop comes to when the vendor replies like this."""
    client = make_client(Vendor(everywhere=reply))
    with pytest.raises(VendorError) as caught:
        client.shop()
    return caught.value


def test_a_request_names_language_and_resource_and_carries_the_credential() -> None:
    vendor = Vendor()
    make_client(vendor).permissions()
    (request,) = vendor.seen
    assert request.method == "GET"
    assert str(request.url) == "https://api.webshopapp.com/en/account/permissions.json"
    assert request.headers["Authorization"] == basic(KEY, SECRET)
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in request.headers


def test_permissions_come_with_the_windows_and_the_time_of_the_answer() -> None:
    vendor = Vendor({"account/permissions": json_reply({"accountPermissions": grants()})})
    answer = make_client(vendor).permissions()
    assert answer.value.orders == Grant(read=True, write=True)
    assert answer.limits == READINGS
    assert answer.answered_at == NOON


def test_the_shop_is_read_with_its_names() -> None:
    assert make_client(Vendor()).shop().value == Shop(
        id=SHOP_ID,
        status="trial",
        subdomain="bakery",
        main_domain="www.bakery.example",
        country="nl",
        currency="eur",
    )


def test_false_may_stand_wherever_the_shop_has_an_object() -> None:
    fields = {"id": "12", "subDomain": False, "country": False, "currency": False}
    vendor = Vendor({"shop": json_reply({"shop": fields})})
    assert make_client(vendor).shop().value == Shop(
        id=12, status=None, subdomain=None, main_domain=None, country=None, currency=None
    )


@pytest.mark.parametrize("name", ["code", "shortcode"])
def test_a_currency_is_read_under_either_name(name: str) -> None:
    vendor = Vendor({"shop": json_reply({"shop": {"id": 1, "currency": {name: "usd"}}})})
    assert make_client(vendor).shop().value.currency == "usd"


def test_the_account_is_read_without_the_key_that_it_shows() -> None:
    answer = make_client(Vendor()).account()
    assert answer.value == Account(id=ACCOUNT_ID, app_id=None)
    assert KEY not in repr(answer)


def test_the_windows_can_be_asked_for() -> None:
    assert make_client(Vendor()).ratelimit().value == READINGS


@pytest.mark.parametrize(("group", "resource"), COUNTED_RESOURCES.items())
def test_each_group_is_counted_by_its_cheap_resource(group: Group, resource: str) -> None:
    vendor = Vendor()
    assert make_client(vendor).count(group).value == 206
    assert vendor.paths == [f"{resource}/count"]


@pytest.mark.parametrize("ask", ["permissions", "shop", "account", "ratelimit"])
@pytest.mark.parametrize("body", [{}, [], False, None, 5, "x", {"shop": False}, {"account": []}])
@pytest.mark.parametrize("root", ["accountPermissions", "shop", "account", "accountRatelimit"])
def test_an_object_of_another_shape_is_unreadable(ask: str, body: object, root: str) -> None:
    for wire in (body, {root: body}):
        client = make_client(Vendor(everywhere=json_reply(wire)))
        with pytest.raises(UnreadableAnswerError) as caught:
            getattr(client, ask)()
        assert caught.value.flaw is Flaw.UNEXPECTED_SHAPE
        assert caught.value.status == 200
        assert caught.value.limits == READINGS


@pytest.mark.parametrize("body", [{"count": None}, {"count": True}, [206], {}])
def test_a_count_of_another_shape_is_unreadable(body: object) -> None:
    client = make_client(Vendor(everywhere=json_reply(body)))
    with pytest.raises(UnreadableAnswerError):
        client.count(Group.ORDERS)


def test_401_is_a_refused_credential() -> None:
    error = failure(error_reply(401, "Access denied."))
    assert isinstance(error, CredentialRefusedError)
    assert (error.status, error.limits, error.retryable) == (401, READINGS, False)


def test_403_is_a_missing_right() -> None:
    assert isinstance(failure(error_reply(403)), ForbiddenError)


@pytest.mark.parametrize(
    "reply",
    [
        error_reply(404, "Unknown or inactive language."),
        json_reply({"message": "Unknown or inactive language."}, status=404),
        json_reply({"error": False, "message": "Inactive LANGUAGE"}, status=404),
    ],
)
def test_404_about_the_language_is_an_inactive_language(reply: httpx2.Response) -> None:
    assert isinstance(failure(reply), LanguageInactiveError)


@pytest.mark.parametrize(
    "reply",
    [
        error_reply(404, "Unknown resource."),
        error_reply(400, "Unknown or inactive language."),
        error_reply(422),
        json_reply({"error": {"message": ["language"]}}, status=404),
        json_reply(["language"], status=404),
        httpx2.Response(404, text="<p>language</p>", headers={"Content-Type": "text/html"}),
        httpx2.Response(418),
    ],
)
def test_another_status_below_500_is_an_unexpected_one(reply: httpx2.Response) -> None:
    error = failure(reply)
    assert isinstance(error, UnreadableAnswerError)
    assert error.flaw is Flaw.UNEXPECTED_STATUS
    assert error.problem == "unreadable.unexpected_status"
    assert error.status == reply.status_code


def test_429_says_when_to_come_back() -> None:
    headers = {"X-RateLimit-Remaining": "-1/2700/11700", "X-RateLimit-Reset": "12/600/9000"}
    error = failure(error_reply(429, **headers))
    assert isinstance(error, ThrottledError)
    assert error.retry_after_seconds == 12
    assert error.retryable
    assert error.limits[0].remaining == 0


def test_429_measures_a_date_from_the_time_of_the_answer() -> None:
    later = (NOON + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    error = failure(httpx2.Response(429, headers={"Retry-After": later}))
    assert isinstance(error, ThrottledError)
    assert error.retry_after_seconds == 90


@pytest.mark.parametrize("status", [500, 502, 503, 599])
def test_5xx_is_an_outage_whatever_its_body_says(status: int) -> None:
    for reply in (error_reply(status), httpx2.Response(status, text="<h1>Oops</h1>")):
        error = failure(reply)
        assert isinstance(error, VendorUnavailableError)
        assert (error.reason, error.status) == (Outage.SERVER_ERROR, status)
        assert error.problem == "unavailable.server_error"
        assert error.retryable


def test_every_request_is_on_record_failed_ones_included() -> None:
    vendor = Vendor({"shop": httpx2.ConnectError("no"), "account": error_reply(500)})
    client = make_client(vendor)
    client.permissions()
    for ask in (client.shop, client.account):
        with pytest.raises(VendorUnavailableError):
            ask()
    assert client.request_times == (
        NOON,
        NOON + timedelta(seconds=1),
        NOON + timedelta(seconds=2),
    )


def test_the_sooner_of_two_deadlines_bounds_a_request() -> None:
    vendor = Vendor()
    client = make_client(vendor, request_seconds=10.0)
    client.shop()
    client.shop(deadline=client.start_deadline(25.0))
    client.shop(deadline=client.start_deadline(4.0))
    deadlines = [request.extensions[DEADLINE_EXTENSION] for request in vendor.seen]
    assert all(isinstance(deadline, Deadline) for deadline in deadlines)
    assert [deadline.at for deadline in deadlines] == [10.0, 10.0, 4.0]


def test_a_swapped_client_sends_the_two_the_other_way_round() -> None:
    vendor = Vendor()
    swapped = make_client(vendor).swapped()
    with pytest.raises(CredentialRefusedError):
        swapped.shop()
    assert vendor.seen[0].headers["Authorization"] == basic(SECRET, KEY)


def test_without_a_clock_of_its_own_a_client_reads_the_system_in_utc() -> None:
    from lightspeed.ecom import utc_now  # noqa: PLC0415 - the default, seen from outside

    assert utc_now().utcoffset() == timedelta(0)
