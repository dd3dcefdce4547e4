"""The arithmetic of "how many keys does my sale need?", with no guess hidden in it.

    visits          = visitors x share of the app
    orders          = orders x share of the app
    day             = visits x requests a visit + orders x requests an order
    busiest hour    = day x share of the busiest hour
    busiest 5 min   = busiest hour / 12 x burst
    busiest second  = busiest 5 min / 300 x burst of a second
    keys            = the most, over all windows, of: requests with the reserve / limit

Each line is rounded up before the next one uses it, so that a merchant who follows with a pocket
calculator arrives at the same numbers. The factors are data (`Factors`); staff tune them, for
everybody or for one shop, once its traffic is measured.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from fractions import Fraction
from math import ceil

SECOND, FIVE_MINUTES, HOUR, DAY = 1, 300, 3600, 86400
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Factors:
    """What is assumed of traffic; all defaults are inferred until a shop's traffic is measured.

    Attributes:
        requests_a_visit: of one visit of the app: start page, lists, products, basket.
        requests_an_order: of one order on top: customer, address, shipment, payment, order, stock.
        busiest_hour_percent: of a sale day's traffic, how much falls into its busiest hour.
        five_minute_burst: how much busier the busiest five minutes are than that hour's average.
        second_burst: how much busier the busiest second is than those five minutes' average.
        reserve_percent: kept free on top, for what nobody foresees.
    """

    requests_a_visit: Decimal = Decimal(15)
    requests_an_order: Decimal = Decimal(12)
    busiest_hour_percent: Decimal = Decimal(25)
    five_minute_burst: Decimal = Decimal(2)
    second_burst: Decimal = Decimal(3)
    reserve_percent: Decimal = Decimal(15)

    def as_json(self) -> dict[str, str]:
        """The factors as they are kept with a case."""
        return {name: str(value) for name, value in asdict(self).items()}


FACTOR_NAMES = tuple(each.name for each in fields(Factors))
DEFAULT_FACTORS = Factors()


def factors_from_json(kept: Mapping[str, str]) -> Factors:
    """The factors that a case was reckoned with; what it does not name is the default."""
    return Factors(**{name: Decimal(kept[name]) for name in FACTOR_NAMES if name in kept})


@dataclass(frozen=True, slots=True)
class SaleFigures:
    """What a merchant knows of a sale.

    Attributes:
        visitors: of the shop on that day, app and browser together.
        orders: likewise.
        app_percent: how much of both comes through the app, 1 to 100.
        hour_visitors: of those visitors, how many come in the busiest hour; None: not known.
    """

    visitors: int
    orders: int
    app_percent: int
    hour_visitors: int | None = None


def figures_from_json(kept: Mapping[str, int | None]) -> SaleFigures:
    """The figures that a case carries."""
    return SaleFigures(
        visitors=int(kept["visitors"] or 0),
        orders=int(kept["orders"] or 0),
        app_percent=int(kept["app_percent"] or 0),
        hour_visitors=kept.get("hour_visitors"),
    )


@dataclass(frozen=True, slots=True)
class WindowNeed:
    """What the sale asks of one window.

    Attributes:
        seconds: length of the window.
        requests: expected at its busiest.
        with_reserve: the same with the reserve on top.
        limit: of one key.
        keys: how many keys carry it, the reserve included.
    """

    seconds: int
    requests: int
    with_reserve: int
    limit: int
    keys: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many keys a sale needs, and why.

    Attributes:
        visits: of the app, on the day.
        orders: by the app, on the day.
        needs: one per window, the shortest first.
        keys: how many keys are needed.
        binding_seconds: the window that decides it.
    """

    visits: int
    orders: int
    needs: tuple[WindowNeed, ...]
    keys: int
    binding_seconds: int

    def as_json(self) -> dict[str, object]:
        """The estimate as it is kept with a case."""
        return asdict(self)

    @property
    def binding(self) -> WindowNeed:
        """The window that decides how many keys are needed."""
        return next(need for need in self.needs if need.seconds == self.binding_seconds)

    def requests_in(self, seconds: int) -> int:
        """The requests expected in the busiest window of a length; 0 for an unknown one."""
        return next((need.requests for need in self.needs if need.seconds == seconds), 0)


def estimate(
    *,
    figures: SaleFigures,
    limits: Iterable[tuple[int, int]],
    factors: Factors = DEFAULT_FACTORS,
) -> Estimate:
    """Work out the keys that a sale needs.

    Args:
        figures: the merchant's.
        limits: the windows of one key, (seconds, limit), one of the vendor's four at least; windows
            other than those are left out.
        factors: what is assumed of traffic.

    Returns:
        The estimate. The window that is filled most decides; of windows filled alike the longest:
        it recovers last.
    """
    busiest = requests_by_window(figures, factors=factors)
    needs = tuple(
        _need(seconds=seconds, requests=busiest[seconds], limit=limit, factors=factors)
        for seconds, limit in sorted(limits)
        if seconds in busiest
    )
    binding = max(
        needs, key=lambda need: (need.keys, Fraction(need.with_reserve, need.limit), need.seconds)
    )
    return Estimate(
        visits=_share(figures.visitors, figures.app_percent),
        orders=_share(figures.orders, figures.app_percent),
        needs=needs,
        keys=binding.keys,
        binding_seconds=binding.seconds,
    )


def requests_by_window(
    figures: SaleFigures, *, factors: Factors = DEFAULT_FACTORS
) -> dict[int, int]:
    """The requests of each window at its busiest, rounded up at each step."""
    day = _requests(figures.visitors, figures=figures, factors=factors)
    if figures.hour_visitors is None:
        hour = ceil(day * Fraction(factors.busiest_hour_percent) / _PERCENT)
    else:
        hour = ceil(Fraction(day * figures.hour_visitors, max(figures.visitors, 1)))
    five_minutes = ceil(Fraction(hour, HOUR // FIVE_MINUTES) * Fraction(factors.five_minute_burst))
    five_minutes = min(five_minutes, hour)
    second = ceil(Fraction(five_minutes, FIVE_MINUTES) * Fraction(factors.second_burst))
    return {
        SECOND: min(second, five_minutes),
        FIVE_MINUTES: five_minutes,
        HOUR: hour,
        DAY: day,
    }


def _requests(visitors: int, *, figures: SaleFigures, factors: Factors) -> int:
    visits = _share(visitors, figures.app_percent)
    orders = _share(figures.orders, figures.app_percent)
    return ceil(
        visits * Fraction(factors.requests_a_visit) + orders * Fraction(factors.requests_an_order)
    )


def _share(number: int, percent: int) -> int:
    return ceil(Fraction(number * percent, _PERCENT))


def _need(*, seconds: int, requests: int, limit: int, factors: Factors) -> WindowNeed:
    reserved = ceil(requests * (1 + Fraction(factors.reserve_percent) / _PERCENT))
    keys = max(ceil(Fraction(reserved, limit)), 1)
    return WindowNeed(
        seconds=seconds, requests=requests, with_reserve=reserved, limit=limit, keys=keys
    )
