import pytest

from simulator.wire import (
    MAX_KEPT_BODY_BYTES,
    MAX_READ_BODY_BYTES,
    Request,
    RequestReader,
    Response,
    WireError,
    encode_response,
)

HEAD = b"GET /en/shop.json?limit=2 HTTP/1.1\r\nHost: localhost\r\n"


def make_reader(data: bytes = b"") -> RequestReader:
    reader = RequestReader(cluster="us1", peer="127.0.0.1")
    reader.feed(data)
    return reader


def read(data: bytes) -> Request:
    return make_reader(data).next_request()


def test_a_request_is_read_whole() -> None:
    request = read(HEAD + b"X-Thing:  a \r\nContent-Length: 3\r\n\r\nabc")
    assert (request.method, request.path, request.query) == ("GET", "/en/shop.json", "limit=2")
    assert request.headers == {"host": "localhost", "x-thing": "a", "content-length": "3"}
    assert (request.body, request.cluster, request.peer) == (b"abc", "us1", "127.0.0.1")
    assert request.parameters() == {"limit": "2"}


def test_a_request_may_come_byte_by_byte() -> None:
    reader = make_reader()
    whole = HEAD + b"Content-Length: 2\r\n\r\nhi"
    for index in range(len(whole)):
        assert reader.next_request() is None
        reader.feed(whole[index : index + 1])
    assert reader.next_request().body == b"hi"


def test_requests_that_come_together_are_read_in_order() -> None:
    reader = make_reader(HEAD + b"Content-Length: 1\r\n\r\na" + HEAD + b"\r\n")
    assert reader.next_request().body == b"a"
    assert reader.next_request().body == b""
    assert reader.next_request() is None


def test_an_address_in_the_request_line_is_left_out() -> None:
    assert read(b"GET http://localhost:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n").path == "/x"
    assert read(b"GET http://localhost:1 HTTP/1.1\r\nHost: a\r\n\r\n").path == "/"


def test_repeated_headers_are_joined() -> None:
    assert read(HEAD + b"A: 1\r\na: 2\r\n\r\n").headers["a"] == "1, 2"


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_a_connection_is_kept_as_the_client_wants(
    version: bytes, connection: bytes, kept: bool
) -> None:
    data = b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + connection + b"\r\n"
    assert read(data).is_kept_alive is kept


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2\r\nHost: a\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (HEAD + b"no colon\r\n\r\n", 400),
        (HEAD + b" folded: x\r\n\r\n", 400),
        (HEAD + b": x\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: 9999999999999999\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 411),
        (HEAD + f"Content-Length: {MAX_READ_BODY_BYTES + 1}\r\n\r\n".encode(), 413),
        (b"GET / HTTP/1.1\r\n" + b"x" * 40_000, 431),
    ],
)
def test_bytes_that_are_no_request_are_refused(data: bytes, status: int) -> None:
    with pytest.raises(WireError) as caught:
        read(data)
    assert caught.value.status == status


def test_a_large_body_is_read_and_thrown_away() -> None:
    size = MAX_KEPT_BODY_BYTES + 1
    reader = make_reader(HEAD + f"Content-Length: {size}\r\n\r\n".encode())
    for _ in range(16):
        assert reader.next_request() is None
        reader.feed(b"x" * (MAX_KEPT_BODY_BYTES // 16))
        assert reader.buffered_bytes <= MAX_KEPT_BODY_BYTES // 16
    assert reader.next_request() is None
    reader.feed(b"x" + HEAD + b"\r\n")
    request = reader.next_request()
    assert (request.body, request.is_body_dropped) == (b"", True)
    assert not reader.next_request().is_body_dropped


def test_two_large_bodies_in_a_row_are_told_apart() -> None:
    size = MAX_KEPT_BODY_BYTES + 1
    large = HEAD + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size
    reader = make_reader(large + large + HEAD + b"\r\n")
    requests = [reader.next_request() for _ in range(3)]
    assert [request.is_body_dropped for request in requests] == [True, True, False]


def test_a_client_that_waits_is_told_to_go_on_until_its_body_comes() -> None:
    reader = make_reader(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert not reader.awaits_continue()
    assert reader.next_request() is None
    assert reader.awaits_continue()
    reader.feed(b"a")
    assert not reader.awaits_continue()


def test_an_answer_carries_its_length() -> None:
    data = encode_response(
        response=Response(status=200, body=b"{}", headers=(("X-A", "b"),)), keep_alive=True
    )
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert b"Content-Length: 2" in head
    assert b"X-A: b" in head
    assert b"Connection" not in head
    assert body == b"{}"


def test_an_answer_without_content_carries_no_length() -> None:
    data = encode_response(response=Response(status=204), keep_alive=False)
    assert b"Content-" not in data
    assert b"Connection: close" in data


def test_an_answer_to_head_claims_the_length_and_has_no_body() -> None:
    data = encode_response(
        response=Response(status=200, body=b"{}"), keep_alive=True, with_body=False
    )
    assert b"Content-Length: 2" in data
    assert data.endswith(b"\r\n\r\n")
