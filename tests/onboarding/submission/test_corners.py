"""What only happens when somebody else was faster, or a draft has vanished."""

import pytest
from django.utils import timezone
from pydantic import SecretStr

from keyvault.models import Draft
from lightspeed.pasted import Pasted
from onboarding.models import Replacement, Submission
from onboarding.submission.services import delete_submission, pair, replace, store
from simulator.running import RunningSimulator
from tests.onboarding.cast import BY_TESTS
from tests.onboarding.submission.desk import desk, heading
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db
State = Submission.State


def test_deleting_twice_deletes_once(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    assert delete_submission(submission=at.submission(), actor=BY_TESTS)
    assert not delete_submission(submission=at.submission(), actor=BY_TESTS)


def test_a_pair_that_was_deleted_meanwhile_takes_no_new_values(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    stale = at.submission()
    delete_submission(submission=at.submission(), actor=BY_TESTS)
    values = Pasted(key=SecretStr("0" * 32), secret=SecretStr("1" * 32), remarks=())
    row = pair._change_pair(submission=stale, actor=BY_TESTS, pasted=values, name="")
    assert row.state == State.DELETED
    assert not Draft.objects.exists()


def test_a_pair_that_is_pasted_again_takes_the_new_name_and_keeps_it_when_there_is_none(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    known = pasted(known_pair(simulator))
    at.paste(**known)
    submission = at.submission()
    at.paste(submission=submission.pk, **{**known, "name": "Bike App tablet"})
    assert at.submission().name == "Bike App tablet"
    values = Pasted(key=SecretStr("0" * 32), secret=SecretStr("1" * 32), remarks=())
    row = pair._change_pair(submission=submission, actor=BY_TESTS, pasted=values, name="")
    assert row.name == "Bike App tablet"


def test_a_pair_whose_draft_has_vanished_can_be_pasted_again(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    submission = at.submission()
    Draft.objects.all().delete()
    page = at.paste(submission=submission.pk, **pasted(known_pair(simulator)))
    assert heading(page) == "This key works"
    assert at.submission() == submission


def test_a_lone_secret_in_a_stored_form_is_another_pair(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    first = at.submission()
    at.press("store", first)
    at.paste(submission=first.pk, secret="a" * 32)
    assert at.submission() != first
    assert at.submission().state == State.PARTIAL


def test_a_replacement_that_ended_meanwhile_is_not_retired(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    at.press("store", at.submission())
    old = at.submission().credential
    assert old is not None
    at.paste(replaces=str(old.pk), **pasted(known_pair(simulator)))
    at.press("store", at.submission())
    stale = Replacement.objects.get()
    replace.undo_replacement(replacement=stale, actor=BY_TESTS)
    assert not replace._retire(stale, now=timezone.now())


def test_a_duplicate_is_noted_once(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    for _ in range(2):
        store._note_duplicate(at.submission(), is_here=True, actor=BY_TESTS)
    outcomes = at.submission().verifications.values_list("outcome", flat=True)
    assert sorted(outcomes) == ["added_here", "passed"]
