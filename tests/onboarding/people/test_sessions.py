import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from onboarding.people.sessions import browser_name, end_other_sessions, sessions_of
from tests.onboarding.cast import PASSWORD, person

pytestmark = pytest.mark.django_db
SESSIONS = "/accounts/sessions/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def browser(email: str, user_agent: str = "") -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post(reverse("account_login"), {"login": email, "password": PASSWORD})
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("account")).status_code == 200


def test_others_are_signed_out_and_this_one_stays() -> None:
    user = person("owner")
    here, there, elsewhere = (browser(user.email) for _ in range(3))
    assert here.post(SESSIONS)["Location"] == SESSIONS
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert not is_signed_in(elsewhere)


def test_nobody_elses_session_ends() -> None:
    user, other = person("owner"), person("other")
    here, theirs = browser(user.email), browser(other.email)
    assert end_other_sessions(user=user, session_key=here.session.session_key) == 0
    assert is_signed_in(theirs)


def test_list_marks_this_browser_and_names_the_others() -> None:
    user = person("owner")
    browser(user.email, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1")
    here = browser(user.email, "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0")
    found = sessions_of(user=user, session_key=here.session.session_key)
    assert [(each.browser, each.is_current) for each in found] == [
        ("Firefox, Windows", True),
        ("Safari, iPhone", False),
    ]
    page = here.get(SESSIONS).content.decode()
    assert "Firefox, Windows" in page
    assert "Sign out the others" in page


def test_ended_sessions_are_left_out() -> None:
    user = person("owner")
    here, there = browser(user.email), browser(user.email)
    there.post(reverse("account_logout"))
    assert len(sessions_of(user=user, session_key=here.session.session_key)) == 1
    assert "Sign out the others" not in here.get(SESSIONS).content.decode()


def test_list_is_for_those_who_are_signed_in() -> None:
    assert Client().get(SESSIONS).status_code == 302


def test_new_password_ends_every_session() -> None:
    user = person("owner")
    here, there = browser(user.email), browser(user.email)
    new = {
        "oldpassword": PASSWORD,
        "password1": "another-lantern-43",
        "password2": "another-lantern-43",
    }
    assert here.post(reverse("account_change_password"), new).status_code == 302
    assert not is_signed_in(there)
    assert not is_signed_in(here)


def test_closed_account_is_out_at_once() -> None:
    user = person("owner")
    here = browser(user.email)
    user.is_active = False
    user.save()
    assert not is_signed_in(here)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Chrome/140.0 Safari/537.36 Edg/140",
            "Edge, Mac",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5", "Another program"),
        ("", "Another program"),
    ],
)
def test_browsers_bear_the_names_that_people_know(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
