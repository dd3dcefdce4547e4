"""What a worker does for the planner: close what is long over, note each day's busiest moments."""

from datetime import datetime

from keyvault.due import Duty
from onboarding.capacity.peaks import note_peaks
from onboarding.capacity.services import close_past_cases


def run_closing(now: datetime) -> int:
    """Close the cases that nobody closed."""
    return close_past_cases(now=now)


def run_noting(now: datetime) -> int:
    """Note the busiest moments."""
    return note_peaks(now=now)


CLOSING = Duty(name="capacity.close", interval_seconds=3600.0, run=run_closing)
PEAKS = Duty(name="capacity.peaks", interval_seconds=1800.0, run=run_noting)
