"""What all areas and both clusters share."""

from collections import Counter
from dataclasses import dataclass, field

from simulator.ecom.apps import AppBook
from simulator.faults import FaultPlan
from simulator.keys import KeyBook
from simulator.retail.retail import Retail
from simulator.windows import Meter


@dataclass(slots=True)
class Stats:
    """Vendor requests since the last reset; control requests are not among them.

    A request that was cut off without an answer counts in `requests` and has no status.
    """

    requests: int = 0
    token_calls: int = 0
    by_status: Counter[int] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """Give the numbers as the control answers them."""
        return {
            "requests": self.requests,
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "token_calls": self.token_calls,
        }

    def clear(self) -> None:
        """Start at nothing."""
        self.requests = 0
        self.token_calls = 0
        self.by_status.clear()


@dataclass(frozen=True, slots=True)
class State:
    """One stand-in vendor: its keys, windows, planned faults and numbers."""

    keys: KeyBook
    meter: Meter
    faults: FaultPlan = field(default_factory=FaultPlan)
    stats: Stats = field(default_factory=Stats)
    retail: Retail = field(default_factory=Retail)
    apps: AppBook = field(default_factory=AppBook)

    def reset(self) -> None:
        """Clear windows, faults, numbers and changed rules; keys and grants stay."""
        self.meter.clear()
        self.faults.clear()
        self.stats.clear()
        self.retail.reset()
