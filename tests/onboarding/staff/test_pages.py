import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from onboarding.models import Invitation, Member, Merchant, Store
from onboarding.staff.mails import SAMPLES
from tests.onboarding.cast import merchant, person, signed_in, staff_in, staff_member

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Bloem & Blad",
    "email": "anna@example.test",
    "language": "nl",
    "store_name": "Bloem <b>& Blad",
    "app_name": "Bloem App",
    "cluster": "us1",
    "platform": "shopify",
}


def pages() -> list[str]:
    company = Merchant.objects.first() or merchant("Bike Shop", owner=person("owner"))
    return [
        reverse("staff-invite"),
        reverse("staff-invite-to", args=[company.pk]),
        reverse("staff-add-store", args=[company.pk]),
        reverse("staff-mails"),
        reverse("staff-mail", args=["invitation", "en"]),
        reverse("staff-mail-html", args=["invitation", "en"]),
    ]


def test_pages_stand_in_the_frame_of_the_panel() -> None:
    client = signed_in(staff_member())
    for address in pages()[:5]:
        page = client.get(address)
        assert page.status_code == 200
        text = page.content.decode()
        assert text.count("<main") == text.count("<h1>") == 1
        assert "style=" not in text


def test_strangers_sign_in_and_merchants_are_refused() -> None:
    owner, newcomer = person("plain"), staff_in(None)
    for address in pages():
        assert Client().get(address)["Location"].startswith("/accounts/login/")
        for user in (owner, newcomer):
            assert signed_in(user).get(address).status_code == 403
            assert signed_in(user).post(address, FORM).status_code == 403
    assert not Invitation.objects.exists()


def test_one_form_makes_merchant_store_and_invitation() -> None:
    client = signed_in(staff_member())
    page = client.post(reverse("staff-invite"), FORM, follow=True).content.decode()
    assert "We sent an invitation to anna@example.test." in page
    store = Store.objects.select_related("merchant").get()
    assert (store.merchant.name, store.name) == ("Bloem & Blad", "Bloem <b>& Blad")
    assert (store.app_name, store.cluster, store.language) == ("Bloem App", "us1", "nl")
    assert store.platform == "shopify"
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.language) == (Member.Role.OWNER, "nl")
    assert mail.outbox[0].to == ["anna@example.test"]


def test_form_sent_twice_makes_one_merchant() -> None:
    client = signed_in(staff_member())
    client.post(reverse("staff-invite"), FORM)
    page = client.post(reverse("staff-invite"), FORM | {"name": "BLOEM & BLAD"}).content.decode()
    assert "A merchant of this name is there already" in page
    assert (Merchant.objects.count(), Store.objects.count(), len(mail.outbox)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "Enter the company&#x27;s name"),
        ("name", "x" * 201, "at most 200 characters"),
        ("email", "nonsense", "Enter an email address like"),
        ("language", "xx", "Select a valid choice"),
        ("store_name", "  ", "Enter the shop&#x27;s name"),
        ("app_name", "x" * 61, "at most 60 characters"),
        ("cluster", "mars", "Select a valid choice"),
        ("platform", "spaceship", "Select a valid choice"),
    ],
)
def test_each_bad_field_is_said_in_the_summary(field: str, value: str, error: str) -> None:
    client = signed_in(staff_member())
    page = client.post(reverse("staff-invite"), FORM | {field: value}).content.decode()
    assert "There is a problem" in page
    assert error in page
    assert not Merchant.objects.exists()


def test_staff_invite_to_a_merchant_that_is_there() -> None:
    company = merchant("Bike Shop", owner=person("owner"))
    client = signed_in(staff_member())
    address = reverse("staff-invite-to", args=[company.pk])
    page = client.post(address, {"email": "owner@example.test", "role": "owner"}).content.decode()
    assert "acts for the merchant already" in page
    client.post(address, {"email": "new@example.test", "role": "owner"})
    assert company.invitations.get().email == "new@example.test"
    assert client.get(reverse("staff-invite-to", args=[4711])).status_code == 404


def test_staff_add_a_store() -> None:
    company = merchant("Bike Shop", owner=person("owner"))
    client = signed_in(staff_member())
    address = reverse("staff-add-store", args=[company.pk])
    form = {"store_name": "Second", "app_name": "Bike App", "cluster": "eu1", "platform": "ecom"}
    assert client.post(address, form).status_code == 302
    assert company.stores.get().name == "Second"
    assert client.post(address, form | {"store_name": ""}).status_code == 200


def test_every_letter_is_shown_in_every_language() -> None:
    client = signed_in(staff_member())
    listed = client.get(reverse("staff-mails")).content.decode()
    for name in SAMPLES:
        for language in ("en", "nl"):
            address = reverse("staff-mail", args=[name, language])
            assert address in listed
            assert client.get(address).status_code == 200
            shown = client.get(reverse("staff-mail-html", args=[name, language]))
            nonce = re.search(r'<style nonce="([^"]+)"', shown.content.decode())[1]
            assert f"'nonce-{nonce}'" in shown["Content-Security-Policy"]
            assert "unsafe" not in shown["Content-Security-Policy"]


def test_letters_that_do_not_exist_are_not_found() -> None:
    client = signed_in(staff_member())
    for name, language in (("nothing", "en"), ("invitation", "xx")):
        for view in ("staff-mail", "staff-mail-html"):
            assert client.get(reverse(view, args=[name, language])).status_code == 404
