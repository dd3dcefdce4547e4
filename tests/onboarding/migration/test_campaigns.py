"""Letters, reminders that stop, the funnel, brownouts."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from keyvault.audit import SYSTEM
from keyvault.models import Credential
from onboarding.errors import PlanError
from onboarding.migration import campaigns, plans
from onboarding.migration.brownouts import BROWNOUTS
from onboarding.migration.campaigns import LETTERS
from onboarding.migration.selectors import cohort, funnel_of
from onboarding.models import Brownout, Campaign, Phase, Recipient, Store, User
from onboarding.submission.services import verify_credential
from simulator.running import RunningSimulator
from tests.keyvault.lending import Api, token_of
from tests.onboarding.cast import confirmed, credential, member, person, signed_in
from tests.onboarding.migration.scene import campaign, key_of, later, migrating, plan, staff
from tests.onboarding.oauth.desk import Desk, desk, opened

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _mails_at_hand(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()


def running(**fields: object) -> Campaign:
    made = campaign(plan(keys_refused=30 * DAY), **fields)
    campaigns.start_campaign(campaign=made, user=staff())
    return made


def numbers(of: Campaign) -> tuple[int, ...]:
    found = funnel_of(of)
    return (found.meant, found.told, found.opened, found.authorised, found.verified)


def test_a_merchant_is_told_opens_authorises_and_is_verified(vendor: RunningSimulator) -> None:
    opened()
    at = migrating(vendor)
    made = running()
    assert numbers(made) == (1, 0, 0, 0, 0)
    assert LETTERS.run(later()) == 1
    assert numbers(made) == (1, 1, 0, 0, 0)
    (letter,) = mail.outbox
    assert letter.to == [at.user.email]
    assert "works until" in letter.body
    (url,) = set(re.findall(r"(/stores/\S+/connect/retail-r/)", letter.body))
    at.client.get(url)
    assert numbers(made) == (1, 1, 1, 0, 0)
    account = str(at.store.shop_id)
    consent = at.go(account=account)
    assert numbers(made) == (1, 1, 1, 1, 0)
    at.answer(consent, yes="1")
    assert numbers(made) == (1, 1, 1, 1, 1)


def test_reminders_come_on_their_days_and_stop_on_success(vendor: RunningSimulator) -> None:
    opened()
    at = migrating(vendor)
    made = running()
    LETTERS.run(later())
    assert LETTERS.run(later(days=15)) == 0
    assert LETTERS.run(later(days=16.1)) == 1
    assert mail.outbox[-1].subject.startswith("Reminder")
    assert Recipient.objects.get().reminders == 1
    at.connect(account=str(at.store.shop_id))
    assert LETTERS.run(later(days=23.1)) == 1
    assert len(mail.outbox) == 2
    assert Recipient.objects.get().due_at is None
    assert numbers(made)[-1] == 1


def test_who_moved_by_another_way_hears_no_more(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    running()
    Credential.objects.filter(pk=key_of(at).pk).update(state="replaced")
    LETTERS.run(later())
    assert mail.outbox == []
    assert Recipient.objects.get().verified_at is not None


def test_every_letter_bears_a_way_to_stop_them_and_that_holds(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    running()
    LETTERS.run(later())
    (letter,) = mail.outbox
    headers = letter.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link in letter.body
    Client().post("/" + link.split("/", 3)[3], {"List-Unsubscribe": "One-Click"})
    LETTERS.run(later(days=16.1))
    assert len(mail.outbox) == 1
    assert at.user.is_active


def test_the_last_reminder_is_the_last(vendor: RunningSimulator) -> None:
    migrating(vendor)
    running()
    for days in (0, 16.1, 23.1, 29.1, 40):
        LETTERS.run(later(days=days))
    assert len(mail.outbox) == 4
    assert Recipient.objects.get().due_at is None


def test_without_a_date_there_is_no_reminder(vendor: RunningSimulator) -> None:
    migrating(vendor)
    made = campaign(plan(announce=DAY))
    campaigns.start_campaign(campaign=made, user=staff())
    LETTERS.run(later())
    assert "until" not in mail.outbox[0].body
    assert Recipient.objects.get().due_at is None


def test_a_paused_campaign_sends_nothing(vendor: RunningSimulator) -> None:
    migrating(vendor)
    made = running()
    campaigns.pause_campaign(campaign=made, user=staff())
    assert LETTERS.run(later()) == 0
    campaigns.resume_campaign(campaign=made, user=staff())
    assert LETTERS.run(later()) == 1
    campaigns.stop_campaign(campaign=made, user=staff())
    assert LETTERS.run(later(days=20)) == 0
    with pytest.raises(PlanError):
        campaigns.resume_campaign(campaign=made, user=staff())
    with pytest.raises(PlanError):
        campaigns.start_campaign(campaign=made, user=staff())


def test_calling_a_plan_off_ends_its_letters_and_brownouts(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = running()
    LETTERS.run(later())
    plans.activate(plan=made.plan, user=staff())
    rehearsal = brownout(made)
    draft = campaign(made.plan, name="Not started yet")
    plans.call_off(plan=made.plan, user=staff())
    assert LETTERS.run(later(days=29.5)) == 0
    assert len(mail.outbox) == 1
    BROWNOUTS.run(later(seconds=1))
    rehearsal.refresh_from_db()
    assert rehearsal.state == "stopped"
    assert key_of(at).state == "active"
    for each in (draft, campaign(made.plan, name="Entered afterwards")):
        with pytest.raises(PlanError):
            campaigns.start_campaign(campaign=each, user=staff())


def test_the_cohort_is_filtered_by_platform_and_language(vendor: RunningSimulator) -> None:
    first, second = migrating(vendor), migrating(vendor, "second")
    Store.objects.filter(pk=first.store.pk).update(platform="shopify")
    User.objects.filter(pk=second.user.pk).update(language="nl")
    of = plan(keys_refused=DAY)
    assert list(cohort(campaign(of, name="a", platform="shopify"))) == [first.store]
    assert list(cohort(campaign(of, name="b", language="nl"))) == [second.store]
    assert not cohort(campaign(of, name="c", platform="magento")).exists()


def test_single_stores_can_be_told_of_their_own_interruption(vendor: RunningSimulator) -> None:
    first, second = migrating(vendor), migrating(vendor, "second")
    of = plan(keys_refused=30 * DAY)
    client = confirmed(staff())
    facts = {"name": "Wave", "starts_at": "2026-01-01T09:00", "reminder_days": "7"}
    facts |= {"expects_interruption": "on", "interruption": "Sunday from 2 to 3."}
    url = f"/staff/plans/{of.pk}/campaigns/new/"
    for wrong in ("nonsense", f"{second.store.pk}\nnonsense", str(of.saved_by_id), "0" * 8):
        assert client.post(url, {**facts, "only_stores": wrong}).status_code == 422
    own_page = f"http://testserver/stores/{second.store.pk}/"
    answer = client.post(url, {**facts, "only_stores": own_page})
    page = client.get(answer.headers["Location"]).content.decode()
    assert second.store.merchant.name in page
    assert first.store.merchant.name not in page
    assert "Sunday from 2 to 3." in page
    campaigns.start_campaign(campaign=Campaign.objects.get(), user=staff())
    LETTERS.run(later())
    (letter,) = mail.outbox
    assert letter.to == [second.user.email]


def test_reminders_follow_a_date_that_is_moved(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = running()
    LETTERS.run(later())
    sooner = (later() + 8 * DAY).replace(tzinfo=None)
    plans.set_phase(plan=made.plan, effect="keys_refused", local=sooner, user=staff())
    assert LETTERS.run(later(days=1.5)) == 1
    assert mail.outbox[-1].subject.startswith("Reminder")
    plans.remove_phase(phase=Phase.objects.get(), user=staff())
    assert Recipient.objects.get().due_at is None
    assert key_of(at).state == "active"


def test_moving_a_date_tells_nobody_who_has_moved_or_was_not_told(vendor: RunningSimulator) -> None:
    migrating(vendor)
    made = running()
    due_at = Recipient.objects.get().due_at
    local = (later() + 8 * DAY).replace(tzinfo=None)
    plans.set_phase(plan=made.plan, effect="keys_refused", local=local, user=staff())
    assert Recipient.objects.get().due_at == due_at
    Recipient.objects.update(told_at=later(), verified_at=later(), due_at=None)
    plans.set_phase(plan=made.plan, effect="keys_refused", local=local, user=staff())
    assert Recipient.objects.get().due_at is None


def test_staff_see_who_has_not_moved_yet(vendor: RunningSimulator) -> None:
    first, second = migrating(vendor), migrating(vendor, "second")
    made = running()
    LETTERS.run(later())
    Recipient.objects.filter(store=first.store).update(verified_at=later())
    page = signed_in(staff()).get(f"/staff/campaigns/{made.pk}/").content.decode()
    assert "Who has not moved yet" in page
    assert second.store.merchant.name in page
    assert first.store.merchant.name not in page


def test_everybody_reads_their_own_language(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    member(at.store.merchant, person("dutch", language="nl"))
    gone = person("gone")
    member(at.store.merchant, gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    running()
    LETTERS.run(later())
    assert {each.to[0] for each in mail.outbox} == {at.user.email, "dutch@example.test"}


def test_a_campaign_of_one_language_writes_to_its_readers_alone(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    member(at.store.merchant, person("dutch", language="nl"))
    running(language="nl")
    LETTERS.run(later())
    assert [each.to for each in mail.outbox] == [["dutch@example.test"]]


def test_an_expected_interruption_is_said(vendor: RunningSimulator) -> None:
    migrating(vendor)
    running(expects_interruption=True, interruption="Sunday from 2 to 3 in the morning.")
    LETTERS.run(later())
    assert "Sunday from 2 to 3" in mail.outbox[0].body


def test_a_plan_without_a_way_leads_to_the_store(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = running()
    made.plan.provider = ""
    made.plan.save()
    LETTERS.run(later())
    (letter,) = mail.outbox
    assert f"/stores/{at.store.pk}/\n" in letter.body + "\n"
    assert "We tell you as soon as you can reconnect." in letter.body
    assert "Reconnecting takes" not in letter.body
    assert letter.subject.startswith("A change at Lightspeed Retail concerns")


def test_who_is_late_is_told_that_the_key_is_refused_already(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = running()
    Phase.objects.update(starts_at=later() - DAY, started_at=later())
    LETTERS.run(later())
    (letter,) = mail.outbox
    assert f"has refused the key of {at.store.name} since" in letter.body
    assert "works until" not in letter.body
    assert "goes on working" not in letter.body
    assert f"/connect/{made.plan.provider}/" in letter.body


def brownout(of: Campaign, **fields: object) -> Brownout:
    facts = {"starts_at": later(), "due_at": later(), "minutes": 5, "most_denied": 3, **fields}
    return Brownout.objects.create(campaign=of, **facts)


def refusals(at: Desk, *, times: int) -> list[int]:
    """What one backend hears that asks for a lease again and again."""
    api = Api(token_of())
    keychain = at.store.keychain
    return [api.lease(keychain).status_code for _ in range(times)]


def test_a_brownout_sets_keys_aside_and_brings_them_back(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    rehearsal = brownout(running())
    assert BROWNOUTS.run(later(seconds=1)) == 1
    assert key_of(at).state == "suspended"
    assert BROWNOUTS.run(later(minutes=1)) == 0
    assert key_of(at).state == "suspended"
    assert BROWNOUTS.run(later(minutes=6)) == 1
    assert key_of(at).state == "active"
    rehearsal.refresh_from_db()
    assert rehearsal.state == "over"
    assert BROWNOUTS.run(later(minutes=9)) == 0


@pytest.mark.django_db(transaction=True)
def test_each_request_that_fails_counts_and_too_many_stop_a_brownout(
    vendor: RunningSimulator,
) -> None:
    at = migrating(vendor)
    rehearsal = brownout(running())
    BROWNOUTS.run(later())
    assert refusals(at, times=2) == [409, 409]
    assert BROWNOUTS.run(later(seconds=10)) == 0
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.denied) == ("running", 2)
    refusals(at, times=1)
    assert BROWNOUTS.run(later(seconds=20)) == 1
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.denied) == ("stopped", 3)
    assert key_of(at).state == "active"


@pytest.mark.django_db(transaction=True)
def test_what_fails_before_or_elsewhere_does_not_count(vendor: RunningSimulator) -> None:
    at, other = migrating(vendor), desk(vendor, "keyless")
    rehearsal = brownout(running())
    refusals(other, times=2)
    BROWNOUTS.run(later())
    refusals(other, times=2)
    BROWNOUTS.run(later(seconds=10))
    rehearsal.refresh_from_db()
    assert rehearsal.denied == 0
    assert key_of(at).state == "suspended"


@pytest.mark.django_db(transaction=True)
def test_a_store_that_has_something_else_to_lend_does_not_fail(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    rehearsal = brownout(running())
    credential(at.store)
    BROWNOUTS.run(later())
    assert refusals(at, times=1) == [201]
    BROWNOUTS.run(later(seconds=10))
    rehearsal.refresh_from_db()
    assert rehearsal.denied == 0


def test_a_check_that_passes_does_not_end_a_brownout(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    brownout(running())
    BROWNOUTS.run(later())
    assert verify_credential(credential=key_of(at), actor=SYSTEM).outcome == "passed"
    assert key_of(at).state == "suspended"
    for turn in ("pause", "resume"):
        at.client.post(f"/stores/{at.store.pk}/keys/{key_of(at).pk}/{turn}/")
    assert key_of(at).state == "paused"


def test_a_key_that_somebody_paused_meanwhile_stays_paused(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    brownout(running())
    BROWNOUTS.run(later())
    at.client.post(f"/stores/{at.store.pk}/keys/{key_of(at).pk}/pause/")
    assert BROWNOUTS.run(later(minutes=6)) == 1
    assert key_of(at).state == "paused"
    at.client.post(f"/stores/{at.store.pk}/keys/{key_of(at).pk}/resume/")
    assert key_of(at).state == "active"


def test_a_paused_campaign_ends_its_brownout(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = running()
    brownout(made)
    BROWNOUTS.run(later())
    campaigns.pause_campaign(campaign=made, user=staff())
    BROWNOUTS.run(later(seconds=10))
    assert key_of(at).state == "active"
    planned = brownout(made)
    assert BROWNOUTS.run(later(seconds=10)) == 0
    planned.refresh_from_db()
    assert planned.state == "stopped"


def test_staff_walk_a_campaign_through_its_pages(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    of = plan(keys_refused=30 * DAY)
    client = signed_in(staff())
    new = f"/staff/plans/{of.pk}/campaigns/new/"
    facts = {"name": "Wave", "starts_at": "2026-01-01T09:00", "reminder_days": "14, 7, 7"}
    assert client.get(new).status_code == 200
    for wrong in ({"reminder_days": "soon"}, {"expects_interruption": "on"}):
        assert client.post(new, {**facts, **wrong}).status_code == 422
    url = client.post(new, facts).headers["Location"]
    assert client.post(new, facts).status_code == 422
    made = Campaign.objects.get()
    assert made.reminder_days == [14, 7]
    assert "14, 7 days before the keys are refused" in client.get(url).content.decode()
    Campaign.objects.update(reminder_days=[])
    assert "days before" not in client.get(url).content.decode()
    Campaign.objects.update(reminder_days=[14, 7])
    assert at.store.name in client.get(url).content.decode()
    client.post(f"{url}start/")
    assert "How far they have come" in client.get(url).content.decode()
    for turn in ("pause", "resume", "nonsense", "stop"):
        client.post(f"{url}{turn}/")
    made.refresh_from_db()
    assert made.state == "stopped"
    times = {"starts_at": "2031-01-01T09:00", "minutes": "10", "most_denied": "20"}
    assert client.post(url, times).status_code == 302
    assert client.post(url, {**times, "minutes": "0"}).status_code == 422
    assert Brownout.objects.get().due_at == Brownout.objects.get().starts_at
