"""When a token may be lent, when it is renewed, and how long a claim holds."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

# A lease is used up to 30 seconds after its grant, and the request takes a moment to arrive.
GUARD_SECONDS: Final = 35.0
# Renewed when between a fifth and three tenths of the life are left, so that the grants of one
# morning do not come back together; of a day's life at most two hours.
EARLIEST: Final = 0.3
LATEST: Final = 0.2
MOST_AHEAD_SECONDS: Final = 7200.0
# Beyond the time-out of the call: sealing, one commit, and a process that was held up.
CLAIM_MARGIN_SECONDS: Final = 15.0

_dice = secrets.SystemRandom()


def guard_seconds(life_seconds: float) -> float:
    """How long before its end a token is lent no more; of a very short life a quarter."""
    return min(GUARD_SECONDS, life_seconds / 4)


def valid_until(*, now: datetime, life_seconds: float) -> datetime:
    """Until when a token of that life may be lent."""
    return now + timedelta(seconds=life_seconds - guard_seconds(life_seconds))


def renewal_at(*, now: datetime, life_seconds: float) -> datetime:
    """When a token of that life is renewed ahead of time, a little different each time."""
    share = _dice.uniform(LATEST, EARLIEST)
    ahead = max(min(life_seconds * share, MOST_AHEAD_SECONDS), guard_seconds(life_seconds))
    return now + timedelta(seconds=life_seconds - ahead)


def call_seconds() -> float:
    """Total time of one call of the vendor."""
    return float(settings.KEYVAULT_TOKEN_CALL_SECONDS)


def claim_seconds() -> float:
    """How long a claim holds: always longer than the call that it is for."""
    return call_seconds() + CLAIM_MARGIN_SECONDS
