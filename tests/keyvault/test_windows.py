"""The arithmetic of windows: nothing is ever over-granted, and nothing is held back for long."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyvault import windows
from keyvault.windows import SECOND, KeyState, Window, WindowsError
from tests.keyvault.windows_model import START_US, Pool, Row, most_in_any_span

LIMITS = [(1, 4), (5, 9), (20, 21)]
TRANSIT_US = SECOND // 4

PAUSE = st.one_of(st.just(0), st.integers(0, SECOND), st.integers(0, 8 * SECOND))
STEP = st.one_of(
    st.tuples(st.just("lease"), PAUSE, st.integers(1, 6), st.integers(1, 3 * SECOND)),
    st.tuples(st.just("settle"), PAUSE, st.integers(0, 6), st.integers(0, 3 * SECOND)),
    st.tuples(st.just("back"), PAUSE, st.just(0), st.integers(0, 40 * SECOND)),
)
STEPS = st.lists(STEP, min_size=5, max_size=60)


class World:
    """True time, which the pool's clock may leave; what was sent, and when it arrived."""

    def __init__(self) -> None:
        self.pool = Pool(limits=LIMITS, transit_us=TRANSIT_US)
        self.true_us = START_US
        self.open: list[tuple[Row, int, int]] = []
        self.arrivals: list[int] = []

    def wait(self, us: int) -> None:
        self.true_us += us
        self.pool.now_us += us

    def lease(self, permits: int, use_within_us: int) -> None:
        row = self.pool.lease(permits=permits, use_within_us=use_within_us)
        if row is not None:
            self.open.append((row, self.true_us, use_within_us))

    def settle(self, used: int, lag_us: int) -> None:
        if self.open:
            row, granted_us, use_within_us = self.open.pop(0)
            used = min(used, row.counted)
            sent_after_us = min(lag_us, use_within_us, self.true_us - granted_us)
            self.arrivals += [granted_us + sent_after_us + TRANSIT_US] * used
            # The backend knows how long after the grant it sent, whatever the clocks do.
            self.pool.settle(
                row, used=used, last_used_us=row.use_by_us - use_within_us + sent_after_us
            )

    def close(self) -> None:
        """Who never settled may have used every permit at the worst moment."""
        for row, granted_us, use_within_us in self.open:
            self.arrivals += [granted_us + use_within_us + TRANSIT_US] * row.counted


def _play(steps: list[tuple[str, int, int, int]]) -> World:
    world = World()
    for kind, pause_us, count, span_us in steps:
        world.wait(pause_us)
        if kind == "lease":
            world.lease(count, span_us)
        elif kind == "settle":
            world.settle(count, span_us)
        else:
            world.pool.set_back(span_us)
    world.close()
    return world


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_no_span_of_any_window_is_ever_over_granted(
    steps: list[tuple[str, int, int, int]],
) -> None:
    world = _play(steps)

    for seconds, limit in LIMITS:
        assert most_in_any_span(world.arrivals, span_us=seconds * SECOND) <= limit


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_counters_agree_with_the_log(steps: list[tuple[str, int, int, int]]) -> None:
    pool = _play(steps).pool

    for window in pool.state.windows:
        assert window.counted == sum(
            row.counted for row in pool.log if row.use_by_us > window.horizon_us
        )


@settings(max_examples=200, deadline=None)
@given(
    asks=st.lists(st.tuples(PAUSE, st.integers(1, 6), st.integers(1, 2 * SECOND)), min_size=1),
)
def test_next_free_moment_is_exact(asks: list[tuple[int, int, int]]) -> None:
    pool = Pool(limits=LIMITS, transit_us=TRANSIT_US)
    for pause_us, permits, use_within_us in asks:
        pool.now_us += pause_us
        pool.lease(permits=permits, use_within_us=use_within_us)
    free_us = pool.state.next_free_us
    if free_us > pool.now_us:
        pool.now_us = free_us - 1
        assert windows.free_permits(state=pool.advanced()) == 0
        pool.now_us = free_us
    assert windows.free_permits(state=pool.advanced()) >= 1


def test_permits_of_a_lease_count_until_its_use_by_has_left_the_window() -> None:
    pool = Pool(limits=[(10, 2)], transit_us=TRANSIT_US)
    pool.lease(permits=2, use_within_us=2 * SECOND)

    pool.now_us += 12 * SECOND + TRANSIT_US - 1
    assert windows.free_permits(state=pool.advanced()) == 0
    pool.now_us += 1
    assert windows.free_permits(state=pool.advanced()) == 2


