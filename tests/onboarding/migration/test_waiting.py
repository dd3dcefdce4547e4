"""The waiting line: places in order, links that tell nobody else."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from onboarding.errors import ProviderClosedError
from onboarding.migration.waiting import Details, invite_next, join_line
from onboarding.models import WaitingMerchant
from tests.onboarding.cast import signed_in, staff_member
from tests.onboarding.oauth.desk import opened

pytestmark = pytest.mark.django_db

URL = "/waiting/retail-r/"


@pytest.fixture(autouse=True)
def _mails_at_hand(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()


def join(name: str) -> str:
    """Somebody joins; gives the path of their place."""
    details = Details(company=name, email=f"{name}@example.test", platform="shopify", language="en")
    join_line(provider="retail-r", details=details)
    return link_of_last_mail()


def link_of_last_mail() -> str:
    (path,) = set(re.findall(r"(/waiting/place/\S+/)", mail.outbox[-1].body))
    return path


def test_places_are_given_in_the_order_of_coming() -> None:
    first, second = join("first"), join("second")
    assert "Your place is number 1" in Client().get(first).content.decode()
    assert "Your place is number 2" in Client().get(second).content.decode()
    assert "number 2" in mail.outbox[-1].body


def test_who_leaves_makes_room() -> None:
    first, second = join("first"), join("second")
    Client().post(first)
    assert "You have left the line" in Client().get(first).content.decode()
    assert "Your place is number 1" in Client().get(second).content.decode()


def test_joining_twice_keeps_the_place_and_says_the_same() -> None:
    client = Client()
    fields = {"company": "Shop", "email": "Me@Example.test", "platform": "magento"}
    pages = [client.post(URL, fields).content.decode() for _ in range(2)]
    assert all("Look into your mail" in page for page in pages)
    assert WaitingMerchant.objects.count() == 1
    assert len(mail.outbox) == 2
    assert client.get(link_of_last_mail()).status_code == 200


def test_nobody_is_invited_before_the_vendor_is_open() -> None:
    first = join("first")
    client = signed_in(staff_member())
    fields = {"provider": "retail-r", "count": "3"}
    page = client.post("/staff/waiting/", fields, follow=True).content.decode()
    assert "Open the provider first" in page
    assert "Your place is number 1" in Client().get(first).content.decode()
    opened(is_open=False)
    with pytest.raises(ProviderClosedError):
        invite_next(provider="retail-r", count=1)


def test_staff_set_up_whom_they_invited() -> None:
    opened()
    join("first")
    invite_next(provider="retail-r", count=1)
    client = signed_in(staff_member())
    page = client.get("/staff/waiting/").content.decode()
    assert "first@example.test" in page
    (link,) = re.findall(r'href="(/staff/invite/[^"]+)"', page)
    form = client.get(link.replace("&amp;", "&")).content.decode()
    assert 'value="first@example.test"' in form
    assert '<option value="shopify" selected>' in form


def test_the_line_is_invited_in_order() -> None:
    opened()
    first, second = join("first"), join("second")
    assert invite_next(provider="retail-r", count=1) == 1
    assert mail.outbox[-1].to == ["first@example.test"]
    assert Client().get(first).status_code == 404
    assert "It is your turn" in Client().get(link_of_last_mail()).content.decode()
    assert "number 1" in Client().get(second).content.decode()
    assert invite_next(provider="retail-r", count=5) == 1
    assert invite_next(provider="retail-r", count=5) == 0


def test_details_are_asked_for() -> None:
    answer = Client().post(URL, {"company": "", "email": "x", "platform": "spaceship"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    assert Client().get(URL).status_code == 200
    assert Client().get("/waiting/retail-q/").status_code == 404


def test_a_made_up_link_leads_nowhere() -> None:
    assert Client().get("/waiting/place/nonsense/").status_code == 404


def test_staff_see_the_lines_and_invite() -> None:
    opened()
    join("first")
    client = signed_in(staff_member())
    assert "first" in client.get("/staff/waiting/").content.decode()
    page = client.post("/staff/waiting/", {"provider": "retail-r", "count": "3"}, follow=True)
    assert "1 invited." in page.content.decode()
    assert client.post("/staff/waiting/", {"provider": "retail-r", "count": "0"}).status_code == 200
