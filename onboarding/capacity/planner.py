"""The arithmetic of "how many keys does my sale need?", with no guess hidden in it.

    requests a day  = visitors x share of the app x requests a visit
                    + orders x share of the app x requests an order
    busiest hour    = requests a day x share of the busiest hour
    busiest 5 min   = busiest hour / 12 x burst
    busiest second  = busiest 5 min / 300 x burst of a second
    keys            = the most, over all windows, of: requests x reserve / limit, rounded up

Every factor is a named constant here; what no source gives is inferred and says so.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil

# What one visit of the app asks of the shop: start page, lists, products, basket. Inferred.
REQUESTS_A_VISIT = 15
# What one order asks on top: customer, address, shipment, payment, order, stock. Inferred.
REQUESTS_AN_ORDER = 12
# Of a sale day's traffic, how much falls into its busiest hour. Inferred.
BUSIEST_HOUR_PERCENT = 25
# How much busier the busiest five minutes are than that hour's average. Inferred.
FIVE_MINUTE_BURST = 2
# How much busier the busiest second is than those five minutes' average. Inferred.
SECOND_BURST = 3
# Kept free, for what nobody foresees.
RESERVE_PERCENT = 15

SECOND, FIVE_MINUTES, HOUR, DAY = 1, 300, 3600, 86400
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class SaleFigures:
    """What a merchant knows of a sale.

    Attributes:
        visitors: of the shop on that day, app and browser together.
        orders: likewise.
        app_percent: how much of both comes through the app, 1 to 100.
    """

    visitors: int
    orders: int
    app_percent: int


@dataclass(frozen=True, slots=True)
class WindowNeed:
    """What the sale asks of one window.

    Attributes:
        seconds: length of the window.
        requests: expected at its busiest.
        limit: of one key.
        keys: how many keys carry it, the reserve included.
    """

    seconds: int
    requests: int
    limit: int
    keys: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many keys a sale needs, and why.

    Attributes:
        needs: one per window, the shortest first.
        keys: how many keys are needed.
        binding_seconds: the window that decides it.
    """

    needs: tuple[WindowNeed, ...]
    keys: int
    binding_seconds: int

    def as_json(self) -> dict[str, object]:
        """The estimate as it is kept with a case."""
        return asdict(self)


def estimate(*, figures: SaleFigures, limits: Iterable[tuple[int, int]]) -> Estimate:
    """Work out the keys that a sale needs.

    Args:
        figures: the merchant's.
        limits: the windows of one key, (seconds, limit); windows other than the vendor's four are
            left out.

    Returns:
        The estimate; of windows that need the same number, the longest binds: it recovers last.
    """
    busiest = requests_by_window(figures)
    needs = tuple(
        WindowNeed(
            seconds=seconds,
            requests=busiest[seconds],
            limit=limit,
            keys=keys_for(requests=busiest[seconds], limit=limit),
        )
        for seconds, limit in sorted(limits)
        if seconds in busiest
    )
    binding = max(needs, key=lambda need: (need.keys, need.seconds))
    return Estimate(needs=needs, keys=binding.keys, binding_seconds=binding.seconds)


def requests_by_window(figures: SaleFigures) -> dict[int, int]:
    """The requests of each window at its busiest, rounded up."""
    visits = figures.visitors * figures.app_percent / _PERCENT
    orders = figures.orders * figures.app_percent / _PERCENT
    day = visits * REQUESTS_A_VISIT + orders * REQUESTS_AN_ORDER
    hour = day * BUSIEST_HOUR_PERCENT / _PERCENT
    five_minutes = hour / (HOUR / FIVE_MINUTES) * FIVE_MINUTE_BURST
    second = five_minutes / FIVE_MINUTES * SECOND_BURST
    exact = {SECOND: second, FIVE_MINUTES: five_minutes, HOUR: hour, DAY: day}
    return {seconds: ceil(requests) for seconds, requests in exact.items()}


def keys_for(*, requests: int, limit: int) -> int:
    """How many keys carry so many requests, the reserve included; at least one."""
    return max(ceil(requests * (_PERCENT + RESERVE_PERCENT) / _PERCENT / limit), 1)
