"""Brownouts: a rehearsal of the day on which the old keys are refused."""

from datetime import datetime, timedelta

from django.db import transaction

from keyvault.audit import SYSTEM, Action, record
from keyvault.due import Duty, claim, finish
from keyvault.models import Credential
from keyvault.vault.holds import denials_of, hold, let_go
from onboarding.migration.selectors import affected_credentials
from onboarding.models import Brownout, Campaign

CLAIM_SECONDS = 60
LOOK_SECONDS = 2
REASON = "brownout"
State = Brownout.State


def run_brownouts(now: datetime) -> int:
    """Begins, watches and ends brownouts; safe beside other workers and to repeat.

    A brownout ends when its minutes are over, when its campaign is no longer running, or when as
    many lease requests of its stores were refused as staff allow; its keys come back in every case,
    and by nothing else: a check that passes meanwhile does not end it.

    Returns:
        How many were begun or ended.
    """
    rows = Brownout.objects.select_related("campaign__plan").filter(
        state__in=(State.PLANNED, State.RUNNING)
    )
    claimed = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=5)
    return sum(_step(each, now=now) for each in claimed)


def _step(brownout: Brownout, *, now: datetime) -> int:
    if brownout.state == State.PLANNED:
        return _begin(brownout, now=now)
    denied = _denied(brownout)
    is_over = now >= _end_of(brownout)
    is_stopped = denied >= brownout.most_denied or brownout.campaign.state != Campaign.State.RUNNING
    if not (is_over or is_stopped):
        later = min(_end_of(brownout), now + timedelta(seconds=LOOK_SECONDS))
        finish(brownout, due_at=later, denied=denied)
        return 0
    with transaction.atomic():
        state = State.OVER if is_over else State.STOPPED
        if not finish(brownout, due_at=None, state=state, denied=denied, ended_at=now):
            return 0
        let_go(credential_ids=brownout.set_aside, reason=REASON, actor=SYSTEM)
        _record(brownout, step=state, denied=denied)
    return 1


def _begin(brownout: Brownout, *, now: datetime) -> int:
    if brownout.campaign.state != Campaign.State.RUNNING:
        finish(brownout, due_at=None, state=State.STOPPED, ended_at=now)
        return 0
    with transaction.atomic():
        lent = affected_credentials(brownout.campaign.plan).filter(
            state=Credential.State.ACTIVE,
            keychain__store__campaign_places__campaign=brownout.campaign,
        )
        credentials = list(lent)
        if not finish(
            brownout,
            due_at=now + timedelta(seconds=LOOK_SECONDS),
            state=State.RUNNING,
            started_at=now,
            set_aside=[str(each.pk) for each in credentials],
        ):
            return 0
        for credential in credentials:
            hold(credential=credential, reason=REASON, actor=SYSTEM)
        _record(brownout, step="begun", keys=len(credentials))
    return 1


def _denied(brownout: Brownout) -> int:
    """Lease requests that really failed: the store had nothing else to lend."""
    return denials_of(credential_ids=brownout.set_aside)


def _end_of(brownout: Brownout) -> datetime:
    return (brownout.started_at or brownout.starts_at) + timedelta(minutes=brownout.minutes)


def _record(brownout: Brownout, **facts: str | int) -> None:
    record(
        action=Action.CAMPAIGN_BROWNOUT,
        actor=SYSTEM,
        subject=f"campaign:{brownout.campaign_id}",
        facts=facts,
    )


BROWNOUTS = Duty(name="migration.brownouts", interval_seconds=1, run=run_brownouts)
