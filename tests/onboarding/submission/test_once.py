"""Twice sent, two tabs, the Back button, a stale pass: one credential, one answer."""

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from keyvault import pool
from keyvault.audit import SYSTEM
from keyvault.models import AuditEntry, Credential, Draft
from onboarding.models import Submission, Verification
from onboarding.submission.duties import run_due_checks, run_expiry
from onboarding.submission.errors import NotPassedError
from onboarding.submission.services import check_submission, store_submission
from onboarding.submission.services.check import run_claimed
from simulator.running import RunningSimulator
from tests.onboarding.cast import BY_TESTS
from tests.onboarding.submission.desk import desk, heading, text
from tests.onboarding.vendor import known_pair, pasted, without

pytestmark = pytest.mark.django_db
State = Submission.State


def test_a_form_sent_twice_makes_one_submission(simulator: RunningSimulator) -> None:
    at = desk()
    form, known = uuid.uuid4(), known_pair(simulator)
    at.paste(submission=form, **pasted(known))
    asked = simulator.stats()["requests"]
    page = at.paste(submission=form, **pasted(known))
    assert heading(page) == "This key works"
    assert Submission.objects.count() == Draft.objects.count() == 1
    assert simulator.stats()["requests"] == asked


def test_a_form_sent_again_after_storing_leads_to_the_store(simulator: RunningSimulator) -> None:
    at = desk()
    form, known = uuid.uuid4(), known_pair(simulator)
    at.paste(submission=form, **pasted(known))
    at.press("store", at.submission())
    page = at.paste(submission=form, **pasted(known))
    assert page.redirect_chain[-1][0] == f"/stores/{at.store.pk}/"
    assert Submission.objects.count() == Credential.objects.count() == 1


def test_a_stored_key_leaves_no_copy_that_waits_for_a_check(simulator: RunningSimulator) -> None:
    at, known = desk(), known_pair(simulator)
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    at.paste(**pasted(known))
    waiting = at.submission()
    at.paste(key=known.key.get_secret_value())
    at.paste(**pasted(known_pair(simulator)))
    other = at.submission()
    at.paste(**pasted(known))
    at.press("store", at.submission())
    Submission.objects.filter(pk=waiting.pk).update(due_at=timezone.now())
    mail.outbox.clear()
    assert run_due_checks(timezone.now()) == 0
    assert list(Submission.objects.filter(state__in=Submission.OPEN_STATES)) == [other]
    assert Draft.objects.count() == 1
    assert mail.outbox == []
    page = at.press("check", waiting)
    assert heading(page) == "You have added this key already"
    assert "What is kept" not in text(page)


def test_a_new_secret_for_a_stored_key_is_no_copy_of_it(simulator: RunningSimulator) -> None:
    at, known = desk(), known_pair(simulator)
    at.paste(**pasted(known))
    first = at.submission()
    at.press("store", first)
    credential = Credential.objects.get()
    at.paste(replaces=str(credential.pk), **pasted(known))
    at.press("store", first)
    at.press("store", at.submission())
    assert Credential.objects.count() == 2


