"""Every fault as a client meets it on the wire."""

import asyncio
import gzip
import http.client
import json
import socket
import zlib

import pytest

from simulator.mishaps import METADATA_ADDRESS, gzip_bomb
from simulator.running import RunningSimulator
from tests.simulator.stand_in import Answer, authorization, dial, fetch, read_all

PATH = "/en/products.json"
PLAIN = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization()}\r\n\r\n".encode()
)


def plan(simulator: RunningSimulator, kind: str, **options: float) -> None:
    simulator.add_fault(path="products", kind=kind, **options)


def fetch_products(simulator: RunningSimulator) -> Answer:
    return fetch(simulator.url_eu1, PATH)


def talk(simulator: RunningSimulator) -> bytes:
    """Send one request on a bare connection and read to its end."""
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        return read_all(sock)


def test_a_fault_passes_and_the_vendor_is_well_again(simulator: RunningSimulator) -> None:
    plan(simulator, "500", count=2)
    statuses = [fetch_products(simulator).status for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert simulator.stats() == {
        "requests": 3,
        "by_status": {"200": 1, "500": 2},
        "token_calls": 0,
    }


def test_a_server_error_is_no_json_and_keeps_the_rate_headers(simulator: RunningSimulator) -> None:
    plan(simulator, "500")
    answer = fetch_products(simulator)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-RateLimit-Remaining"] == "99999/199999/299999"
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_a_throttled_key_reads_a_reset_and_no_retry_after(simulator: RunningSimulator) -> None:
    plan(simulator, "429")
    answer = fetch_products(simulator)
    assert answer.status == 429
    assert answer.headers["X-RateLimit-Remaining"] == "-1/200000/300000"
    assert "X-RateLimit-Reset" in answer.headers
    assert "Retry-After" not in answer.headers
    assert json.loads(answer.body)["error"]["code"] == 429


def test_a_throttling_takes_no_room(simulator: RunningSimulator) -> None:
    plan(simulator, "429")
    fetch_products(simulator)
    remaining = fetch_products(simulator).headers["X-RateLimit-Remaining"]
    assert remaining == "99999/199999/299999"


def test_an_unknown_key_can_be_throttled(simulator: RunningSimulator) -> None:
    plan(simulator, "429")
    assert fetch(simulator.url_eu1, PATH, Authorization="Basic eDp5").status == 429


def test_a_good_key_can_be_denied(simulator: RunningSimulator) -> None:
    plan(simulator, "401")
    answer = fetch_products(simulator)
    assert json.loads(answer.body)["error"]["message"] == "Access denied."
    assert "X-RateLimit-Limit" not in answer.headers


def test_a_page_of_html_says_that_all_is_well(simulator: RunningSimulator) -> None:
    plan(simulator, "html")
    answer = fetch_products(simulator)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")


def test_a_redirect_points_inward(simulator: RunningSimulator) -> None:
    plan(simulator, "redirect")
    answer = fetch_products(simulator)
    assert (answer.status, answer.headers["Location"]) == (302, METADATA_ADDRESS)


def test_a_truncated_answer_claims_more_than_it_brings(simulator: RunningSimulator) -> None:
    plan(simulator, "truncate")
    with pytest.raises(http.client.IncompleteRead) as caught:
        fetch_products(simulator)
    assert caught.value.expected
    with pytest.raises(json.JSONDecodeError):
        json.loads(caught.value.partial)


def test_a_giant_answer_is_json_of_the_size_asked_for(simulator: RunningSimulator) -> None:
    plan(simulator, "giant", size_bytes=3_000_000)
    answer = fetch_products(simulator)
    assert len(answer.body) == 3_000_000
    assert list(json.loads(answer.body)) == ["products"]


def test_a_giant_answer_may_be_left_unread(simulator: RunningSimulator) -> None:
    plan(simulator, "giant")
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        assert b"Content-Length: 67108864\r\n" in sock.recv(512)
        assert fetch_products(simulator).status == 200
    assert fetch_products(simulator).status == 200


def test_a_giant_answer_waits_for_a_client_that_reads_late(simulator: RunningSimulator) -> None:
    plan(simulator, "giant", size_bytes=16_777_216)
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        assert fetch_products(simulator).status == 200
        assert len(read_all(sock).partition(b"\r\n\r\n")[2]) == 16_777_216


def test_a_gzip_bomb_is_small_on_the_wire_and_large_in_memory(simulator: RunningSimulator) -> None:
    plan(simulator, "gzip-bomb", size_bytes=8 * 1_048_576)
    answer = fetch_products(simulator)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 100_000
    plain = gzip.decompress(answer.body)
    assert len(plain) > 8 * 1_048_576
    assert list(json.loads(plain)) == ["products"]


def test_a_gzip_bomb_is_one_stream() -> None:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    plain = reader.decompress(gzip_bomb(2 * 1_048_576))
    assert reader.eof
    assert reader.unused_data == b""
    assert len(plain) > 2 * 1_048_576


def test_a_slow_answer_trickles_in_whole(simulator: RunningSimulator) -> None:
    plan(simulator, "slow", seconds=0.6)
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        first = sock.recv(65_536)
        assert first.startswith(b"HTTP/1.1 200 OK")
        assert not first.endswith(b"]}")
        rest = sock.recv(65_536)
        while not rest.endswith(b"]}"):
            rest += sock.recv(65_536)
        head, _, body = (first + rest).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head


def test_a_connection_outlives_a_slow_answer(simulator: RunningSimulator) -> None:
    plan(simulator, "slow", seconds=0.01)
    with dial(simulator) as sock:
        sock.sendall(PLAIN + PLAIN.replace(b"Host:", b"Connection: close\r\nHost:"))
        assert read_all(sock).count(b"HTTP/1.1 200 OK") == 2


def test_a_client_may_leave_during_a_slow_answer(simulator: RunningSimulator) -> None:
    plan(simulator, "slow", seconds=60)
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        assert sock.recv(16)
        during = len(simulator._call(asyncio.all_tasks))
    assert fetch_products(simulator).status == 200
    assert len(simulator._call(asyncio.all_tasks)) == during - 1


def test_a_hanging_request_is_never_answered(simulator: RunningSimulator) -> None:
    plan(simulator, "hang", seconds=0.05)
    assert talk(simulator) == b""
    assert simulator.stats()["by_status"] == {}
    assert simulator.stats()["requests"] == 1


def test_a_reset_connection_ends_hard(simulator: RunningSimulator) -> None:
    plan(simulator, "reset")
    with pytest.raises(ConnectionResetError):
        talk(simulator)


def test_others_are_served_while_one_hangs(simulator: RunningSimulator) -> None:
    plan(simulator, "hang", seconds=60)
    with dial(simulator) as sock:
        sock.sendall(PLAIN)
        sock.settimeout(0.05)
        with pytest.raises(socket.timeout):
            sock.recv(1)
        assert fetch_products(simulator).status == 200


def test_a_fault_leaves_other_resources_alone(simulator: RunningSimulator) -> None:
    plan(simulator, "500")
    assert fetch(simulator.url_eu1, "/en/orders.json").status == 200
