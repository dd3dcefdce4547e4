import json

import pytest

from simulator.control_input import ControlError, read_fault, read_key_change, read_object
from simulator.faults import FaultKind
from tests.simulator.stand_in import KEY, SECRET


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"null", b"[]", b'"x"', b"1", b"[" * 100_000, b'{"a":' * 50_000, b"\x00"],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ControlError) as caught:
        read_object(body)
    assert caught.value.status == 400


def test_every_field_of_a_key_is_read() -> None:
    change = read_key_change(
        {
            "key": KEY,
            "secret": SECRET,
            "cluster": "us1",
            "shop_id": 7,
            "language": ["nl", "en", "nl"],
            "enabled": False,
            "permissions": {"orders": {"read": False}},
        }
    )
    assert (change.key, change.secret, change.cluster) == (KEY, SECRET, "us1")
    assert (change.shop_id, change.languages, change.is_enabled) == (7, ("nl", "en"), False)
    assert change.permissions == {"orders": {"read": False}}


def test_fields_that_are_not_given_stay_open() -> None:
    change = read_key_change({"key": KEY})
    assert change.secret is change.cluster is change.shop_id is change.languages is None
    assert change.is_enabled is change.permissions is None


def test_a_shop_id_may_be_written_as_text() -> None:
    assert read_key_change({"key": KEY, "shop_id": "42"}).shop_id == 42


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", None),
        ("key", ""),
        ("key", "a b"),
        ("key", "a:b"),
        ("key", "é"),
        ("key", "x" * 257),
        ("key", "x\n"),
        ("secret", 5),
        ("secret", ""),
        ("secret", "a b"),
        ("cluster", "eu2"),
        ("cluster", ["eu1"]),
        ("shop_id", 0),
        ("shop_id", -1),
        ("shop_id", True),
        ("shop_id", 1.5),
        ("shop_id", "x"),
        ("shop_id", 2**60),
        ("language", ""),
        ("language", []),
        ("language", "EN"),
        ("language", "eng"),
        ("language", ["en", 1]),
        ("language", {"en": True}),
        ("enabled", 1),
        ("enabled", None),
        ("permissions", []),
        ("permissions.sales", {"permissions": {"sales": {}}}),
        ("permissions.orders", {"permissions": {"orders": True}}),
        ("permissions.orders.delete", {"permissions": {"orders": {"delete": True}}}),
        ("permissions.orders.read", {"permissions": {"orders": {"read": "yes"}}}),
        ("colour", "red"),
    ],
)
def test_a_wrong_field_of_a_key_is_named(field: str, value: object) -> None:
    fields = value if isinstance(value, dict) and "." in field else {field: value}
    with pytest.raises(ControlError) as caught:
        read_key_change({"key": KEY, **fields})
    assert (caught.value.status, caught.value.field) == (422, field)


def test_a_key_change_without_a_key_is_refused() -> None:
    with pytest.raises(ControlError) as caught:
        read_key_change({"secret": SECRET})
    assert caught.value.field == "key"


@pytest.mark.parametrize("kind", [str(kind) for kind in FaultKind])
def test_every_kind_of_fault_is_known(kind: str) -> None:
    planned = read_fault({"path": "shop", "kind": kind})
    assert (planned.path, planned.fault.kind, planned.count) == ("shop", kind, 1)


def test_a_slow_answer_takes_longer_than_a_client_should_wait() -> None:
    assert read_fault({"path": "", "kind": "slow"}).fault.seconds == 12


def test_the_measures_of_a_fault_can_be_given() -> None:
    planned = read_fault({"path": "", "kind": "giant", "count": 3, "seconds": 0.5, "bytes": 99})
    assert (planned.count, planned.fault.seconds, planned.fault.size_bytes) == (3, 0.5, 99)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", None),
        ("path", 1),
        ("kind", None),
        ("kind", "fire"),
        ("kind", 500),
        ("count", 0),
        ("count", True),
        ("count", "1"),
        ("count", 10**9),
        ("seconds", -1),
        ("seconds", 601),
        ("seconds", "1"),
        ("seconds", True),
        ("seconds", json.loads("NaN")),
        ("bytes", 0),
        ("bytes", 2**40),
        ("colour", "red"),
    ],
)
def test_a_wrong_field_of_a_fault_is_named(field: str, value: object) -> None:
    with pytest.raises(ControlError) as caught:
        read_fault({"path": "shop", "kind": "slow", field: value})
    assert (caught.value.status, caught.value.field) == (422, field)
