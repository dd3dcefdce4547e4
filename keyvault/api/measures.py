"""What Prometheus reads: counts and times, never an id of a store, a key or a token.

Every count begins at nought: of one that is first seen as 1 no rise is known, and an alert on the
first internal error would be silent.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import get_args

from prometheus_client import Counter, Histogram

from keyvault.leases.values import Outcome
from keyvault.windows import TrafficClass

_PERMITS = Counter("latchkey_permits_granted", "Permits granted", ["traffic_class"])
_LEASES = Counter("latchkey_leases_granted", "Leases granted", ["traffic_class"])
_SETTLEMENTS = Counter("latchkey_leases_settled", "Leases settled", ["outcome"])
_PROBLEMS = Counter("latchkey_api_problems", "Problems answered", ["type"])
_SECONDS = Histogram(
    "latchkey_lease_seconds",
    "Time to lend a key",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)

for _traffic_class in get_args(TrafficClass):
    _LEASES.labels(_traffic_class)
    _PERMITS.labels(_traffic_class)
for _outcome in get_args(Outcome):
    _SETTLEMENTS.labels(_outcome)


def leasing() -> AbstractContextManager[object]:
    """Times the lending of a key."""
    return _SECONDS.time()


def count_grant(*, permits: int, traffic_class: str) -> None:
    """Counts a lease and its permits."""
    _LEASES.labels(traffic_class).inc()
    _PERMITS.labels(traffic_class).inc(permits)


def count_settlement(*, outcome: str) -> None:
    """Counts a settlement."""
    _SETTLEMENTS.labels(outcome).inc()


def begin_problems(*, types: Iterable[str]) -> None:
    """Lets the counts of these kinds of problem begin."""
    for type_ in types:
        _PROBLEMS.labels(type_)


def count_problem(*, type_: str) -> None:
    """Counts a problem that was answered."""
    _PROBLEMS.labels(type_).inc()
