"""One breaker a provider: closed, open for a while, then one caller tries.

A row only comes to be, and is only written, when a provider fails or is back; while all is well it
costs one SELECT a renewal.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from keyvault.due import backoff_seconds
from keyvault.models import ProviderBreaker

# Failures in a row, of whatever grants, before the provider is left alone.
THRESHOLD: Final = 5
FIRST_PAUSE_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 300.0


def may_ask(*, provider: str, now: datetime, trial_seconds: float) -> bool:
    """Says whether a provider may be asked; when its pause is over, one caller is told yes.

    Args:
        provider: which one.
        now: the present time.
        trial_seconds: how long the others wait for the one that tries.
    """
    row = ProviderBreaker.objects.filter(provider=provider).first()
    if row is None or row.open_until is None:
        return True
    if row.open_until > now:
        return False
    mine = ProviderBreaker.objects.filter(provider=provider, open_until=row.open_until)
    return bool(mine.update(open_until=now + timedelta(seconds=trial_seconds)))


def note_answer(*, provider: str) -> None:
    """Notes that a provider answers."""
    ProviderBreaker.objects.filter(provider=provider, failures__gt=0).update(
        failures=0, open_until=None
    )


def note_failure(*, provider: str, now: datetime) -> None:
    """Notes that a provider does not answer; opens the breaker when it is one time too many."""
    ProviderBreaker.objects.get_or_create(provider=provider)
    mine = ProviderBreaker.objects.filter(provider=provider)
    mine.update(failures=F("failures") + 1)
    failures = mine.values_list("failures", flat=True).get()
    if failures >= THRESHOLD:
        pause = backoff_seconds(
            failures - THRESHOLD + 1, first=FIRST_PAUSE_SECONDS, most=LONGEST_PAUSE_SECONDS
        )
        mine.update(open_until=now + timedelta(seconds=pause))
