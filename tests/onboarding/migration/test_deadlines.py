"""A date that is near is told in time, each number of days once, by one way."""

from datetime import timedelta

import pytest
from django.core import mail

from keyvault.models import Credential
from onboarding.migration import campaigns
from onboarding.migration.deadlines import DEADLINES
from onboarding.models import DeadlineTold, Phase, Plan
from onboarding.notices.preferences import Choice, Topic, save_choices
from simulator.running import RunningSimulator
from tests.onboarding.migration.scene import campaign, key_of, later, migrating, plan

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def active(**phases: timedelta) -> Plan:
    made = plan(**phases)
    Plan.objects.filter(pk=made.pk).update(state=Plan.State.ACTIVE)
    return made


def told(*days: float) -> int:
    mail.outbox.clear()
    for each in days:
        DEADLINES.run(later(days=each))
    return len(mail.outbox)


def test_a_date_is_told_a_month_a_week_and_a_day_ahead(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    active(keys_refused=40 * DAY)
    assert told(0, 9) == 0
    assert told(10.1, 11, 20) == 1
    assert mail.outbox[0].to == [at.user.email]
    assert "works until" in mail.outbox[0].subject
    assert told(33.1, 34) == 1
    assert told(39.1, 39.5, 39.9) == 1
    assert told(41) == 0


def test_who_comes_late_is_told_once(vendor: RunningSimulator) -> None:
    migrating(vendor)
    active(keys_refused=DAY / 2)
    assert told(0, 0.1, 0.2) == 1
    assert DeadlineTold.objects.get().days == 1


@pytest.mark.parametrize("change", ["draft", "moved", "started"])
def test_nothing_is_told_that_does_not_concern_the_store(
    vendor: RunningSimulator, change: str
) -> None:
    at = migrating(vendor)
    made = active(keys_refused=5 * DAY)
    if change == "draft":
        Plan.objects.update(state=Plan.State.DRAFT)
    elif change == "moved":
        Credential.objects.filter(pk=key_of(at).pk).update(state="replaced")
    else:
        Phase.objects.filter(plan=made).update(started_at=later())
    assert told(0, 1) == 0


def test_a_campaign_that_runs_tells_it_instead(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = campaign(active(keys_refused=5 * DAY))
    campaigns.start_campaign(campaign=made, user=at.user)
    assert told(0) == 0


def test_who_stopped_the_campaigns_mails_still_hears_of_the_date(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = campaign(active(keys_refused=5 * DAY))
    campaigns.start_campaign(campaign=made, user=at.user)
    save_choices(user=at.user, choices={Topic.CAMPAIGNS: Choice.OFF})
    assert told(0) == 1


def test_who_wants_no_dates_is_told_none(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    active(keys_refused=5 * DAY)
    save_choices(user=at.user, choices={Topic.DEADLINES: Choice.OFF})
    assert told(0) == 0
