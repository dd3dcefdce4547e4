"""Neither key nor secret shows up anywhere but in the Authorization header of a request."""

import base64
import logging
import traceback
from collections.abc import Iterator

import httpx2
import pytest

from lightspeed.check import check_credential
from lightspeed.ecom import EComClient
from lightspeed.errors import VendorError
from lightspeed.outbound.addresses import AllowedAddress
from lightspeed.outbound.transport import OutboundTransport
from lightspeed.permissions import REQUIRED_BY_DEFAULT
from tests.lightspeed.outbound.local_servers import (
    LOOPBACK,
    Behaviour,
    hanging,
    head,
    resetting,
    sending,
    serving,
)
from tests.lightspeed.vendor import (
    KEY,
    SECRET,
    Vendor,
    basic,
    error_reply,
    make_client,
    make_credential,
)

CANARIES = (KEY, SECRET, basic(KEY, SECRET).removeprefix("Basic "))
ECHO = (KEY + SECRET).encode()

BEHAVIOURS: dict[str, Behaviour] = {
    "reset": resetting(),
    "reset in the body": resetting(head() + b"{"),
    "hang": hanging(),
    "not HTTP": sending(b"SSH-2.0\r\n"),
    "cut off": sending(head("Content-Type: application/json", "Content-Length: 9") + b"{"),
    "echo in JSON": sending(head() + b'{"shop": "' + ECHO + b'"}'),
    "echo in broken JSON": sending(head() + b'{"' + ECHO),
    "echo in HTML": sending(head("Content-Type: text/html") + ECHO),
    "echo in a refusal": sending(head(status="401 No") + b'{"message": "' + ECHO + b'"}'),
    "echo in an outage": sending(head(status="500 No") + ECHO),
    "echo in a header": sending(head(f"X-RateLimit-Limit: {KEY}", status="429 No")),
    "redirect": sending(head(f"Location: https://{KEY}:{SECRET}@evil.example/", status="302 No")),
}


def shown_by(error: BaseException) -> str:
    """Everything of an exception that a log, a debug page or an error tracker can show."""
    linked: list[BaseException] = [error]
    for one in linked:
        linked += [other for other in (one.__cause__, one.__context__) if other is not None]
    parts = [repr(one) + str(one) + repr(vars(one)) for one in linked]
    parts += [
        "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())
        for one in linked
    ]
    return "\n".join(parts)


def assert_nothing_leaks(text: str) -> None:
    assert not [canary for canary in CANARIES if canary in text]


@pytest.fixture(autouse=True)
def _every_log_is_clean(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
        records = caplog.get_records("call")
    logged = [record.getMessage() + repr(record.args) for record in records]
    assert_nothing_leaks("\n".join(logged))


def local_client(port: int) -> EComClient:
    return EComClient(
        credential=make_credential(base_url=f"http://{LOOPBACK}:{port}/"),
        transport=OutboundTransport(
            allowed_addresses=frozenset({AllowedAddress(host=LOOPBACK, port=port)})
        ),
        request_seconds=0.3,
    )


def test_the_canaries_do_travel_in_the_authorization_header() -> None:
    vendor = Vendor()
    make_client(vendor).shop()
    token = vendor.seen[0].headers["Authorization"].removeprefix("Basic ")
    assert token in CANARIES
    assert base64.b64decode(token).decode() == f"{KEY}:{SECRET}"


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_failure_shows_the_credential(name: str) -> None:
    with serving(BEHAVIOURS[name]) as port:
        client = local_client(port)
        with pytest.raises(VendorError) as caught:
            client.shop()
        result = check_credential(client, required=REQUIRED_BY_DEFAULT)
    assert_nothing_leaks(shown_by(caught.value))
    assert_nothing_leaks(repr(result))


@pytest.mark.parametrize("error", [httpx2.ReadTimeout("x"), httpx2.ConnectError("x")])
def test_no_failure_chains_the_one_beneath_it(error: httpx2.TransportError) -> None:
    with pytest.raises(VendorError) as caught:
        make_client(Vendor(everywhere=error)).shop()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_request_that_never_left_shows_nothing() -> None:
    client = EComClient(
        credential=make_credential(base_url="https://127.0.0.1/"), transport=OutboundTransport()
    )
    with pytest.raises(VendorError) as caught:
        client.shop()
    assert_nothing_leaks(shown_by(caught.value))


def test_what_holds_the_credential_does_not_show_it() -> None:
    credential = make_credential()
    client = make_client(Vendor(), credential=credential)
    assert_nothing_leaks(repr(credential) + str(credential) + repr(client) + repr(vars(client)))


def test_an_answer_that_repeats_the_key_is_not_kept() -> None:
    client = make_client(Vendor())
    answers = [client.permissions(), client.shop(), client.account(), client.ratelimit()]
    assert_nothing_leaks(repr(answers))


def test_the_words_of_the_vendor_are_not_passed_on() -> None:
    with pytest.raises(VendorError) as caught:
        make_client(Vendor(everywhere=error_reply(401, "Your key is wrong, dear."))).shop()
    assert "dear" not in str(caught.value) + repr(vars(caught.value))
    assert str(caught.value) == "The vendor refused this key and secret."
