"""Asking once more who it is, shown on the page that takes a provider's secret."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from onboarding.models import ProviderClient
from onboarding.people.second_step import open_sealed
from tests.onboarding.cast import PASSWORD, confirmed, signed_in, staff_in
from tests.onboarding.people.test_second_step import code_for

pytestmark = pytest.mark.django_db
PAGE = "/staff/providers/retail-r/"
AGAIN = "/accounts/reauthenticate/"
CANARY = "canary-secret-of-a-provider"
FORM = {"client_id": "our-app", "secret": CANARY, "is_open": "on"}


def test_who_has_not_confirmed_is_asked_and_comes_back() -> None:
    client = signed_in(staff_in("security"))
    answer = client.get(f"{PAGE}?a=b")
    assert answer["Location"] == f"{AGAIN}?next=%2Fstaff%2Fproviders%2Fretail-r%2F%3Fa%3Db"
    back = client.post(AGAIN, {"password": PASSWORD, "next": PAGE})
    assert back["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


def test_signing_in_alone_does_not_count() -> None:
    user = staff_in("security")
    sealed = Authenticator.objects.get(user=user).data["secret"]
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    code = code_for(open_sealed(sealed).get_secret_value())
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert client.get("/staff/").status_code == 200
    assert client.get(PAGE)["Location"].startswith(AGAIN)


def test_form_that_comes_too_late_does_nothing_and_is_kept_nowhere() -> None:
    client = confirmed(staff_in("security"))
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        answer = client.post(PAGE, FORM, headers={"Referer": f"http://testserver{PAGE}?x=1"})
        assert answer["Location"] == f"{AGAIN}?next=%2Fstaff%2Fproviders%2Fretail-r%2F%3Fx%3D1"
        assert "Nothing was done yet" in client.get(answer["Location"]).content.decode()
    assert not ProviderClient.objects.exists()
    assert CANARY not in str(dict(client.session))


def test_form_in_time_is_taken() -> None:
    client = confirmed(staff_in("security"))
    with time_machine.travel(timezone.now() + timedelta(minutes=4, seconds=50), tick=False):
        assert client.post(PAGE, FORM)["Location"] == "/staff/providers/"
    assert ProviderClient.objects.get().client_id == "our-app"


def test_confirmation_from_the_future_is_none() -> None:
    client = confirmed(staff_in("security"))
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        assert client.post(PAGE, FORM)["Location"].startswith(AGAIN)


@pytest.mark.parametrize("referer", ["https://evil.example/staff/", "", "javascript:alert(1)"])
def test_nobody_is_led_away_from_the_site(referer: str) -> None:
    client = signed_in(staff_in("security"))
    answer = client.post(PAGE, FORM, headers={"Referer": referer})
    assert answer["Location"] == f"{AGAIN}?next=%2F"


def test_confirmation_of_one_session_opens_no_other() -> None:
    user = staff_in("security")
    confirmed(user)
    assert signed_in(user).get(PAGE)["Location"].startswith(AGAIN)


def test_confirmation_of_one_person_is_none_of_the_next() -> None:
    first = staff_in("security")
    client = confirmed(first)
    client.logout()
    client.force_login(staff_in("operator"))
    assert client.get(PAGE).status_code == 403
    client.force_login(first)
    assert client.get(PAGE)["Location"].startswith(AGAIN)


def test_permission_is_asked_for_before_the_person_is() -> None:
    assert signed_in(staff_in("operator")).get(PAGE).status_code == 403
