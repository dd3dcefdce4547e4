import gzip
import json
import tracemalloc
from collections.abc import Iterator
from itertools import count

import httpx2
import pytest

from lightspeed.errors import (
    Flaw,
    Outage,
    UnreadableAnswerError,
    UnsafeAddressError,
    VendorUnavailableError,
)
from lightspeed.outbound.answers import (
    MAX_BODY_BYTES,
    MAX_JSON_VALUES,
    JsonAnswer,
    fetch_json,
)
from lightspeed.outbound.deadline import Deadline

JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1024 * 1024


class Pieces(httpx2.SyncByteStream):
    """A body that comes in pieces, the last of which may be an exception."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.is_closed = True


def fetch(reply: httpx2.Response | Exception, *, deadline: Deadline | None = None) -> JsonAnswer:
    def answer(_: httpx2.Request) -> httpx2.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return fetch_json(
        transport=httpx2.MockTransport(answer),
        request=httpx2.Request("GET", "https://api.webshopapp.com/en/shop.json"),
        deadline=deadline or Deadline.after(60.0),
    )


def flaw_of(reply: httpx2.Response) -> Flaw:
    with pytest.raises(UnreadableAnswerError) as caught:
        fetch(reply)
    assert caught.value.status == reply.status_code
    return caught.value.flaw


def outage_of(reply: httpx2.Response | Exception) -> Outage:
    with pytest.raises(VendorUnavailableError) as caught:
        fetch(reply)
    return caught.value.reason


def streamed(*pieces: bytes | Exception, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, headers=JSON, stream=Pieces(*pieces))


def test_a_json_answer_is_read_to_its_end() -> None:
    stream = Pieces(b'{"shop"', b": {}}")
    answer = fetch(httpx2.Response(200, headers={**JSON, "X-Seen": "1"}, stream=stream))
    assert answer.status == 200
    assert answer.body == {"shop": {}}
    assert answer.headers["x-seen"] == "1"
    assert stream.is_closed


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "text/json"]
)
def test_json_is_known_by_its_type(content_type: str) -> None:
    reply = httpx2.Response(200, content=b"{}", headers={"Content-Type": content_type})
    assert fetch(reply).body == {}


@pytest.mark.parametrize("content_type", ["", "text/html", "text/plain", "application/jsonp", "x"])
def test_another_type_is_not_read(content_type: str) -> None:
    headers = {"Content-Type": content_type}
    stream = Pieces(RuntimeError("The body was read."))
    assert flaw_of(httpx2.Response(200, headers=headers, stream=stream)) is Flaw.NOT_JSON
    assert stream.is_closed


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_packed_answer_is_not_unpacked(encoding: str) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    stream = Pieces(gzip.compress(b"{}"))
    assert flaw_of(httpx2.Response(200, headers=headers, stream=stream)) is Flaw.ENCODED


def test_an_answer_that_says_it_is_plain_is_read() -> None:
    headers = {**JSON, "Content-Encoding": "Identity"}
    assert fetch(httpx2.Response(200, headers=headers, content=b"{}")).body == {}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304, 300])
def test_a_redirect_is_not_followed(status: int) -> None:
    reply = httpx2.Response(status, headers={"Location": "http://169.254.169.254/"})
    assert flaw_of(reply) is Flaw.REDIRECT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b'{"a": }',
        b"\xff\xfe\xff",
        b"[" * 5000,
        b"1" * 5000,
        b'{"a"' + b":1" * 3,
    ],
)
def test_a_broken_body_is_not_json(body: bytes) -> None:
    assert flaw_of(streamed(body)) is Flaw.NOT_JSON


def test_a_body_of_the_cap_is_read_and_one_byte_more_is_not() -> None:
    fitting = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    assert fetch(streamed(fitting)).body == "x" * (MAX_BODY_BYTES - 2)
    assert flaw_of(streamed(fitting, b" ")) is Flaw.TOO_LARGE


def test_an_endless_body_is_left_at_the_cap() -> None:
    read = count()

    class Endless(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                next(read)
                yield b" " * 65536

    reply = httpx2.Response(200, headers=JSON, stream=Endless())
    assert flaw_of(reply) is Flaw.TOO_LARGE
    assert next(read) == MAX_BODY_BYTES // 65536 + 1


def test_more_values_than_an_answer_ever_has_are_not_parsed() -> None:
    assert flaw_of(streamed(json.dumps([0] * (MAX_JSON_VALUES + 1)).encode())) is Flaw.TOO_LARGE
    fitting = [0] * MAX_JSON_VALUES
    assert fetch(streamed(json.dumps(fitting).encode())).body == fitting


HUNGRY = {
    "lists": b"[" + b"[],[[]]," * 120_000 + b"0]",
    "objects": b'[{"a":{}}' + b',{"a":{}}' * 100_000 + b"]",
    "nesting": b'{"a":' * 150_000,
    "wide text": json.dumps("\U0001f511" + "x" * (MEBIBYTE - 100), ensure_ascii=False).encode(),
    "wide keys": b"["
    + b",".join(
        json.dumps({f"\U0001f511{n}" + "x" * 400: n}, ensure_ascii=False).encode()
        for n in range(2400)
    )
    + b"]",
    "numbers": b"[" + b",".join([b"9" * 4000] * 250) + b"]",
    "too much": b'"' + b"x" * 8 * MEBIBYTE + b'"',
}


@pytest.mark.parametrize("body", HUNGRY.values(), ids=HUNGRY)
def test_no_body_takes_more_than_ten_mebibytes(body: bytes) -> None:
    reply = streamed(*(body[start : start + 65536] for start in range(0, len(body), 65536)))
    tracemalloc.start()
    try:
        fetch(reply)
    except UnreadableAnswerError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak <= 10 * MEBIBYTE


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx2.ConnectTimeout("late"), Outage.TIMEOUT),
        (httpx2.ReadTimeout("late"), Outage.TIMEOUT),
        (httpx2.ConnectError("no"), Outage.CONNECTION),
        (httpx2.ReadError("cut"), Outage.CONNECTION),
        (httpx2.RemoteProtocolError("not HTTP"), Outage.CONNECTION),
    ],
)
def test_without_an_answer_the_vendor_is_unavailable(
    error: httpx2.TransportError, reason: Outage
) -> None:
    assert outage_of(error) is reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [(httpx2.ReadTimeout("late"), Outage.TIMEOUT), (httpx2.ReadError("cut"), Outage.CONNECTION)],
)
def test_a_connection_lost_in_the_body_is_an_outage(
    error: httpx2.TransportError, reason: Outage
) -> None:
    assert outage_of(streamed(b"{", error)) is reason


def test_a_body_that_ends_too_soon_is_truncated() -> None:
    assert flaw_of(streamed(b"{", httpx2.RemoteProtocolError("short"))) is Flaw.TRUNCATED


def test_a_deadline_that_is_over_sends_nothing() -> None:
    reply = RuntimeError("The request was sent.")
    with pytest.raises(VendorUnavailableError) as caught:
        fetch(reply, deadline=Deadline.after(0.0))
    assert caught.value.problem == "unavailable.timeout"


def test_the_deadline_holds_between_pieces_too() -> None:
    seconds = count()
    deadline = Deadline(at=3.0, clock=lambda: float(next(seconds)))
    with pytest.raises(VendorUnavailableError) as caught:
        fetch(streamed(*[b" "] * 10), deadline=deadline)
    assert caught.value.reason is Outage.TIMEOUT


def test_an_error_keeps_its_body_where_it_is_json() -> None:
    answer = fetch(httpx2.Response(404, json={"message": "No."}))
    assert (answer.status, answer.body) == (404, {"message": "No."})


@pytest.mark.parametrize(
    "reply",
    [
        httpx2.Response(500, html="<h1>Oops</h1>"),
        httpx2.Response(401),
        streamed(b"x" * (MAX_BODY_BYTES + 1), status=500),
        streamed(b"{", httpx2.ReadError("cut"), status=429),
        httpx2.Response(503, headers={**JSON, "Content-Encoding": "gzip"}, content=b"x"),
    ],
)
def test_an_error_is_known_by_its_status_whatever_its_body(reply: httpx2.Response) -> None:
    answer = fetch(reply)
    assert (answer.status, answer.body) == (reply.status_code, None)


def test_an_unsafe_address_is_passed_on() -> None:
    with pytest.raises(UnsafeAddressError):
        fetch(UnsafeAddressError())
