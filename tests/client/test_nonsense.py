"""The client against a server that is not Latchkey, or not in its right mind."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.client.answering import answering

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.connection import MOST_BYTES, Connection
from latchkey.errors import LatchkeyError, LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.lease import Lease
from latchkey.pool import Pool

USE_BY = "2026-01-01T00:00:00Z"
CREDENTIAL = {"id": "c", "base_url": "https://v.example.test/", "language": "nl"}
PAIR = {"key": "k", "secret": "canary-secret"}
SEALED = {"backend_id": "b", "sealed": "not base64"}


def _lease(**changes: Any) -> dict[str, Any]:
    return {
        "lease": {"id": "l", "permits": 2, "use_by": USE_BY},
        "credential": {**CREDENTIAL, **PAIR},
        **changes,
    }


def _of_lease(**changes: Any) -> dict[str, Any]:
    return _lease(lease={"id": "l", "permits": 2, "use_by": USE_BY, **changes})


def _of_credential(**changes: Any) -> dict[str, Any]:
    return _lease(credential={**CREDENTIAL, **PAIR, **changes})


def _http(body: bytes, status: str = "201 Created", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _json(answer: object, status: str = "201 Created", *headers: str) -> bytes:
    return _http(json.dumps(answer).encode(), status, *headers)


def _connection(url: str, **options: Any) -> Connection:
    return Connection(url=url, token="lk_x", **options)  # nobody's


def _ask(url: str, store: str = "s", **options: Any) -> Lease:
    with closing(_connection(url, **options)) as connection:
        return connection.lease(store)


GOOD = _json(_lease())
PAGE = b"<html><h1>502 Bad Gateway</h1></html>"
NONSENSE = {
    "nothing": b"",
    "garbage": b"\xff\x00 what?\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "half a head": b"HTTP/1.1 201 Created\r\nContent-Le",
    "half a body": GOOD[:-40],
    "no end of chunks": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    "a chunk of no size": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a page": _http(PAGE),
    "a page of a proxy": _http(PAGE, "502 Bad Gateway"),
    "an error nobody knows": _http(b"", "522 Whatever"),
    "a problem of ours": _json({"type": "unavailable"}, "503 Service Unavailable"),
    "a redirect": _http(b"", "302 Found", "Location: http://127.0.0.1/"),
    "a redirect with a lease": _json(_lease(), "307 Temporary Redirect"),
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "an early hint": b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD,
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a list": _json([_lease()]),
    "a number": _json(5),
    "nested too deep": _http(b"[" * 200_000),
    "more than anybody reads": _http(json.dumps(_lease()).encode() + b" " * MOST_BYTES),
    "not UTF-8": _http(b'{"lease": "\xff"}'),
    "an empty object": _json({}),
    "a list for a lease": _json(_lease(lease=[])),
    "nothing for a credential": _json(_lease(credential=None)),
    "no id": _json(_of_lease(id=None)),
    "no permits": _json(_of_lease(permits=0)),
    "permits below none": _json(_of_lease(permits=-3)),
    "permits in words": _json(_of_lease(permits="5")),
    "true permits": _json(_of_lease(permits=True)),
    "permits that are NaN": _json(_of_lease(permits=float("nan"))),
    "a use-by in words": _json(_of_lease(use_by="soon")),
    "a use-by without a zone": _json(_of_lease(use_by="2026-01-01T00:00:00")),
    "a use-by that is a number": _json(_of_lease(use_by=5)),
    "no secret": _json(_of_credential(secret=None)),
    "a secret that is none": _json(_of_credential(secret=["canary-secret"])),
    "no address": _json(_of_credential(base_url=5)),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_an_outage_and_shows_nothing_of_it(name: str) -> None:
    with answering(NONSENSE[name]) as server, pytest.raises(UnavailableError) as raised:
        _ask(server.url)

    assert server.asked == 1
    assert "canary" not in str(raised.value)


def test_the_same_answer_in_its_right_mind_is_a_lease() -> None:
    with answering(GOOD) as server:
        assert _ask(server.url).credential == PAIR


def test_an_answer_that_comes_later_is_not_taken_for_that_of_the_next_request() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    with answering(hint, GOOD) as server, closing(_connection(server.url)) as connection:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                connection.lease("s")


@pytest.mark.parametrize(
    "piece", [b"", b"HTTP/1.1 403 F", b"HTTP/1.1 201 Created\r\nX: ", GOOD[:-30]]
)
def test_an_answer_that_drips_is_left_at_the_deadline(piece: bytes) -> None:
    with answering(piece, is_dripping=True) as server, pytest.raises(UnavailableError):
        _ask(server.url, answer_seconds=0.2)


@pytest.mark.parametrize(
    ("told", "header", "seconds"),
    [
        (1.25, "9", 1.25),
        ("soon", "3", 3.0),
        (float("nan"), "3", 3.0),
        (float("inf"), "nan", 1.0),
        (-5, "-5", 1.0),
        (None, "Wed, 21 Oct 2026 07:28:00 GMT", 1.0),
        ([1], "2", 2.0),
    ],
)
def test_a_wait_is_a_number_of_seconds(told: Any, header: str, seconds: float) -> None:
    answer = _json({"retry_after_seconds": told}, "429 Too Many", f"Retry-After: {header}")

    with answering(answer) as server, pytest.raises(PoolEmptyError) as raised:
        _ask(server.url)

    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize("body", [PAGE, b"[]", b'{"type": 5, "title": null}', b""])
def test_a_refusal_in_anybodys_words_is_a_refusal(body: bytes) -> None:
    refusal = _http(body, "403 Forbidden")
    with answering(refusal) as server, pytest.raises(LeaseRefusedError) as raised:
        _ask(server.url)

    assert raised.value.status == 403


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ([{"loc": ["body", "permits"], "msg": "too many"}], "No (invalid): permits: too many"),
        ([{"loc": "permits"}, {"loc": []}, {"loc": {}}, 5], "No (invalid)"),
        ([{"loc": ["body", "permits"]}, {"loc": ["x"], "msg": 5}], "No (invalid): permits; x"),
        ({"loc": ["permits"]}, "No (invalid)"),
        (None, "No (invalid)"),
    ],
)
def test_a_refusal_names_what_is_wrong_where_that_is_told(errors: Any, text: str) -> None:
    refusal = _json({"type": "invalid", "title": "No", "errors": errors}, "422 Unprocessable")
    with answering(refusal) as server, pytest.raises(LeaseRefusedError) as raised:
        _ask(server.url)

    assert str(raised.value) == text


def test_a_refusal_brings_the_words_of_its_case() -> None:
    problem = {"type": "bad-signature", "title": "Not signed", "detail": "it bears none"}
    refusal = _json(problem, "401 Unauthorized")
    with answering(refusal) as server, pytest.raises(LeaseRefusedError) as raised:
        _ask(server.url)

    assert str(raised.value) == "Not signed (bad-signature): it bears none"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            _json(
                {"type": "internal", "title": "A fault", "detail": "", "request_id": "42"}, "500"
            ),
            "answered 500: A fault, 42",
        ),
        (
            _http(PAGE, "502 Bad Gateway"),
            "answered 502, not as Latchkey does: is LATCHKEY_URL right, and Latchkey up behind it?",
        ),
    ],
)
def test_an_outage_names_the_request_or_where_to_look(answer: bytes, said: str) -> None:
    with answering(answer) as server:
        url = server.url
        with pytest.raises(UnavailableError) as raised:
            _ask(url)

    assert str(raised.value) == f"{url} {said}"


def test_a_pool_that_is_empty_for_no_time_is_not_asked_again_and_again() -> None:
    slept: list[float] = []
    answer = _json({"retry_after_seconds": 0}, "429 Too Many Requests")
    clock = iter(range(10_000))
    with answering(answer) as server:
        pool = Pool(
            connection=_connection(server.url),
            store="s",
            wait_seconds=40,
            clock=lambda: float(next(clock)),
            sleep=slept.append,
        )
        with pytest.raises(PoolEmptyError):
            pool.take()

    assert slept[0] == 0.005
    assert slept[-1] == 0.1
    assert slept == sorted(slept)


def test_a_list_of_stores_that_begins_again_ends() -> None:
    with answering(_json({"stores": [{"id": "s"}], "next": "s"}, "200 OK")) as server:
        stores = _connection(server.url).stores()
        with pytest.raises(UnavailableError):
            list(stores)

    assert server.asked == 2


@pytest.mark.parametrize("answer", [_http(PAGE, "200 OK"), _json({"stores": 5}, "200 OK")])
def test_a_list_of_stores_that_is_none_is_an_outage(answer: bytes) -> None:
    with answering(answer) as server, pytest.raises(UnavailableError):
        list(_connection(server.url).stores())


@pytest.mark.parametrize("key", [None, b"short", bytes(32)])
def test_a_seal_that_is_none_is_said_so(key: bytes | None) -> None:
    sealed = _json(_lease(credential={**CREDENTIAL, **SEALED}))

    with answering(sealed) as server, pytest.raises(LatchkeyError) as raised:
        _ask(server.url, private_key=key)

    assert not isinstance(raised.value, UnavailableError)


def test_a_store_of_any_name_stays_one_part_of_the_address() -> None:
    with answering(_json({"type": "not-found"}, "404 Not Found")) as server:
        for store in ("../../stores", "a b", "x?y=1", "\r\nX: y", "é"):
            with pytest.raises(LeaseRefusedError):
                _ask(server.url, store)


@pytest.mark.parametrize(
    "url",
    ["ftp://h", "https://", "https://a:b@h", "http://h:port", "http://h:99999", "h:80", "http://["],
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        _connection(url)
