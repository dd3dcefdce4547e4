import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from keyvault.models import AuditEntry, Credential
from onboarding.models import HandOver, Member
from simulator.running import RunningSimulator
from tests.onboarding.submission.desk import Desk, desk, heading, text
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db
READY = {"owner": "yes", "plan": "yes", "keys_wanted": "1"}


def link(at: Desk) -> str:
    page = at.client.post(f"/stores/{at.store.pk}/walkthrough/someone-else/").content.decode()
    found = re.search(r"http://testserver(/hand-over/[\w-]+/)", page)
    assert found
    return found[1]


def guest_of(at: Desk) -> Desk:
    client = Client()
    client.post(link(at))
    return Desk(client=client, store=at.store)


def test_a_guest_makes_the_key_without_an_account(simulator: RunningSimulator) -> None:
    at = desk()
    client, url = Client(), link(at)
    assert heading(client.get(url)) == "Make a key for Bike App"
    assert heading(client.post(url, follow=True)) == "Before you start"
    steps = f"/stores/{at.store.pk}/walkthrough/"
    client.post(f"{steps}1/", READY)
    for step in (2, 3, 4):
        assert client.post(f"{steps}{step}/").status_code == 302
    guest = Desk(client=client, store=at.store)
    page = guest.paste(**pasted(known_pair(simulator)))
    assert heading(page) == "This key works"
    assert f'href="/stores/{at.store.pk}/"' not in page.content.decode()
    page = guest.press("store", at.submission())
    assert heading(page) == "Done, thank you"
    assert Credential.objects.get(keychain_id=at.store.pk)
    entry = AuditEntry.objects.get(action="credential.sealed")
    assert entry.actor == f"person:hand-over-{HandOver.objects.get().pk}"
    assert mail.outbox[0].subject == "The key for Bike App is stored"
    assert "by a link" in text(at.client.get(f"/stores/{at.store.pk}/"))


def test_the_task_done_the_door_is_shut(simulator: RunningSimulator) -> None:
    at = desk()
    guest = guest_of(at)
    guest.paste(**pasted(known_pair(simulator)))
    guest.press("store", at.submission())
    assert guest.client.get(guest.url).status_code == 302


@pytest.mark.parametrize(
    "path", ["", "activity/", "keys/00000000-0000-4000-8000-000000000000/remove/"]
)
def test_a_guest_sees_nothing_else_of_the_store(path: str) -> None:
    guest = guest_of(desk())
    answer = guest.client.get(f"/stores/{guest.store.pk}/{path}")
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_a_guest_sees_only_what_came_by_the_same_link(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator)))
    theirs = at.submission()
    guest = guest_of(at)
    assert guest.client.get(f"{guest.url}{theirs.pk}/").status_code == 404
    assert guest.client.post(f"{guest.url}{theirs.pk}/delete/").status_code == 404
    guest.paste(submission=theirs.pk, **pasted(known_pair(simulator)))
    assert at.submission().pk != theirs.pk
    theirs.refresh_from_db()
    assert theirs.hand_over is None


def test_another_store_is_closed_to_a_guest() -> None:
    guest = guest_of(desk())
    other = desk("second")
    answer = guest.client.get(other.url)
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_the_link_works_once() -> None:
    url = link(desk())
    assert Client().post(url).status_code == 302
    late = Client().post(url)
    assert late.status_code == 404
    assert heading(late) == "This link is over"
    assert Client().get(url).status_code == 404


def test_a_button_that_is_pressed_twice_lets_the_guest_in() -> None:
    client, url = Client(), link(desk())
    client.get(url)
    # The browser drops the answer to the first press, its cookies included.
    before = client.cookies.copy()
    client.post(url)
    client.cookies = before
    page = client.post(url, follow=True)
    assert heading(page) == "Before you start"


def test_the_link_leads_on_in_the_browser_that_opened_it_while_it_runs() -> None:
    at = desk()
    client, url = Client(), link(at)
    client.post(url)
    assert heading(client.get(url, follow=True)) == "Before you start"
    assert Client().get(url).status_code == 404
    other = link(at)
    assert client.get(url).status_code == 404
    assert client.get(other).status_code == 200


def test_a_session_from_before_the_link_is_left_behind() -> None:
    url = link(desk())
    client = Client()
    planted = client.session.session_key
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == planted
    client.get(url)
    looking = client.session.session_key
    client.post(url)
    assert client.session.session_key == looking != planted
    late = Client()
    late.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert late.get(url).status_code == 404


def test_looking_at_the_link_does_not_use_it_up() -> None:
    url = link(desk())
    for _ in range(3):
        assert Client().get(url).status_code == 200
    assert Client().post(url).status_code == 302


def test_a_new_link_ends_the_old_one() -> None:
    at = desk()
    first = link(at)
    second = link(at)
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


def test_a_link_ends_after_a_day() -> None:
    at = desk()
    url = link(at)
    HandOver.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(url).status_code == 404
    guest = guest_of(at)
    HandOver.objects.update(expires_at=timezone.now())
    assert guest.client.get(guest.url).status_code == 302


def test_a_guest_goes_with_the_member_who_asked() -> None:
    at = desk()
    guest = guest_of(at)
    assert guest.client.get(guest.url).status_code == 200
    Member.objects.all().delete()
    assert guest.client.get(guest.url).status_code == 302


def test_a_guest_cannot_pass_the_task_on() -> None:
    at = desk()
    guest = guest_of(at)
    page = guest.client.post(f"/stores/{at.store.pk}/walkthrough/someone-else/")
    assert "/hand-over/" not in page.content.decode()
    assert HandOver.objects.count() == 1


def test_the_link_is_kept_as_a_hash_only() -> None:
    at = desk()
    token = link(at).split("/")[2]
    assert HandOver.objects.get().digest != token
    assert token not in at.client.get(f"/stores/{at.store.pk}/").content.decode()
    assert not AuditEntry.objects.filter(facts__icontains=token).exists()


def test_a_link_that_never_was_is_over() -> None:
    assert heading(Client().get("/hand-over/made-up/")) == "This link is over"
