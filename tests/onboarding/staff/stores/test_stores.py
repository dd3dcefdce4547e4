import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from keyvault.models import AuditEntry
from onboarding.models import Store, StoreNote, Walkthrough
from onboarding.staff.overview import LAST_NOTES
from tests.onboarding.cast import (
    credential,
    merchant,
    pair,
    person,
    signed_in,
    staff_in,
    store,
)

pytestmark = pytest.mark.django_db
KEY_LIKE = "0123456789abcdef0123456789abcdef"


def shop() -> Store:
    made = store(merchant(owner=person("owner")), "Bike <b>& Shop")
    credential(made, name="Mobile 1")
    return made


def seen(made: Store, *, by: str = "support") -> str:
    answer = signed_in(staff_in(by)).get(f"/staff/stores/{made.pk}/as-merchant/")
    assert answer.status_code == 200
    return answer.content.decode()


def content_of(page: str) -> str:
    return re.search(r'<div class="shown-page">(.*)</div>\s*</div>\s*</main>', page, re.DOTALL)[1]


def test_staff_see_the_store_as_its_merchant_does() -> None:
    made = shop()
    page = content_of(seen(made))
    theirs = signed_in(made.merchant.members.get().user).get(f"/stores/{made.pk}/")
    for words in ("OK: your app works", "Mobile 1", "Recent activity", "Plan a sale"):
        assert words in page
        assert words in theirs.content.decode()
    assert "Bike &lt;b&gt;&amp; Shop" in page


def test_nothing_that_staff_are_shown_can_be_pressed_or_followed() -> None:
    page = content_of(seen(shop()))
    assert not re.search(r"<form|href=|action=|csrf|<script|hx-|onclick", page)
    buttons = re.findall(r"<(?:button|input|select|textarea)[^>]*>", page)
    assert buttons
    assert all("disabled" in button for button in buttons)


def test_staff_cannot_do_what_the_merchants_page_offers() -> None:
    made = shop()
    client = signed_in(staff_in("security"))
    key = credential(made, of=pair())
    assert client.get(f"/stores/{made.pk}/").status_code == 404
    for step in ("pause", "check", "remove", "resume"):
        assert client.post(f"/stores/{made.pk}/keys/{key.pk}/{step}/").status_code == 404


def test_that_somebody_looked_is_on_the_merchants_record() -> None:
    made = shop()
    user = staff_in("support")
    signed_in(user).get(f"/staff/stores/{made.pk}/as-merchant/")
    entry = AuditEntry.objects.get(action="store.shown")
    assert (entry.actor, entry.keychain_id) == (f"person:{user.pk}", made.pk)
    owner = signed_in(made.merchant.members.get().user)
    assert "Our staff looked at your pages" in owner.get(f"/stores/{made.pk}/").content.decode()


def test_looking_changes_nothing() -> None:
    made, client = shop(), signed_in(staff_in("support"))
    before = AuditEntry.objects.count()
    client.get(f"/staff/stores/{made.pk}/as-merchant/")
    assert AuditEntry.objects.count() == before + 1
    assert not Walkthrough.objects.exists()


def test_a_merchant_without_people_sees_nothing() -> None:
    made = store(merchant())
    assert "Nobody acts for this merchant yet" in seen(made)
    assert not AuditEntry.objects.filter(action="store.shown").exists()


def test_who_may_look_and_write() -> None:
    made = shop()
    look, note = (f"/staff/stores/{made.pk}/{path}/" for path in ("as-merchant", "notes"))
    for role, may_look, may_write in (
        (None, 403, 403),
        ("support", 200, 403),
        ("operator", 200, 200),
        ("security", 200, 200),
    ):
        client = signed_in(staff_in(role))
        assert client.get(look).status_code == may_look
        assert client.get(note).status_code == may_write
        assert client.post(note, {"text": ""}).status_code == (422 if may_write == 200 else 403)
    owner = signed_in(made.merchant.members.get().user)
    for path in (look, note):
        assert owner.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert not StoreNote.objects.exists()


