"""The control, over the wire and for strangers."""

import json

import pytest

from simulator.running import RunningSimulator
from simulator.wire import Request, Response
from tests.simulator.stand_in import OTHER_KEY, SECRET, fetch, make_site, put_key, steer

LOCAL = {"host": "127.0.0.1:8001"}


def error(body: bytes) -> dict[str, object]:
    return json.loads(body)["error"]


def test_a_new_key_is_created_and_then_changed(simulator: RunningSimulator) -> None:
    key = "51de" * 8
    created = steer(simulator.url_eu1, "keys", {"key": key, "secret": SECRET, "shop_id": 9})
    assert created.status == 201
    assert SECRET.encode() not in created.body
    changed = steer(
        simulator.url_eu1, "keys", {"key": key, "permissions": {"orders": {"write": False}}}
    )
    assert changed.status == 200
    expected = json.loads(created.body)
    expected["permissions"]["orders"]["write"] = False
    assert json.loads(changed.body) == expected


def test_a_key_belongs_to_the_cluster_of_the_port_that_took_it(simulator: RunningSimulator) -> None:
    created = steer(simulator.url_us1, "keys", {"key": "a51a" * 8, "secret": SECRET})
    assert json.loads(created.body)["cluster"] == "us1"


def test_a_cluster_that_is_given_wins_over_the_port(simulator: RunningSimulator) -> None:
    fields = {"key": "e55e" * 8, "secret": SECRET, "cluster": "eu1"}
    assert json.loads(steer(simulator.url_us1, "keys", fields).body)["cluster"] == "eu1"


def test_a_change_through_the_other_port_moves_nothing(simulator: RunningSimulator) -> None:
    put = simulator.put_key(key=OTHER_KEY, secret=SECRET, cluster="us1")
    changed = steer(simulator.url_eu1, "keys", {"key": OTHER_KEY, "shop_id": put["shop_id"]})
    assert json.loads(changed.body) == json.loads(json.dumps(put))


def test_a_new_key_without_its_secret_is_refused(simulator: RunningSimulator) -> None:
    answer = steer(simulator.url_eu1, "keys", {"key": "dead" * 8})
    assert answer.status == 422
    assert error(answer.body)["field"] == "secret"


def test_a_wrong_field_is_named(simulator: RunningSimulator) -> None:
    answer = steer(simulator.url_eu1, "faults", {"path": "", "kind": "fire"})
    assert answer.status == 422
    assert error(answer.body)["field"] == "kind"


@pytest.mark.parametrize("control", ["keys", "faults"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 500_000])
def test_a_body_that_is_no_object_is_refused(
    simulator: RunningSimulator, control: str, body: bytes
) -> None:
    answer = fetch(simulator.url_eu1, f"/_sim/{control}", method="POST", body=body)
    assert answer.status == 400


def test_a_body_that_is_too_large_is_refused(simulator: RunningSimulator) -> None:
    body = json.dumps({"key": "k" * 10_485_760}).encode()
    answer = fetch(simulator.url_eu1, "/_sim/keys", method="POST", body=body)
    assert answer.status == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_sim/keys", 405),
        ("POST", "/_sim/stats", 405),
        ("GET", "/_sim/reset", 405),
        ("GET", "/_sim/", 404),
        ("POST", "/_sim/keys/", 404),
    ],
)
def test_what_the_control_does_not_have_is_refused(
    simulator: RunningSimulator, method: str, path: str, status: int
) -> None:
    assert fetch(simulator.url_eu1, path, method=method).status == status


def test_a_fault_is_given_back_as_understood(simulator: RunningSimulator) -> None:
    answer = steer(simulator.url_eu1, "faults", {"path": "shop", "kind": "slow", "count": 2})
    assert answer.status == 201
    assert json.loads(answer.body) == {
        "path": "shop",
        "kind": "slow",
        "count": 2,
        "seconds": 12.0,
        "bytes": 1_048_576,
    }


def test_reset_clears_windows_faults_and_numbers_and_keeps_keys(
    simulator: RunningSimulator,
) -> None:
    steer(simulator.url_eu1, "faults", {"path": "shop", "kind": "500", "count": 9})
    fetch(simulator.url_eu1, "/en/shop.json")
    answer = fetch(simulator.url_eu1, "/_sim/reset", method="POST")
    assert json.loads(answer.body) == {"requests": 0, "by_status": {}, "token_calls": 0}
    after = fetch(simulator.url_eu1, "/en/shop.json")
    assert after.status == 200
    assert after.headers["X-RateLimit-Remaining"] == "99999/199999/299999"


def test_steering_is_no_vendor_request(simulator: RunningSimulator) -> None:
    steer(simulator.url_eu1, "faults", {"path": "x", "kind": "500"})
    assert simulator.stats()["requests"] == 0


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", LOCAL),
        ("::ffff:192.0.2.7", LOCAL),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"host": "shop.example"}),
        ("127.0.0.1", {"host": "127.0.0.1.example"}),
        ("127.0.0.1", {"host": "localhost:x"}),
        ("127.0.0.1", {**LOCAL, "origin": "https://shop.example"}),
        ("127.0.0.1", {**LOCAL, "origin": "null"}),
    ],
)
def test_strangers_may_not_steer(peer: str, headers: dict[str, str]) -> None:
    reply = make_site().reply(Request(method="GET", path="/_sim/stats", headers=headers, peer=peer))
    assert isinstance(reply, Response)
    assert reply.status == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:8001", "[::1]:2"]
)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_this_machine_may_steer(peer: str, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}"}
    reply = make_site().reply(Request(method="GET", path="/_sim/stats", headers=headers, peer=peer))
    assert isinstance(reply, Response)
    assert reply.status == 200


def test_what_the_control_says_of_a_key_holds_no_secret() -> None:
    described = put_key(make_site(), secret="5ec2e7" * 5)
    assert "5ec2e7" not in repr(described)
    assert described["last_four"] == described["key"][-4:]
