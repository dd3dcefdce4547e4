"""Campaigns: whom we tell, when we remind, and when we stop."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keyvault.audit import Action, record
from keyvault.due import Duty, claim, finish
from onboarding.errors import PlanError
from onboarding.migration.letters import campaign_letter
from onboarding.migration.selectors import affected_credentials, cohort, phase_of
from onboarding.models import Campaign, NotificationChoice, Phase, Plan, Recipient, User
from onboarding.notices.letters import send_letter
from onboarding.notices.preferences import readers_at
from onboarding.people.selectors import actor_for

CLAIM_SECONDS = 60
AT_ONCE = 50
State = Campaign.State


@transaction.atomic
def start_campaign(*, campaign: Campaign, user: User) -> int:
    """Fixes the cohort and sends from `starts_at` on; show the dry run (`cohort`) first.

    Returns:
        How many stores are meant.

    Raises:
        PlanError: it was started before, or its plan is called off.
    """
    mine = Campaign.objects.filter(pk=campaign.pk, state=State.DRAFT)
    mine = mine.exclude(plan__state=Plan.State.CALLED_OFF)
    if not mine.update(state=State.RUNNING):
        raise PlanError
    campaign.state = State.RUNNING
    due_at = max(campaign.starts_at, timezone.now())
    stores = list(cohort(campaign))
    Recipient.objects.bulk_create(
        Recipient(campaign=campaign, store=store, due_at=due_at) for store in stores
    )
    _record(Action.CAMPAIGN_STARTED, campaign=campaign, user=user, stores=len(stores))
    return len(stores)


def pause_campaign(*, campaign: Campaign, user: User) -> None:
    """Sends nothing until it is resumed."""
    _move(campaign, to=State.PAUSED, action=Action.CAMPAIGN_PAUSED, user=user)


def resume_campaign(*, campaign: Campaign, user: User) -> None:
    """Goes on where it was paused; a date that passed meanwhile is made up for once."""
    _move(campaign, to=State.RUNNING, action=Action.CAMPAIGN_STARTED, user=user)


def stop_campaign(*, campaign: Campaign, user: User) -> None:
    """Ends it for good."""
    _move(campaign, to=State.STOPPED, action=Action.CAMPAIGN_STOPPED, user=user)


_FROM = {
    State.PAUSED: (State.RUNNING,),
    State.RUNNING: (State.PAUSED,),
    State.STOPPED: (State.RUNNING, State.PAUSED, State.DRAFT),
}


@transaction.atomic
def _move(campaign: Campaign, *, to: State, action: Action, user: User) -> None:
    mine = Campaign.objects.filter(pk=campaign.pk, state__in=_FROM[to])
    if not mine.update(state=to):
        raise PlanError
    campaign.state = to
    _record(action, campaign=campaign, user=user)


def send_due_letters(now: datetime) -> int:
    """Sends what is due to the stores of running campaigns; whoever has moved hears no more.

    Returns:
        How many stores were looked at.
    """
    rows = Recipient.objects.select_related("campaign__plan", "store").filter(
        campaign__state=State.RUNNING
    )
    recipients = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=AT_ONCE)
    for recipient in recipients:
        _serve(recipient, now=now)
    return len(recipients)


def _serve(recipient: Recipient, *, now: datetime) -> None:
    if _has_moved(recipient):
        verified_at = recipient.verified_at or now
        finish(recipient, due_at=None, verified_at=verified_at)
        return
    is_reminder = recipient.told_at is not None
    changes = {"reminders": recipient.reminders + 1} if is_reminder else {"told_at": now}
    with transaction.atomic():
        due_at = next_reminder(campaign=recipient.campaign, now=now)
        if finish(recipient, due_at=due_at, **changes):
            _write_to(recipient, is_reminder=is_reminder)


def _has_moved(recipient: Recipient) -> bool:
    if recipient.verified_at is not None:
        return True
    held = affected_credentials(recipient.campaign.plan).filter(keychain_id=recipient.store_id)
    return not held.exists()


def _write_to(recipient: Recipient, *, is_reminder: bool) -> None:
    topic = NotificationChoice.Topic.CAMPAIGNS
    campaign = recipient.campaign
    for reader in readers_at(merchant_id=recipient.store.merchant_id, topic=topic):
        if campaign.language not in ("", reader.language):
            continue
        letter = campaign_letter(
            campaign=campaign,
            store=recipient.store,
            reader=reader,
            is_reminder=is_reminder,
        )
        send_letter(letter, to=reader.email, language=reader.language)


def next_reminder(*, campaign: Campaign, now: datetime) -> datetime | None:
    """The next reminder's time; None when no further one comes, or no date is known."""
    refused = phase_of(plan=campaign.plan, effect=Phase.Effect.KEYS_REFUSED)
    if refused is None:
        return None
    times = [refused.starts_at - timedelta(days=days) for days in campaign.reminder_days]
    return min((at for at in times if at > now), default=None)


def reschedule(*, plan: Plan, now: datetime) -> None:
    """Moves the reminders of a plan's campaigns after its dates have changed.

    Whoever has not been told yet is told when that was due; who has moved hears nothing.
    """
    alive = Campaign.objects.filter(plan=plan, state__in=(State.RUNNING, State.PAUSED))
    for campaign in alive.select_related("plan"):
        due_at = next_reminder(campaign=campaign, now=now)
        waiting = campaign.recipients.filter(told_at__isnull=False, verified_at=None)
        waiting.update(due_at=due_at)


def _record(action: Action, *, campaign: Campaign, user: User, **facts: int) -> None:
    record(action=action, actor=actor_for(user), subject=f"campaign:{campaign.pk}", facts=facts)


LETTERS = Duty(name="migration.letters", interval_seconds=5, run=send_due_letters)