def test_a_note_is_kept_with_who_and_when_and_not_shown_to_the_merchant() -> None:
    made = shop()
    user = staff_in("operator")
    client = signed_in(user)
    path = f"/staff/stores/{made.pk}/notes/"
    page = client.post(path, {"text": "Called <i>Anna</i>, calls back."}, follow=True)
    text = page.content.decode()
    assert "The note is kept." in text
    assert "Called &lt;i&gt;Anna&lt;/i&gt;, calls back." in text
    assert user.email in text
    entry = AuditEntry.objects.get(action="note.written")
    assert (entry.subject, entry.keychain_id) == (f"store:{made.pk}", None)
    assert "Anna" not in str(entry.facts)
    owner = signed_in(made.merchant.members.get().user)
    assert "Anna" not in owner.get(f"/stores/{made.pk}/").content.decode()


def test_a_note_sent_twice_is_kept_once_and_may_be_repeated_later() -> None:
    made = shop()
    client = signed_in(staff_in("operator"))
    path = f"/staff/stores/{made.pk}/notes/"
    for _ in range(2):
        client.post(path, {"text": "No answer."})
    assert StoreNote.objects.count() == 1
    StoreNote.objects.update(at=timezone.now() - timedelta(minutes=2))
    client.post(path, {"text": "No answer."})
    assert StoreNote.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Write the note first."),
        ("x" * 2001, "Use at most 2000 characters."),
        (f"The key is {KEY_LIKE}.", "looks like an API key"),
        (f"key:{KEY_LIKE.upper()}", "looks like an API key"),
        ("token lk_abcdefgh12345678", "looks like an API key"),
        ("Authorization: Bearer abc123def456ghi", "looks like an API key"),
        ("aB3dE6gH9jK2mN5pQ8sT1vW4", "looks like an API key"),
    ],
)
def test_a_note_holds_no_secret(text: str, error: str) -> None:
    made = shop()
    answer = signed_in(staff_in("operator")).post(f"/staff/stores/{made.pk}/notes/", {"text": text})
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert not StoreNote.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "The key …1a2b (a1b2-c3d4) of store 3f2504e0-4f89-41d3-9a0c-0305e82c3301.",
        "Basic information was given; bearer of bad news.",
        "https://docs.example.com/a-rather-long/path-with/many-parts?order=20261122",
    ],
)
def test_ordinary_notes_are_taken(text: str) -> None:
    made = shop()
    signed_in(staff_in("operator")).post(f"/staff/stores/{made.pk}/notes/", {"text": text})
    assert StoreNote.objects.get().text == text


def test_the_stores_row_shows_the_newest_notes_and_where_the_others_are() -> None:
    made, author = shop(), staff_in("operator")
    for number in range(LAST_NOTES + 1):
        at = timezone.now() - timedelta(minutes=number)
        StoreNote.objects.create(store=made, author=author, text=f"Note no. {number};", at=at)
    client = signed_in(staff_in("support"))
    page = client.get(f"/staff/onboarding/store/{made.pk}/change/").content.decode()
    assert f"Note no. {LAST_NOTES - 1};" in page
    assert f"Note no. {LAST_NOTES};" not in page
    assert "All notes on this store" in page
    assert "Write a note" not in page
    assert "See it as the merchant sees it" in page


def test_notes_are_found_by_their_words() -> None:
    made = shop()
    StoreNote.objects.create(
        store=made, author=staff_in("operator"), text="Waits for the vendor.", at=timezone.now()
    )
    client = signed_in(staff_in("support"))
    assert "Waits for the vendor." in client.get("/staff/search/?q=vendor").content.decode()
    page = client.get("/staff/onboarding/storenote/?q=vendor").content.decode()
    assert "Waits for the vendor." in page


def test_unknown_stores_are_not_found() -> None:
    client = signed_in(staff_in("operator"))
    for path in ("as-merchant", "notes"):
        unknown = "00000000-0000-4000-8000-000000000000"
        assert client.get(f"/staff/stores/{unknown}/{path}/").status_code == 404