def test_a_settled_last_use_shortens_the_wait() -> None:
    pool = Pool(limits=[(10, 2)], transit_us=TRANSIT_US)
    row = pool.lease(permits=2, use_within_us=8 * SECOND)
    assert row is not None
    pool.settle(row, used=2, last_used_us=row.granted_us + SECOND)

    pool.now_us += 11 * SECOND + TRANSIT_US
    assert windows.free_permits(state=pool.advanced()) == 2


def test_a_cooled_key_gives_nothing_until_its_rest_is_over() -> None:
    pool = Pool(limits=[(10, 2)], transit_us=0)
    pool.state = windows.cooled(state=pool.state, until_us=START_US + SECOND)

    assert windows.free_permits(state=pool.advanced()) == 0
    pool.now_us += SECOND
    assert windows.free_permits(state=pool.advanced()) == 2


def test_batch_leaves_a_twentieth_of_each_window_to_interactive() -> None:
    pool = Pool(limits=[(10, 100)], transit_us=0)
    pool.lease(permits=95, use_within_us=SECOND)

    assert windows.free_permits(state=pool.advanced(), traffic_class="batch") == 0
    assert windows.free_permits(state=pool.advanced()) == 5


def test_batch_is_held_to_an_even_pace_over_the_longest_window() -> None:
    pool = Pool(limits=[(300, 300), (86_400, 12_000)], transit_us=0)

    first = pool.lease(permits=300, use_within_us=SECOND, traffic_class="batch")
    again = pool.lease(permits=300, use_within_us=SECOND, traffic_class="batch")

    assert first is not None
    assert first.counted == 1 + 300 * 11_400 // 86_400
    assert again is None
    assert windows.free_permits(state=pool.advanced()) == 300 - first.counted


def test_batch_goes_on_at_its_pace() -> None:
    pool = Pool(limits=[(300, 300), (86_400, 12_000)], transit_us=0)
    while pool.lease(permits=300, use_within_us=SECOND, traffic_class="batch"):
        pass
    spent = sum(row.counted for row in pool.log)

    for _ in range(3600):
        pool.now_us += SECOND
        pool.lease(permits=1, use_within_us=SECOND, traffic_class="batch")

    hourly = 11_400 / 24
    assert sum(row.counted for row in pool.log) - spent == pytest.approx(hourly, rel=0.01)


def test_a_fixed_window_is_free_as_soon_as_the_named_turn_has_passed() -> None:
    pool = Pool(limits=[(300, 10)], transit_us=0)
    pool.lease(permits=10, use_within_us=SECOND)
    turn_us = START_US + 20 * SECOND
    pool.state = windows.with_reset(
        state=pool.advanced(), seconds=300, from_us=turn_us - SECOND, until_us=turn_us
    )

    pool.now_us = turn_us - 1
    assert windows.free_permits(state=pool.advanced()) == 0
    pool.now_us = turn_us
    assert windows.free_permits(state=pool.advanced()) == 10


@pytest.mark.parametrize(("late_us", "free"), [(0, 10), (1, 0)])
def test_what_may_arrive_after_the_turn_still_counts(late_us: int, free: int) -> None:
    pool = Pool(limits=[(300, 10)], transit_us=TRANSIT_US)
    turn_us = START_US + 20 * SECOND
    last_us = turn_us - TRANSIT_US + late_us
    pool.lease(permits=10, use_within_us=last_us - START_US)
    pool.state = windows.with_reset(
        state=pool.advanced(), seconds=300, from_us=turn_us, until_us=turn_us + SECOND
    )

    pool.now_us = turn_us + SECOND

    assert windows.free_permits(state=pool.advanced()) == free


@pytest.mark.parametrize(("early_us", "free"), [(0, 10), (1, 0)])
def test_a_turn_that_may_be_under_way_is_not_forgotten_for_the_next(
    early_us: int, free: int
) -> None:
    """One that lies ahead still is: the vendor has named another."""
    pool = Pool(limits=[(300, 10)], transit_us=0)
    pool.lease(permits=10, use_within_us=SECOND)
    from_us = START_US + 20 * SECOND
    for at_us, turn_us in ((START_US, from_us), (from_us - early_us, from_us + 300 * SECOND)):
        pool.now_us = at_us
        pool.state = windows.with_reset(
            state=pool.advanced(),
            seconds=300,
            from_us=turn_us,
            until_us=turn_us + 2 * SECOND,
        )

    pool.now_us = from_us + 2 * SECOND

    assert windows.free_permits(state=pool.advanced()) == free


