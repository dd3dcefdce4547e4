from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed.ratelimits import (
    DEFAULT_LIMITS,
    REPORTED_WINDOWS_SECONDS,
    WindowReading,
    read_rate_limit_headers,
    read_ratelimit_resource,
    retry_after_seconds,
)
from tests.lightspeed.vendor import NOON


def test_the_known_limits_are_data() -> None:
    assert [(known.limit, known.seconds) for known in DEFAULT_LIMITS] == [
        (20, 1),
        (300, 300),
        (3000, 3600),
        (12000, 86400),
    ]


def test_three_parts_are_five_minutes_an_hour_and_a_day() -> None:
    assert read_rate_limit_headers(
        limit="300/3000/12000", remaining="299/2999/11999", reset="263/2063/23663"
    ) == (
        WindowReading(seconds=300, limit=300, remaining=299, reset_seconds=263),
        WindowReading(seconds=3600, limit=3000, remaining=2999, reset_seconds=2063),
        WindowReading(seconds=86400, limit=12000, remaining=11999, reset_seconds=23663),
    )


def test_a_blocked_window_has_nothing_left() -> None:
    first, *_ = read_rate_limit_headers(
        limit="300/3000/12000", remaining="-1/2700/11700", reset="12/600/9000"
    )
    assert first == WindowReading(seconds=300, limit=300, remaining=0, reset_seconds=12)


def test_a_reset_is_never_longer_than_its_window() -> None:
    readings = read_rate_limit_headers(
        limit="300/3000/12000", remaining="1/1/1", reset="999999/-5/999999"
    )
    assert [reading.reset_seconds for reading in readings] == [300, 0, 86400]


def test_a_limit_of_nothing_is_no_limit_that_could_be_told() -> None:
    readings = read_rate_limit_headers(limit="0/-3/12000", remaining="1/1/1", reset=None)
    assert [reading.limit for reading in readings] == [None, None, 12000]


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "300",
        "300/3000",
        "300/3000/12000/1",
        "a/b/c",
        "1e3/2/3",
        "300//3",
        "٣٠٠/1/1",
        "9" * 4000,
    ],
)
def test_a_header_that_is_not_three_integers_counts_as_absent(garbage: str) -> None:
    assert read_rate_limit_headers(limit=garbage, remaining=garbage, reset=garbage) == ()
    readings = read_rate_limit_headers(limit=garbage, remaining="1/2/3", reset=None)
    assert [(one.limit, one.remaining, one.reset_seconds) for one in readings] == [
        (None, 1, None),
        (None, 2, None),
        (None, 3, None),
    ]


def test_spaces_around_the_parts_do_no_harm() -> None:
    readings = read_rate_limit_headers(limit=" 300 / 3000 / 12000 ", remaining=None, reset=None)
    assert [reading.limit for reading in readings] == [300, 3000, 12000]


@given(limit=st.text(), remaining=st.text(), reset=st.text())
def test_no_text_upsets_the_reader(limit: str, remaining: str, reset: str) -> None:
    for reading in read_rate_limit_headers(limit=limit, remaining=remaining, reset=reset):
        assert reading.seconds in REPORTED_WINDOWS_SECONDS


def test_the_resource_says_the_same_as_the_headers() -> None:
    wire = {
        "limit5Min": {"limit": 300, "remaining": -1, "reset": 5, "resetTime": "2026-11-22"},
        "limitHour": {"limit": "3000", "remaining": 10, "reset": 6},
        "limitDay": False,
    }
    assert read_ratelimit_resource(wire) == (
        WindowReading(seconds=300, limit=300, remaining=0, reset_seconds=5),
        WindowReading(seconds=3600, limit=3000, remaining=10, reset_seconds=6),
        WindowReading(seconds=86400, limit=None, remaining=None, reset_seconds=None),
    )


def test_a_resource_without_windows_is_none() -> None:
    assert read_ratelimit_resource({"limit5Min": False}) is None


def _wait(*, remaining: str, reset: str | None = "12/600/9000", stated: str | None = None) -> int:
    readings = read_rate_limit_headers(limit="300/3000/12000", remaining=remaining, reset=reset)
    return retry_after_seconds(readings=readings, retry_after=stated, now=NOON)


def test_the_longest_exhausted_window_says_how_long_to_wait() -> None:
    assert _wait(remaining="-1/0/11700") == 600


def test_the_exhausted_window_wins_over_retry_after() -> None:
    assert _wait(remaining="-1/2700/11700", stated="1") == 12


def test_without_an_exhausted_window_retry_after_counts() -> None:
    assert _wait(remaining="5/5/5", stated=" 40 ") == 40


def test_an_exhausted_window_without_a_reset_leaves_it_to_retry_after() -> None:
    assert _wait(remaining="-1/5/5", reset=None, stated="40") == 40


def test_retry_after_may_be_a_date() -> None:
    assert _wait(remaining="5/5/5", stated="Sun, 22 Nov 2026 12:01:30 GMT") == 90


@pytest.mark.parametrize(
    "stated",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "9" * 5000,
        "Sun, 22 Nov 2026 12:01:30 -0000",
        "Sun, 22 Nov 2026 12:01:30 +99999999999999",
    ],
)
def test_with_room_in_all_three_windows_it_was_the_limit_per_second(stated: str | None) -> None:
    assert _wait(remaining="5/5/5", stated=stated) == 1


def test_a_429_that_tells_nothing_waits_for_the_shortest_window() -> None:
    assert retry_after_seconds(readings=(), retry_after=None, now=NOON) == 300


@pytest.mark.parametrize("stated", ["0", "Sun, 22 Nov 2026 11:00:00 GMT"])
def test_the_wait_is_at_least_a_second(stated: str) -> None:
    assert retry_after_seconds(readings=(), retry_after=stated, now=NOON) == 1


@pytest.mark.parametrize("stated", ["999999999", "Sun, 22 Nov 2099 11:00:00 GMT"])
def test_the_wait_is_at_most_a_day(stated: str) -> None:
    expected = int(timedelta(days=1).total_seconds())
    assert retry_after_seconds(readings=(), retry_after=stated, now=NOON) == expected
