import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed.ratelimits import DEFAULT_LIMITS
from onboarding.capacity.planner import (
    SaleFigures,
    estimate,
    keys_for,
    requests_by_window,
)

LIMITS = [(each.seconds, each.limit) for each in DEFAULT_LIMITS]
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


def test_of_windows_that_need_the_same_the_longest_binds() -> None:
    found = estimate(figures=SaleFigures(visitors=1, orders=0, app_percent=1), limits=LIMITS)
    assert (found.keys, found.binding_seconds) == (1, 86400)


def test_windows_that_the_arithmetic_does_not_know_are_left_out() -> None:
    sale = SaleFigures(visitors=10, orders=1, app_percent=50)
    found = estimate(figures=sale, limits=[*LIMITS, (60, 1)])
    assert [need.seconds for need in found.needs] == [1, 300, 3600, 86400]


@pytest.mark.parametrize(
    ("requests", "limit", "keys"), [(0, 300, 1), (260, 300, 1), (261, 300, 2), (300, 300, 2)]
)
def test_the_reserve_is_on_top(requests: int, limit: int, keys: int) -> None:
    assert keys_for(requests=requests, limit=limit) == keys


@given(SALES)
def test_the_keys_carry_every_window_with_the_reserve(sale: SaleFigures) -> None:
    found = estimate(figures=sale, limits=LIMITS)
    assert all(need.requests * 1.15 <= found.keys * need.limit + 1e-6 for need in found.needs)
    assert found.keys == max(need.keys for need in found.needs)


@given(SALES, st.integers(min_value=1, max_value=1000))
def test_more_visitors_never_need_fewer_keys(sale: SaleFigures, more: int) -> None:
    larger = SaleFigures(sale.visitors + more, sale.orders, sale.app_percent)
    assert (
        estimate(figures=larger, limits=LIMITS).keys >= estimate(figures=sale, limits=LIMITS).keys
    )
