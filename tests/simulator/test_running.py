from pathlib import Path

import pytest

from simulator.control_input import ControlError
from simulator.running import RunningSimulator
from tests.simulator.stand_in import KEY, NOON, SECRET, HandClock, fetch


def test_a_stand_in_lives_as_long_as_its_block() -> None:
    with RunningSimulator() as running:
        url = running.url_eu1
        running.put_key(key=KEY, secret=SECRET)
        assert fetch(url, "/en/shop.json").status == 200
    with pytest.raises(ConnectionRefusedError):
        fetch(url, "/en/shop.json")


def test_two_stand_ins_know_nothing_of_each_other() -> None:
    with RunningSimulator() as one, RunningSimulator() as other:
        one.put_key(key=KEY, secret=SECRET)
        assert fetch(one.url_eu1, "/en/shop.json").status == 200
        assert fetch(other.url_eu1, "/en/shop.json").status == 401


def test_a_wrong_field_is_raised_in_the_callers_thread() -> None:
    with RunningSimulator() as running, pytest.raises(ControlError, match="two-letter"):
        running.put_key(key=KEY, secret=SECRET, language="english")


def test_time_can_be_set_by_hand() -> None:
    clock = HandClock(now=NOON + 200)
    with RunningSimulator(limits="1/300", clock=clock) as running:
        running.put_key(key=KEY, secret=SECRET)
        first, second = (fetch(running.url_eu1, "/en/shop.json") for _ in range(2))
        assert (first.status, second.status) == (200, 429)
        assert second.headers["X-RateLimit-Reset"] == "100"
        clock.now += 100
        assert fetch(running.url_eu1, "/en/shop.json").status == 200


def test_keys_outlive_the_stand_in_and_windows_do_not(tmp_path: Path) -> None:
    path = tmp_path / "simulator.jsonl"
    with RunningSimulator(state_file=path, limits="5/300") as running:
        running.put_key(key=KEY, secret=SECRET, shop_id=77)
        fetch(running.url_eu1, "/en/shop.json")
    with RunningSimulator(state_file=path, limits="5/300") as running:
        answer = fetch(running.url_eu1, "/en/shop.json")
    assert answer.status == 200
    assert answer.headers["X-RateLimit-Remaining"] == "4"
    assert SECRET not in path.read_text()


def test_a_state_file_that_cannot_be_written_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "simulator.jsonl"
    with RunningSimulator(state_file=path) as running:
        path.unlink()
        with pytest.raises(ControlError) as caught:
            running.put_key(key=KEY, secret=SECRET)
        assert caught.value.status == 500
        assert fetch(running.url_eu1, "/en/shop.json").status == 401
