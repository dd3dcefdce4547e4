"""The server against clients of every kind."""

import json

import pytest

from simulator.running import RunningSimulator
from tests.simulator.stand_in import authorization, dial, fetch, read_all

HEAD = f"Host: localhost\r\nAuthorization: {authorization()}\r\n"
GET = f"GET /en/shop.json HTTP/1.1\r\n{HEAD}\r\n".encode()
LAST = f"GET /en/shop.json HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode()


def talk(simulator: RunningSimulator, data: bytes) -> bytes:
    with dial(simulator) as sock:
        sock.sendall(data)
        return read_all(sock)


def test_a_connection_carries_several_requests(simulator: RunningSimulator) -> None:
    with dial(simulator) as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert sock.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_together_are_answered_in_order(simulator: RunningSimulator) -> None:
    missing = GET.replace(b"/en/", b"/nl/")
    answers = talk(simulator, GET + missing + LAST)
    lines = [line for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # A body has no line end, so the next answer begins on the last line of the one before.
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.count(b"HTTP/1.1 404 Not Found") == 1


def test_a_client_that_reads_late_gets_every_answer(simulator: RunningSimulator) -> None:
    many = GET.replace(b"shop", b"products") * 5_000
    with dial(simulator) as sock:
        sock.sendall(many + LAST)
        for _ in range(20):  # rounds in which the server could read all that was sent
            assert fetch(simulator.url_eu1, "/en/shop.json").status == 200
        assert simulator.stats()["requests"] < 5_000
        assert read_all(sock).count(b"HTTP/1.1 200 OK") == 5_001


def test_a_client_cannot_fill_the_memory_while_it_waits(simulator: RunningSimulator) -> None:
    simulator.add_fault(path="", kind="hang")
    with dial(simulator) as sock:
        sock.sendall(GET)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.sendall(bytes(64 * 1_048_576))


def test_a_client_that_does_not_finish_its_request_is_let_go() -> None:
    with RunningSimulator(quiet_seconds=0.05) as running, dial(running) as sock:
        sock.sendall(GET[:40])
        assert read_all(sock) == b""


def test_a_client_that_waits_for_its_answer_is_not_let_go() -> None:
    with RunningSimulator(quiet_seconds=0.05) as running, dial(running) as sock:
        running.add_fault(path="", kind="slow", seconds=0.3)
        sock.sendall(LAST)
        assert read_all(sock).endswith(b"}}")


def test_a_client_may_close_its_side_after_asking(simulator: RunningSimulator) -> None:
    assert talk(simulator, LAST).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00\xff\x16\x03 garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"A" * 100_000, b"431"),
        (f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 999999999\r\n\r\n".encode(), b"413"),
        (f"POST / HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode(), b"411"),
    ],
)
def test_garbage_gets_an_answer_and_the_server_lives(
    simulator: RunningSimulator, data: bytes, status: bytes
) -> None:
    answer = talk(simulator, data)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answer
    assert fetch(simulator.url_eu1, "/en/shop.json").status == 200


def test_a_refused_client_may_go_on_sending_and_still_reads_why(
    simulator: RunningSimulator,
) -> None:
    head = f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 999999999\r\n\r\n".encode()
    with dial(simulator) as sock:
        sock.sendall(head)
        for _ in range(64):
            sock.sendall(b"x" * 65_536)
        assert read_all(sock).startswith(b"HTTP/1.1 413")


def test_garbage_is_no_vendor_request(simulator: RunningSimulator) -> None:
    talk(simulator, b"nonsense\r\n\r\n")
    assert simulator.stats()["requests"] == 0


def test_a_body_of_ten_megabytes_is_refused_and_the_connection_stays(
    simulator: RunningSimulator,
) -> None:
    size = 10 * 1_048_576
    head = f"POST /en/products.json HTTP/1.1\r\n{HEAD}Content-Length: {size}\r\n\r\n".encode()
    answers = talk(simulator, head + b"x" * size + LAST)
    assert answers.startswith(b"HTTP/1.1 413")
    assert answers.count(b"HTTP/1.1 200 OK") == 1


def test_a_client_that_waits_for_a_go_ahead_gets_it(simulator: RunningSimulator) -> None:
    body = b'{"product": {}}'
    head = (
        f"POST /en/products.json HTTP/1.1\r\n{HEAD}Expect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with dial(simulator) as sock:
        sock.sendall(head.encode())
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(100).startswith(b"HTTP/1.1 201 Created")


def test_a_slow_client_does_not_hold_up_others(simulator: RunningSimulator) -> None:
    with dial(simulator) as sock:
        sock.sendall(GET[:40])
        assert fetch(simulator.url_eu1, "/en/shop.json").status == 200
        sock.sendall(GET[40:])
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_head_gets_no_body(simulator: RunningSimulator) -> None:
    answer = talk(simulator, LAST.replace(b"GET", b"HEAD", 1))
    assert answer.endswith(b"\r\n\r\n")


def test_both_clusters_share_their_state(simulator: RunningSimulator) -> None:
    assert fetch(simulator.url_eu1, "/en/shop.json").status == 200
    assert fetch(simulator.url_us1, "/en/shop.json").status == 401
    assert json.loads(fetch(simulator.url_us1, "/_sim/stats").body) == {
        "requests": 2,
        "by_status": {"200": 1, "401": 1},
        "token_calls": 0,
    }
