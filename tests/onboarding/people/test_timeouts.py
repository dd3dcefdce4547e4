import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.onboarding.cast import member, merchant, person, signed_in, store

pytestmark = pytest.mark.django_db
IDLE = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
LONGEST = timedelta(seconds=settings.SESSION_COOKIE_AGE)
SOON = timedelta(seconds=5)


@pytest.fixture
def client() -> Client:
    browser = signed_in(person("owner"))
    browser.get(reverse("account"))
    return browser


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("account")).status_code == 200


def test_session_that_nobody_uses_ends(client: Client) -> None:
    key = client.session.session_key
    with time_machine.travel(timezone.now() + IDLE + SOON):
        answer = client.get("/accounts/?a=1")
        assert answer["Location"] == "/accounts/login/?next=%2Faccounts%2F%3Fa%3D1"
        assert not Session.objects.filter(session_key=key).exists()
        assert "nobody was here for a while" in client.get(answer["Location"]).content.decode()


def test_session_that_is_used_goes_on(client: Client) -> None:
    start = timezone.now()
    for part in range(1, 4):
        with time_machine.travel(start + part * (IDLE - SOON)):
            assert is_signed_in(client)


def test_no_session_lasts_longer_than_the_longest(client: Client) -> None:
    start = timezone.now()
    step = IDLE / 2
    moment = start
    while moment < start + LONGEST - SOON:
        with time_machine.travel(moment):
            assert is_signed_in(client)
        moment += step
    with time_machine.travel(start + LONGEST + SOON):
        assert not is_signed_in(client)


def test_form_that_comes_too_late_is_not_done_and_not_repeated(client: Client) -> None:
    with time_machine.travel(timezone.now() + IDLE + SOON):
        answer = client.post(reverse("set_language"), {"language": "nl"})
    assert answer["Location"] == "/accounts/login/?next=%2F"


def late_path(client: Client, path: str, **headers: str) -> str:
    """Where a form that came too late leads after signing in."""
    answer = client.post(path, headers=headers)
    where = urlsplit(answer["Location"])
    assert where.path == reverse("account_login")
    return parse_qs(where.query)["next"][0]


@pytest.mark.parametrize("is_gone", [True, False])
def test_whoever_sent_a_form_too_late_comes_back_to_its_page(client: Client, is_gone: bool) -> None:
    page = {"referer": "http://testserver/accounts/sessions/?page=2#top"}
    if is_gone:
        Session.objects.all().delete()
    with time_machine.travel(timezone.now() + IDLE + SOON):
        assert late_path(client, "/accounts/sessions/", **page) == "/accounts/sessions/?page=2"
        assert "before this arrived" in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("referer", ["https://elsewhere.test/x/", "", "//evil.test/"])
def test_nobody_is_led_to_another_site(client: Client, referer: str) -> None:
    with time_machine.travel(timezone.now() + IDLE + SOON):
        assert late_path(client, "/accounts/sessions/", referer=referer) == "/"


def test_words_that_came_too_late_wait_for_the_same_person() -> None:
    owner, other = person("owner"), person("other")
    shop = store(merchant(owner=owner))
    member(shop.merchant, other)
    sale = f"/stores/{shop.pk}/sale/"
    day = timezone.localdate() + timedelta(days=20)
    figures = f"?sale_on={day}&visitors=10&orders=1&app_percent=40"
    for reader, found in ((owner, [True, False]), (other, [False, False])):
        client = signed_in(owner)
        client.get(sale)
        with time_machine.travel(timezone.now() + IDLE + SOON):
            client.post(f"{sale}{figures}", {"text": "We open at eight."})
            client.force_login(reader)
            pages = [client.get(f"{sale}{figures}").content.decode() for _ in found]
        assert ["We open at eight." in page for page in pages] == found


def test_requests_that_pages_make_by_themselves_are_nobodys_presence(client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start + IDLE - SOON):
        client.get(reverse("account"), headers={"X-Latchkey-Quiet": "1"})
    with time_machine.travel(start + IDLE + SOON):
        assert not is_signed_in(client)


def test_staying_starts_the_idle_time_anew(client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start + IDLE - SOON, tick=False):
        answer = client.post(reverse("stay"), headers={"Accept": "application/json"})
        assert answer.json()["seconds"] == settings.SESSION_IDLE_SECONDS
        assert client.post(reverse("stay"))["Location"] == "/"
    with time_machine.travel(start + IDLE + SOON):
        assert is_signed_in(client)


def test_looking_at_pages_writes_the_session_once_a_minute(client: Client) -> None:
    start = timezone.now()
    stamps = []
    for seconds in (10, 20, 70, 80):
        with time_machine.travel(start + timedelta(seconds=seconds)):
            client.get(reverse("account"))
            stamps.append(client.session["latchkey_seen"])
    assert stamps[0] == stamps[1] < stamps[2] == stamps[3]


def test_page_knows_when_the_session_ends(client: Client) -> None:
    page = client.get(reverse("account")).content.decode()
    seconds = int(re.search(r'data-session-seconds="(\d+)"', page)[1])
    assert settings.SESSION_IDLE_SECONDS - 60 < seconds <= settings.SESSION_IDLE_SECONDS
    assert "Stay signed in" in page
    assert "data-session-seconds" not in Client().get(reverse("account_login")).content.decode()


def test_new_sign_in_has_the_whole_time_again(client: Client) -> None:
    with time_machine.travel(timezone.now() + LONGEST + SOON):
        assert not is_signed_in(client)
        client.force_login(person("other"))
        assert is_signed_in(client)