def test_another_key_in_a_form_that_was_stored_gets_its_own_submission(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    form = uuid.uuid4()
    at.paste(submission=form, **pasted(known_pair(simulator)))
    at.press("store", at.submission())
    page = at.paste(submission=form, **pasted(known_pair(simulator)))
    assert heading(page) == "This key works"
    assert Submission.objects.count() == 2


def test_a_form_that_names_another_stores_submission_does_not_touch_it(
    simulator: RunningSimulator,
) -> None:
    first = desk("first")
    first.paste(**pasted(known_pair(simulator)))
    theirs = first.submission()
    at = desk("second")
    at.paste(submission=theirs.pk, **pasted(known_pair(simulator)))
    assert at.submission().pk != theirs.pk
    assert first.submission().draft_id == theirs.draft_id


def test_storing_twice_gives_the_same_credential_twice(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    first = store_submission(submission=at.submission(), actor=BY_TESTS)
    second = store_submission(submission=at.submission(), actor=BY_TESTS)
    assert first == second
    assert Credential.objects.count() == 1
    assert AuditEntry.objects.filter(action="credential.sealed").count() == 1


def test_two_tabs_with_the_same_key_make_one_credential(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    at.paste(**pasted(known))
    one = at.submission()
    at.paste(**pasted(known))
    other = at.submission()
    assert one != other
    at.press("store", one)
    page = at.press("store", other)
    assert heading(page) == "You have added this key already"
    assert Credential.objects.count() == 1


def test_a_key_stored_elsewhere_between_check_and_storing_is_turned_away(
    simulator: RunningSimulator,
) -> None:
    at, rival = desk("owner"), desk("rival", company="Rival")
    known = known_pair(simulator)
    at.paste(**pasted(known))
    rival.paste(**pasted(known))
    rival.press("store", rival.submission())
    page = at.press("store", at.submission())
    assert heading(page) == "This key is in use elsewhere"
    assert AuditEntry.objects.filter(action="duplicate.refused").count() == 1


def test_only_one_of_two_checks_asks_the_vendor(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    submission = at.submission()
    later = timezone.now() + timedelta(minutes=1)
    Submission.objects.filter(pk=submission.pk).update(claimed_until=later)
    asked = simulator.stats()["requests"]
    page = at.press("check", submission)
    assert heading(page) == "We are asking Lightspeed"
    assert simulator.stats()["requests"] == asked


def test_a_check_that_was_overtaken_by_another_pair_records_nothing(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    submission = at.submission()
    claimed = Submission.objects.select_related("store").get(pk=submission.pk)
    at.paste(submission=submission.pk, **pasted(known_pair(simulator)))
    before = Verification.objects.count()
    claimed.draft_id = at.submission().draft_id
    run_claimed(claimed, actor=SYSTEM)
    assert Verification.objects.count() == before
    assert at.submission().state == State.PASSED


def test_a_stale_pass_is_checked_again_before_it_is_stored(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    at.paste(**pasted(known))
    Verification.objects.update(at=timezone.now() - timedelta(minutes=11))
    simulator.put_key(key=known.key.get_secret_value(), permissions=without(("orders", "write")))
    page = at.press("store", at.submission())
    assert heading(page) == "One box is not ticked"
    assert not Credential.objects.exists()


def test_what_has_not_passed_cannot_be_stored(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    with pytest.raises(NotPassedError):
        store_submission(submission=at.submission(), actor=BY_TESTS)
    assert not Credential.objects.exists()


def test_a_draft_that_had_its_time_cannot_be_stored(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    Draft.objects.update(expires_at=timezone.now())
    with pytest.raises(NotPassedError):
        store_submission(submission=at.submission(), actor=BY_TESTS)
    checked = check_submission(submission=at.submission(), actor=BY_TESTS)
    assert checked.state == State.DELETED


def test_storing_counts_every_request_of_its_checks(simulator: RunningSimulator) -> None:
    at = desk()
    weak = known_pair(simulator, lacking=("orders", "write"))
    at.paste(**pasted(weak))
    simulator.put_key(key=weak.key.get_secret_value(), permissions=without(None))
    at.press("check", at.submission())
    credential = store_submission(submission=at.submission(), actor=BY_TESTS)
    day = pool.budgets(credential_ids=[credential.pk])[credential.pk][-1]
    assert day.limit - day.remaining == simulator.stats()["requests"] == 6


def test_a_worker_checks_what_waits_and_lets_it_pass(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    at.paste(**pasted(known_pair(simulator)))
    waiting = at.submission()
    assert waiting.state == State.WAITING
    assert run_due_checks(timezone.now()) == 0
    assert waiting.due_at is not None
    assert run_due_checks(waiting.due_at) == 1
    assert at.submission().state == State.PASSED
    assert AuditEntry.objects.filter(action="verification.passed", actor="system:worker").exists()
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["owner@example.test"], "Your key for Bike App works: store it")
    ]


def test_a_worker_that_finds_a_box_missing_tells_the_merchant(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    run_due_checks(at.submission().due_at or timezone.now())
    assert at.submission().state == State.FAILED
    assert mail.outbox[0].subject == "Your key for Bike App needs you"


def test_a_worker_that_gives_up_tells_the_merchant(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="500", count=2)
    at.paste(**pasted(known_pair(simulator)))
    Submission.objects.update(created_at=timezone.now() - timedelta(hours=71, minutes=58))
    run_due_checks(at.submission().due_at or timezone.now())
    assert mail.outbox[0].subject == "We could not check your key for Bike App"


def test_an_outage_lengthens_the_life_of_the_draft_to_three_days(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    at.paste(**pasted(known_pair(simulator)))
    submission = at.submission()
    assert submission.expires_at - submission.created_at == timedelta(hours=72)
    assert abs(Draft.objects.get().expires_at - submission.expires_at) < timedelta(seconds=2)


def test_after_three_days_of_silence_it_is_the_merchants_turn(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="500", count=2)
    at.paste(**pasted(known_pair(simulator)))
    began = timezone.now() - timedelta(hours=71, minutes=58)
    Submission.objects.update(created_at=began)
    page = at.press("check", at.submission())
    assert heading(page) == "Lightspeed has not answered for three days"
    assert at.submission().due_at is None


def test_the_vendors_own_waiting_time_is_kept(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="429", count=1)
    at.paste(**pasted(known_pair(simulator)))
    verification = Verification.objects.get()
    assert verification.outcome == "throttled"
    assert verification.retry_at == at.submission().due_at


def test_expired_drafts_are_deleted(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    assert run_expiry(timezone.now()) == 0
    Submission.objects.update(expires_at=timezone.now())
    page = at.client.get(f"{at.url}{at.submission().pk}/")
    assert heading(page) == "This key is no longer kept"
    assert run_expiry(timezone.now()) == 1
    assert not Draft.objects.exists()
    assert at.submission().state == State.DELETED
    assert run_expiry(timezone.now()) == 0


def test_checking_an_expired_submission_deletes_it(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    Submission.objects.update(expires_at=timezone.now())
    assert heading(at.press("check", at.submission())) == "This key is no longer kept"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("form", ["", "not-an-id", "<script>"])
def test_a_form_that_lost_its_id_works_all_the_same(simulator: RunningSimulator, form: str) -> None:
    at = desk()
    fields = {"submission": form, **pasted(known_pair(simulator))}
    page = at.client.post(at.url, fields, follow=True)
    assert heading(page) == "This key works"
    assert Submission.objects.count() == 1


def test_requests_of_checks_that_were_thrown_away_are_not_lent_again(
    simulator: RunningSimulator,
) -> None:
    at, known = desk(), known_pair(simulator)
    for _ in range(3):
        at.paste(**pasted(known))
        at.press("delete", at.submission())
    at.paste(**pasted(known))

    credential = store_submission(submission=at.submission(), actor=BY_TESTS)

    asked = simulator.stats()["requests"]
    budget = {each.seconds: each for each in _budget(credential)}
    assert asked == 12
    for seconds in (300, 3600, 86400):
        assert budget[seconds].limit - budget[seconds].remaining >= asked


def _budget(credential: Credential) -> list[pool.WindowBudget]:
    return pool.budgets(credential_ids=[credential.pk])[credential.pk]
