"""Telling people of a date that is near: their key stops working, and nothing took its place yet.

Who gets the letters of a running campaign hears of the date there, and not here as well.
"""

from datetime import datetime, timedelta

from django.db import transaction

from keyvault.due import Duty
from onboarding.migration.letters import deadline_letter
from onboarding.migration.selectors import affected_stores
from onboarding.models import (
    Campaign,
    DeadlineTold,
    NotificationChoice,
    Phase,
    Plan,
    Recipient,
    Store,
)
from onboarding.notices.letters import send_letter
from onboarding.notices.preferences import readers_at, wants

Topic = NotificationChoice.Topic
DAYS_BEFORE = (1, 7, 30)
AT_ONCE = 50


def tell_deadlines(now: datetime) -> int:
    """Tells the people of stores of which a key is refused soon; each number of days once.

    Returns:
        How many stores were told.
    """
    phases = Phase.objects.select_related("plan").filter(
        plan__state=Plan.State.ACTIVE,
        effect=Phase.Effect.KEYS_REFUSED,
        started_at=None,
        starts_at__gt=now,
        starts_at__lte=now + timedelta(days=max(DAYS_BEFORE)),
    )
    return sum(_tell_phase(phase, now=now) for phase in phases)


def _tell_phase(phase: Phase, *, now: datetime) -> int:
    """Only the nearest number of days counts: who comes late is not told of all at once."""
    days = min(each for each in DAYS_BEFORE if phase.starts_at - now <= timedelta(days=each))
    known = DeadlineTold.objects.filter(phase=phase, days__lte=days).values("store")
    stores = affected_stores(phase.plan).exclude(pk__in=known)
    return sum(_tell(store, phase=phase, days=days, now=now) for store in stores[:AT_ONCE])


@transaction.atomic
def _tell(store: Store, *, phase: Phase, days: int, now: datetime) -> bool:
    """Who writes the row writes the letters: two workers at once tell nobody twice."""
    _row, is_new = DeadlineTold.objects.get_or_create(
        phase=phase, store=store, days=days, defaults={"told_at": now}
    )
    if not is_new:
        return False
    is_in_campaign = Recipient.objects.filter(
        store=store, campaign__plan=phase.plan, campaign__state=Campaign.State.RUNNING
    ).exists()
    for reader in readers_at(merchant_id=store.merchant_id, topic=Topic.DEADLINES):
        if is_in_campaign and wants(user=reader, topic=Topic.CAMPAIGNS):
            continue
        letter = deadline_letter(phase=phase, store=store, language=reader.language)
        send_letter(letter, to=reader.email, language=reader.language)
    return True


DEADLINES = Duty(name="migration.deadlines", interval_seconds=300.0, run=tell_deadlines)
