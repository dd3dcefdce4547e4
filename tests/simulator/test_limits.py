import pytest

from simulator.limits import DEFAULT_LIMITS, Limit, LimitsError, parse_limits


def test_the_default_limits_are_the_vendors() -> None:
    assert parse_limits("20/1,300/300,3000/3600,12000/86400") == DEFAULT_LIMITS


def test_limits_are_ordered_by_width() -> None:
    assert parse_limits(" 9/60 , 2/1 ") == (Limit(2, 1), Limit(9, 60))


@pytest.mark.parametrize(
    "text", ["", "20", "20/", "a/1", "-1/1", "20/1,,3/4", "1/1/1", "\u0661/1", "1.5/2"]
)
def test_a_part_that_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(LimitsError, match="is not REQUESTS/SECONDS"):
        parse_limits(text)


@pytest.mark.parametrize("text", ["0/1", "1/0"])
def test_a_zero_is_refused(text: str) -> None:
    with pytest.raises(LimitsError, match="holds a zero"):
        parse_limits(text)


def test_two_limits_of_one_width_are_refused() -> None:
    with pytest.raises(LimitsError, match="two limits for 60 seconds"):
        parse_limits("1/60,2/60")
