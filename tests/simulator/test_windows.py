from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.limits import parse_limits
from simulator.windows import FixedMeter, Meter, SlidingMeter, span_at
from tests.simulator.stand_in import NOON, HandClock

METERS = {"fixed": FixedMeter, "sliding": SlidingMeter}


def make_meter(kind: str, limits: str, **options: Any) -> tuple[Meter, HandClock]:
    clock = HandClock()
    return METERS[kind](limits=parse_limits(limits), clock=clock, **options), clock


def take_many(meter: Meter, count: int, key: str = "a") -> list[bool]:
    return [meter.take(key).is_admitted for _ in range(count)]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("kind", METERS)
def test_exactly_the_limit_is_admitted(kind: str) -> None:
    meter, _ = make_meter(kind, "3/10")
    assert take_many(meter, 5) == [True, True, True, False, False]


@pytest.mark.parametrize("kind", METERS)
def test_keys_do_not_share_windows(kind: str) -> None:
    meter, _ = make_meter(kind, "1/10")
    assert take_many(meter, 1, key="a") == take_many(meter, 1, key="b") == [True]


@pytest.mark.parametrize("kind", METERS)
def test_every_window_must_have_room(kind: str) -> None:
    meter, clock = make_meter(kind, "2/1,3/100")
    assert take_many(meter, 3) == [True, True, False]
    clock.now += 1
    assert take_many(meter, 3) == [True, False, False]


@pytest.mark.parametrize("kind", METERS)
def test_a_refused_request_takes_no_room(kind: str) -> None:
    meter, clock = make_meter(kind, "1/1,3/100")
    take_many(meter, 50)
    clock.now += 1
    assert meter.take("a").readings[1].remaining == 1


@pytest.mark.parametrize("kind", METERS)
def test_refused_requests_can_be_made_to_take_room(kind: str) -> None:
    meter, clock = make_meter(kind, "1/1,3/100", count_refused=True)
    take_many(meter, 50)
    clock.now += 1
    assert not meter.take("a").is_admitted


@pytest.mark.parametrize("kind", METERS)
def test_the_last_admitted_request_leaves_zero_and_the_next_reads_minus_one(kind: str) -> None:
    meter, _ = make_meter(kind, "2/10,9/100")
    take_many(meter, 1)
    assert [reading.remaining for reading in meter.take("a").readings] == [0, 7]
    assert [reading.remaining for reading in meter.take("a").readings] == [-1, 7]


@pytest.mark.parametrize("kind", METERS)
def test_looking_counts_nothing(kind: str) -> None:
    meter, _ = make_meter(kind, "1/10")
    assert meter.read("a").is_admitted
    assert meter.read("a").readings[0].remaining == 1
    assert take_many(meter, 2) == [True, False]


@pytest.mark.parametrize("kind", METERS)
def test_clearing_forgets_every_request(kind: str) -> None:
    meter, _ = make_meter(kind, "1/10")
    take_many(meter, 1)
    meter.clear()
    assert take_many(meter, 1) == [True]


def test_a_fixed_window_gives_way_all_at_once_at_its_end() -> None:
    meter, clock = make_meter("fixed", "3/10")
    clock.now = NOON + 9
    take_many(meter, 3)
    clock.now = NOON + 9.999
    assert take_many(meter, 1) == [False]
    clock.now = NOON + 10
    assert take_many(meter, 4) == [True, True, True, False]


def test_a_fixed_window_reports_the_whole_seconds_to_its_end() -> None:
    meter, clock = make_meter("fixed", "3/10")
    assert meter.take("a").readings[0].reset_seconds == 10
    clock.now = NOON + 9.001
    assert meter.take("a").readings[0].reset_seconds == 1


def test_a_sliding_window_gives_way_request_by_request() -> None:
    meter, clock = make_meter("sliding", "2/10")
    take_many(meter, 1)
    clock.now = NOON + 4
    take_many(meter, 1)
    clock.now = NOON + 9.999
    assert take_many(meter, 1) == [False]
    clock.now = NOON + 10
    assert take_many(meter, 2) == [True, False]
    clock.now = NOON + 14
    assert take_many(meter, 2) == [True, False]


def test_a_sliding_window_reports_when_it_next_gains_room() -> None:
    meter, clock = make_meter("sliding", "2/10")
    assert meter.read("a").readings[0].reset_seconds == 0
    take_many(meter, 1)
    clock.now = NOON + 3
    take_many(meter, 1)
    assert meter.take("a").readings[0].reset_seconds == 7


def test_a_sliding_window_that_refused_requests_fill_gains_room_later() -> None:
    meter, clock = make_meter("sliding", "2/10", count_refused=True)
    for second in range(5):
        clock.now = NOON + second
        take_many(meter, 1)
    assert meter.read("a").readings[0].resets_at == NOON + 13


def test_a_sliding_meter_counts_exactly_after_it_has_dropped_old_requests() -> None:
    meter, clock = make_meter("sliding", "1500/10")
    assert all(take_many(meter, 1_500))
    clock.now = NOON + 10
    assert take_many(meter, 1_501) == [True] * 1_500 + [False]


def test_a_sliding_meter_survives_a_clock_that_jumps_back() -> None:
    meter, clock = make_meter("sliding", "2/10")
    take_many(meter, 1)
    clock.now = NOON - 5
    assert take_many(meter, 2) == [True, False]
    clock.now = NOON + 10
    assert take_many(meter, 1) == [True]


@pytest.mark.parametrize(
    ("seconds", "start", "end"),
    [
        (300, "2026-11-22T13:25:00", "2026-11-22T13:30:00"),
        (3_600, "2026-11-22T13:00:00", "2026-11-22T14:00:00"),
        (86_400, "2026-11-21T23:00:00", "2026-11-22T23:00:00"),
    ],
)
def test_fixed_windows_begin_with_the_clock_and_the_vendors_midnight(
    seconds: int, start: str, end: str
) -> None:
    span = span_at(now=moment("2026-11-22T13:27:41"), seconds=seconds)
    assert (span.start, span.end) == (moment(start), moment(end))


def test_a_moment_on_a_boundary_belongs_to_the_later_window() -> None:
    assert span_at(now=600.0, seconds=300).start == 600.0


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29T12:00:00", 23), ("2026-10-25T12:00:00", 25)]
)
def test_a_day_of_changing_clocks_has_its_own_length(day: str, hours: int) -> None:
    span = span_at(now=moment(day), seconds=86_400)
    assert span.end - span.start == hours * 3_600


def test_both_hours_of_a_repeated_hour_belong_to_one_day() -> None:
    first, second = moment("2026-10-25T00:30:00"), moment("2026-10-25T01:30:00")
    assert span_at(now=first, seconds=86_400) == span_at(now=second, seconds=86_400)
