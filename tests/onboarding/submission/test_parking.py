"""A pair that is sent after the session has ended is kept, and nothing else happens."""

import re
import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from keyvault.models import Draft
from onboarding.models import Submission, User
from onboarding.submission.duties import run_due_checks
from simulator.running import RunningSimulator
from tests.onboarding.cast import PASSWORD, merchant, person, store
from tests.onboarding.submission.desk import Desk, desk, text
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db


def form_of(at: Desk, *, path: str = "") -> dict[str, str]:
    """The hidden fields of the paste page, as a browser holds them."""
    page = at.client.get(f"{at.url}{path}").content.decode()
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def sent_too_late(at: Desk, **fields: str) -> HttpResponse:
    at.client.logout()
    return at.client.post(at.url, fields)


def signed_in_again(at: Desk, answer: HttpResponse, *, name: str = "owner") -> HttpResponse:
    """By the sign-in page that the answer leads to."""
    where = urlsplit(answer.headers["Location"])
    assert where.path == "/accounts/login/"
    back = parse_qs(where.query)["next"][0]
    form = {"login": f"{name}@example.test", "password": PASSWORD, "next": back}
    return at.client.post("/accounts/login/", form, follow=True)


def test_a_pair_that_comes_too_late_waits_for_its_person(simulator: RunningSimulator) -> None:
    at = desk()
    form = form_of(at) | pasted(known_pair(simulator))
    answer = sent_too_late(at, **form)
    submission = at.submission()
    assert (str(submission.pk), submission.name) == (form["submission"], "Bike App mobile")
    run_due_checks(timezone.now() + timedelta(minutes=5))
    assert simulator.stats()["requests"] == 0
    page = signed_in_again(at, answer)
    assert "Your key and secret are kept" in text(page)
    assert "Kept from before. Leave this empty to keep it." in text(page)
    again = f"{at.url}{submission.pk}/paste/"
    page = at.client.post(again, form_of(at, path=f"{submission.pk}/paste/"), follow=True)
    assert "Store this key" in text(page)


def test_an_idle_session_keeps_the_pair_as_well(simulator: RunningSimulator) -> None:
    at = desk()
    form = form_of(at) | pasted(known_pair(simulator))
    idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS + 5)
    with time_machine.travel(timezone.now() + idle):
        answer = at.client.post(at.url, form)
        assert "/paste/" in answer.headers["Location"]
        assert at.submission().draft_id is not None
        assert "_auth_user_id" not in at.client.session


def test_what_is_kept_and_what_is_not_is_said(simulator: RunningSimulator) -> None:
    at = desk()
    key, secret = pasted(known_pair(simulator)).values()
    for fields, words in (
        ({"key": key, "secret": ""}, "Your API key is kept; paste the API secret again."),
        ({"key": "", "secret": secret}, "Your API secret is kept; paste the API key again."),
        ({"key": "", "secret": ""}, "Paste the key and the secret again; the rest is kept."),
    ):
        answer = sent_too_late(at, **form_of(at) | fields)
        assert words in text(signed_in_again(at, answer))


def test_progress_and_place_are_kept(simulator: RunningSimulator) -> None:
    at = desk()
    steps = f"/stores/{at.store.pk}/walkthrough/"
    at.client.post(f"{steps}1/", {"owner": "yes", "plan": "yes", "keys_wanted": "2"})
    for step in (2, 3, 4):
        at.client.post(f"{steps}{step}/")
    answer = sent_too_late(at, **form_of(at) | pasted(known_pair(simulator)))
    assert at.submission().walkthrough is not None
    page = signed_in_again(at, answer)
    assert "Step 5 of 6" in text(page)
    assert at.submission().name == "Bike App mobile 1 of 2"


def test_no_other_ticket_keeps_anything(simulator: RunningSimulator) -> None:
    at, other = desk(), desk("other", company="Other")
    pair = pasted(known_pair(simulator))
    good = form_of(at)
    for wrong in (
        {"ticket": ""},
        {"ticket": f"{good['ticket']}x"},
        {"ticket": form_of(other)["ticket"]},
        {"submission": str(uuid.uuid4())},
    ):
        answer = sent_too_late(at, **good | pair | wrong)
        assert answer.headers["Location"].startswith("/accounts/login/")
        at.client.force_login(User.objects.get(email="owner@example.test"))
    assert not Submission.objects.exists()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("change", ["password", "closed", "left", "late"])
def test_a_ticket_ends_with_what_it_stands_for(simulator: RunningSimulator, change: str) -> None:
    at = desk()
    form = form_of(at) | pasted(known_pair(simulator))
    user = User.objects.get(email="owner@example.test")
    if change == "password":
        user.set_password("another-harbour-43")
        user.save()
    elif change == "closed":
        User.objects.update(is_active=False)
    elif change == "left":
        user.memberships.all().delete()
    span = timedelta(hours=25) if change == "late" else timedelta()
    with time_machine.travel(timezone.now() + span):
        sent_too_late(at, **form)
    assert not Submission.objects.exists()


def test_a_ticket_is_good_for_one_store(simulator: RunningSimulator) -> None:
    at = desk()
    second = store(merchant("Second", owner=User.objects.get()), name="Second")
    form = form_of(at) | pasted(known_pair(simulator))
    at.client.logout()
    at.client.post(f"/stores/{second.pk}/keys/new/", form)
    assert not Submission.objects.exists()


def test_somebody_else_who_signs_in_sees_nothing_of_it(simulator: RunningSimulator) -> None:
    at = desk()
    person("stranger")
    answer = sent_too_late(at, **form_of(at) | pasted(known_pair(simulator)))
    assert signed_in_again(at, answer, name="stranger").status_code == 404