def test_a_turn_that_has_passed_is_not_passed_again() -> None:
    pool = Pool(limits=[(300, 10)], transit_us=0)
    turn_us = START_US + 20 * SECOND
    pool.state = windows.with_reset(
        state=pool.advanced(), seconds=300, from_us=turn_us, until_us=turn_us
    )
    pool.now_us = turn_us + SECOND
    pool.state = pool.advanced()

    assert pool.state.windows[0].reset_until_us == 0


def test_a_grant_says_when_the_next_permit_is_free() -> None:
    pool = Pool(limits=[(10, 3)], transit_us=TRANSIT_US)
    first = pool.lease(permits=1, use_within_us=SECOND)
    assert pool.state.next_free_us == 0
    pool.lease(permits=2, use_within_us=5 * SECOND)

    assert first is not None
    assert pool.state.next_free_us == first.use_by_us + 10 * SECOND + TRANSIT_US


def test_a_shorter_rest_does_not_end_a_longer_one() -> None:
    pool = Pool(limits=[(10, 2)], transit_us=0)
    pool.state = windows.cooled(state=pool.state, until_us=START_US + 5 * SECOND)
    pool.state = windows.cooled(state=pool.state, until_us=START_US + SECOND)

    pool.now_us += 2 * SECOND
    assert windows.free_permits(state=pool.advanced()) == 0


def test_a_reserve_is_kept_for_an_hour_once_somebody_else_was_seen() -> None:
    pool = Pool(limits=[(300, 300)], transit_us=0)
    pool.state = replace(pool.advanced(), foreign_seen_us=START_US)
    assert windows.free_permits(state=pool.advanced()) == 294

    pool.now_us += 3_600 * SECOND - 1
    assert windows.free_permits(state=pool.advanced()) == 294
    pool.now_us += 1
    assert windows.free_permits(state=pool.advanced()) == 300


def test_batch_leaves_what_interactive_use_is_expected_to_need_and_forgets_it() -> None:
    def burst(pool: Pool) -> int:
        return windows.free_permits(state=pool.advanced(), traffic_class="batch")

    pool = Pool(limits=[(86_400, 12_000)], transit_us=0)
    alone = burst(pool)
    pool.state = replace(pool.advanced(), interactive_load=5_700.0)

    assert alone == 1 + 300 * 11_400 // 86_400
    assert burst(pool) == 1 + 300 * 5_700 // 86_400
    pool.now_us += 86_400 * SECOND
    assert burst(pool) == 1 + 300 * 8_550 // 86_400


def test_only_interactive_permits_are_expected_again() -> None:
    pool = Pool(limits=[(86_400, 12_000)], transit_us=0)
    pool.lease(permits=7, use_within_us=SECOND, traffic_class="batch")
    pool.lease(permits=5, use_within_us=SECOND)

    assert pool.state.interactive_load == 5


def test_a_log_that_follows_the_clock_back_lets_nothing_out_early() -> None:
    pool = Pool(limits=[(10, 2)], transit_us=TRANSIT_US)
    row = pool.lease(permits=2, use_within_us=SECOND)
    assert row is not None
    back_us = -3_600 * SECOND
    pool.state = windows.shifted(state=pool.state, by_us=back_us)
    row.granted_us += back_us
    row.use_by_us += back_us
    pool.now_us += back_us

    pool.now_us += 11 * SECOND + TRANSIT_US - 1
    assert windows.free_permits(state=pool.advanced()) == 0
    pool.now_us += 1
    assert windows.free_permits(state=pool.advanced()) == 2


def test_every_time_of_a_key_follows_the_clock_back() -> None:
    window = Window(10, 5, counted=3, horizon_us=100, reset_from_us=170, reset_until_us=180)
    state = KeyState(
        windows=(window,),
        high_water_us=120,
        next_free_us=130,
        batch_free_us=140,
        cooled_until_us=150,
        foreign_seen_us=110,
        interactive_load=2.5,
    )

    assert windows.shifted(state=state, by_us=-50) == KeyState(
        windows=(Window(10, 5, counted=3, horizon_us=50),),
        high_water_us=70,
        next_free_us=0,
        batch_free_us=90,
        cooled_until_us=100,
        foreign_seen_us=60,
        interactive_load=2.5,
    )


@pytest.mark.parametrize("limits", [[], [(0, 5)], [(5, 0)], [(5, 1), (5, 2)]])
def test_limits_that_make_no_sense_are_refused(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(WindowsError):
        windows.fresh(limits=limits, now_us=START_US, transit_us=0)
