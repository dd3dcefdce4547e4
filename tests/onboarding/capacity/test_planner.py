from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightspeed.ratelimits import DEFAULT_LIMITS
from onboarding.capacity.planner import (
    Factors,
    SaleFigures,
    estimate,
    factors_from_json,
    figures_from_json,
    requests_by_window,
)

LIMITS = [(each.seconds, each.limit) for each in DEFAULT_LIMITS]
# A machine that is busy with something else says nothing about the arithmetic.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
COUNTS = st.integers(min_value=0, max_value=10_000_000)
SALES = st.builds(
    SaleFigures,
    visitors=COUNTS,
    orders=COUNTS,
    app_percent=st.integers(min_value=1, max_value=100),
)


def test_a_worked_example_comes_out_as_on_paper() -> None:
    sale = SaleFigures(visitors=5000, orders=200, app_percent=40)
    assert requests_by_window(sale) == {1: 13, 300: 1290, 3600: 7740, 86400: 30960}
    found = estimate(figures=sale, limits=LIMITS)
    assert [need.keys for need in found.needs] == [1, 5, 3, 3]
    assert (found.keys, found.binding_seconds) == (5, 300)


def test_of_windows_that_need_the_same_keys_the_fullest_decides() -> None:
    sale = SaleFigures(visitors=1300, orders=0, app_percent=100)
    flat = Factors(
        busiest_hour_percent=Decimal(10), five_minute_burst=Decimal(1), second_burst=Decimal(1)
    )
    found = estimate(figures=sale, limits=LIMITS, factors=flat)
    assert (found.keys, found.binding_seconds) == (2, 86400)
    assert found.binding.with_reserve == 22425


def test_windows_that_are_filled_alike_leave_it_to_the_longest() -> None:
    sale = SaleFigures(visitors=12, orders=0, app_percent=100)
    plain = Factors(
        requests_a_visit=Decimal(1), busiest_hour_percent=Decimal(100), reserve_percent=Decimal(0)
    )
    found = estimate(figures=sale, limits=[(3600, 12), (86400, 12)], factors=plain)
    assert found.binding_seconds == 86400


def test_every_line_follows_from_the_line_above() -> None:
    found = estimate(figures=SaleFigures(visitors=101, orders=7, app_percent=33), limits=LIMITS)
    day = found.visits * 15 + found.orders * 12
    assert (found.visits, found.orders) == (34, 3)
    assert [need.requests for need in reversed(found.needs)] == [day, 137, 23, 1]
    assert found.requests_in(3600) == 137
    assert found.requests_in(60) == 0


def test_the_busiest_hour_may_be_known() -> None:
    sale = SaleFigures(visitors=5000, orders=200, app_percent=40, hour_visitors=4000)
    assert requests_by_window(sale)[3600] == 24768


def test_a_window_never_holds_more_than_the_one_around_it() -> None:
    wild = Factors(five_minute_burst=Decimal(12), second_burst=Decimal(300))
    busiest = requests_by_window(SaleFigures(100, 0, 100), factors=wild)
    assert busiest[1] <= busiest[300] <= busiest[3600] <= busiest[86400]


def test_factors_and_figures_survive_being_kept() -> None:
    tuned = Factors(requests_a_visit=Decimal("7.5"))
    assert factors_from_json(tuned.as_json()) == tuned
    assert factors_from_json({}) == Factors()
    sale = SaleFigures(visitors=3, orders=2, app_percent=1, hour_visitors=1)
    kept = {"visitors": 3, "orders": 2, "app_percent": 1, "hour_visitors": 1}
    assert figures_from_json(kept) == sale
    assert figures_from_json({"visitors": 3, "orders": 2, "app_percent": 1}).hour_visitors is None


def test_windows_that_the_arithmetic_does_not_know_are_left_out() -> None:
    sale = SaleFigures(visitors=10, orders=1, app_percent=50)
    found = estimate(figures=sale, limits=[*LIMITS, (60, 1)])
    assert [need.seconds for need in found.needs] == [1, 300, 3600, 86400]


@pytest.mark.parametrize(
    ("requests", "limit", "keys"), [(0, 300, 1), (260, 300, 1), (261, 300, 2), (300, 300, 2)]
)
def test_the_reserve_is_on_top(requests: int, limit: int, keys: int) -> None:
    found = estimate(
        figures=SaleFigures(visitors=requests, orders=0, app_percent=100),
        limits=[(86400, limit)],
        factors=Factors(requests_a_visit=Decimal(1)),
    )
    assert found.keys == keys


@unhurried
@given(SALES)
def test_the_keys_carry_every_window_with_the_reserve(sale: SaleFigures) -> None:
    found = estimate(figures=sale, limits=LIMITS)
    assert all(need.requests * 1.15 <= found.keys * need.limit + 1e-6 for need in found.needs)
    assert found.keys == max(need.keys for need in found.needs)


@unhurried
@given(SALES, st.integers(min_value=1, max_value=1000))
def test_more_visitors_never_need_fewer_keys(sale: SaleFigures, more: int) -> None:
    larger = SaleFigures(sale.visitors + more, sale.orders, sale.app_percent)
    assert (
        estimate(figures=larger, limits=LIMITS).keys >= estimate(figures=sale, limits=LIMITS).keys
    )
