"""What happens to a pair while it is being checked, and to a store between check and storing."""

import pytest
from django.utils import timezone

from keyvault import due
from keyvault.models import Credential, Draft
from onboarding.models import Store, Submission
from onboarding.submission.errors import NotPassedError
from onboarding.submission.services import ask_otherwise, store_submission
from onboarding.submission.services.check import CLAIM_SECONDS
from simulator.running import RunningSimulator
from tests.onboarding.cast import BY_TESTS
from tests.onboarding.submission.desk import Desk, desk, heading
from tests.onboarding.vendor import OTHER_SHOP, SHOP, known_pair, pasted

pytestmark = pytest.mark.django_db
State = Submission.State


def under_check(at: Desk) -> Submission:
    """The desk's pair, claimed by somebody who asks the vendor."""
    rows = Submission.objects.filter(pk=at.submission().pk)
    now = timezone.now()
    rows.update(due_at=now)
    return due.claim(rows, now=now, claim_seconds=CLAIM_SECONDS)[0]


def test_deleting_makes_a_check_under_way_come_to_nothing(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    claimed = under_check(at)
    at.press("delete", claimed)
    assert not due.finish(claimed, due_at=None, state=State.PASSED)
    assert at.submission().state == State.DELETED
    assert not Draft.objects.exists()


def test_nothing_is_stored_while_a_check_is_under_way(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    claimed = under_check(at)
    assert heading(at.press("store", claimed)) == "We are asking Lightspeed"
    assert not Credential.objects.exists()
    assert due.finish(claimed, due_at=None, state=State.PASSED)
    at.press("store", claimed)
    assert Credential.objects.count() == 1


@pytest.mark.parametrize("otherwise", [{"cluster": "us1"}, {"language": "fr"}])
def test_a_pass_does_not_stand_for_what_was_not_asked(
    simulator: RunningSimulator, otherwise: dict[str, str]
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    assert ask_otherwise(submission=at.submission(), **otherwise)
    with pytest.raises(NotPassedError):
        store_submission(submission=at.submission(), actor=BY_TESTS)
    assert heading(at.client.get(f"{at.url}{at.submission().pk}/")) == "We are asking Lightspeed"
    assert at.submission().due_at is not None


def test_asking_what_was_asked_already_keeps_the_pass(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    assert ask_otherwise(submission=at.submission(), cluster="eu1", language="en")
    assert at.submission().state == State.PASSED


@pytest.mark.parametrize(
    ("button", "fields"), [("cluster", {"cluster": "us1"}), ("language", {"language": "fr"})]
)
def test_a_check_under_way_answers_the_question_that_it_was_given(
    simulator: RunningSimulator, button: str, fields: dict[str, str]
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    claimed = under_check(at)
    at.press(button, claimed, **fields)
    found = at.submission()
    assert (found.cluster, found.language) == ("eu1", "en")
    assert due.finish(claimed, due_at=None, state=State.PASSED)


def test_half_a_pair_is_not_asked_about_elsewhere(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(key=pasted(known_pair(simulator))["key"])
    assert not ask_otherwise(submission=at.submission(), cluster="us1")
    assert at.submission().state == State.PARTIAL


def test_the_second_first_key_of_another_shop_is_not_stored_unasked(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    first = at.submission()
    at.paste(**pasted(known_pair(simulator, shop_id=OTHER_SHOP)))
    second = at.submission()
    at.press("store", first)
    page = at.press("store", second)
    assert heading(page) == "This key belongs to another shop"
    assert Credential.objects.get().state == Credential.State.ACTIVE
    assert Store.objects.get().shop_id == SHOP
    at.press("shop", second, shop_id=str(OTHER_SHOP), agree="yes")
    at.press("store", second)
    assert Store.objects.get().shop_id == OTHER_SHOP
