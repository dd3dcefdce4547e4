"""What a worker does for investigations."""

from datetime import datetime

from keyvault.due import Duty
from onboarding.capacity.services import close_past_cases


def run_closing(now: datetime) -> int:
    """Close what is over."""
    return close_past_cases(now=now)


CLOSING = Duty(name="capacity.close", interval_seconds=3600.0, run=run_closing)
