from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from keyvault.models import AuditEntry
from onboarding.models import Store, User, Walkthrough
from onboarding.walkthrough.services import (
    abandon_walkthrough,
    finish_key,
    save_step,
    start_walkthrough,
)
from tests.onboarding.cast import credential
from tests.onboarding.submission.desk import Desk, desk, heading, text

pytestmark = pytest.mark.django_db

READY = {"owner": "yes", "plan": "yes", "words": "en", "keys_wanted": "1", "address": ""}


def url(at: Desk, step: int | str = "") -> str:
    return f"/stores/{at.store.pk}/walkthrough/{f'{step}/' if step else ''}"


def reach(at: Desk, step: int, **answers: str) -> None:
    """Go on until a step is the next one."""
    if step > 1:
        at.client.post(url(at, 1), {**READY, **answers})
    for earlier in range(2, step):
        at.client.post(url(at, earlier))


@pytest.mark.parametrize(
    ("step", "title"),
    [
        (1, "Before you start"),
        (2, "Open the Developers page"),
        (3, "Give the key a name"),
        (4, "Switch the key on and tick the boxes"),
        (5, "Copy and paste the key"),
    ],
)
def test_each_step_stands_on_its_own_page(step: int, title: str) -> None:
    at = desk()
    reach(at, step)
    page = at.client.get(url(at), follow=True)
    assert heading(page) == title
    assert f"Step {step} of 6" in text(page)


def test_a_step_that_is_not_reached_leads_to_the_one_that_is() -> None:
    at = desk()
    assert heading(at.client.get(url(at, 3), follow=True)) == "Before you start"
    reach(at, 3)
    assert heading(at.client.get(url(at, 4), follow=True)) == "Give the key a name"
    assert at.client.get(url(at, 9), follow=True).status_code == 200


def test_going_back_and_on_again_loses_nothing() -> None:
    at = desk()
    reach(at, 4, keys_wanted="3")
    page = at.client.get(url(at, 1))
    assert 'value="yes"' in page.content.decode()
    assert "checked" in page.content.decode()
    at.client.post(url(at, 2))
    assert Walkthrough.objects.get().step == 4


def test_progress_is_forgotten_after_a_day() -> None:
    at = desk()
    reach(at, 4)
    Walkthrough.objects.update(updated_at=timezone.now() - timedelta(hours=25))
    assert heading(at.client.get(url(at), follow=True)) == "Before you start"
    reach(at, 2)
    assert Walkthrough.objects.filter(finished_at=None).count() == 1
    assert Walkthrough.objects.count() == 2


def test_starting_again_begins_at_step_one() -> None:
    at = desk()
    reach(at, 4)
    page = at.client.post(url(at, "again"), follow=True)
    assert heading(page) == "Before you start"
    assert at.client.post(url(at, "again")).status_code == 302


def test_two_tabs_share_one_walkthrough() -> None:
    at = desk()
    owner = at.store.merchant.members.get().user
    assert start_walkthrough(store=at.store, user=owner) == start_walkthrough(
        store=at.store, user=owner
    )


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ({"owner": "no"}, "Ask the owner of the shop"),
        ({"plan": "no"}, "Your plan needs API access"),
    ],
)
def test_who_cannot_make_a_key_is_told_what_to_do(answer: dict[str, str], title: str) -> None:
    at = desk()
    page = at.client.post(url(at, 1), {**READY, **answer}, follow=True)
    assert heading(page) == title
    assert Walkthrough.objects.get().step == 1


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "Say whether you are the owner of the shop."),
        ({**READY, "owner": "perhaps"}, "There is a problem"),
        ({**READY, "keys_wanted": "0"}, "Make at least 1 key."),
        ({**READY, "keys_wanted": "11"}, "Make at most 10 keys at once."),
        ({**READY, "keys_wanted": "many"}, "Enter a number, such as 1."),
        ({**READY, "address": "https://bike-shop.nl"}, "We do not recognise this"),
        ({**READY, "address": "<script>alert(1)</script>"}, "We do not recognise this"),
        ({**READY, "address": "x" * 3000}, "There is a problem"),
    ],
)
def test_wrong_answers_are_said_at_the_top_and_at_the_field(
    answers: dict[str, str], words: str
) -> None:
    at = desk()
    page = at.client.post(url(at, 1), answers)
    assert page.status_code == 422
    assert "There is a problem" in text(page)
    assert words in text(page)
    assert "<script>alert" not in page.content.decode()
    assert not Walkthrough.objects.exists()


def test_the_back_office_address_tells_cluster_and_shop() -> None:
    at = desk()
    reach(at, 2, address="https://My-Bikes.shoplightspeed.com/admin/orders?x=1")
    at.store.refresh_from_db()
    assert at.store.cluster == "us1"
    assert at.store.back_office == "my-bikes.shoplightspeed.com"
    assert "my-bikes.shoplightspeed.com" in text(at.client.get(url(at, 2)))


def test_an_address_of_the_other_cluster_is_refused_once_a_key_has_proved_the_shop() -> None:
    at = desk()
    Store.objects.update(shop_id=4711)
    page = at.client.post(
        url(at, 1), {**READY, "address": "https://my-bikes.shoplightspeed.com/admin"}
    )
    assert "This address is of another shop" in text(page)
    at.store.refresh_from_db()
    assert at.store.cluster == "eu1"


@pytest.mark.parametrize(
    ("held", "wanted", "name"),
    [
        (0, "1", "Bike App mobile"),
        (1, "2", "Bike App mobile 2 of 3"),
        (0, "3", "Bike App mobile 1 of 3"),
    ],
)
def test_the_suggested_name_counts_the_keys_of_the_store(held: int, wanted: str, name: str) -> None:
    at = desk()
    for _ in range(held):
        credential(at.store)
    reach(at, 3, keys_wanted=wanted)
    page = at.client.get(url(at, 3)).content.decode()
    assert f'id="suggested-name">{name}<' in page


def test_several_keys_are_made_one_after_the_other() -> None:
    at = desk()
    owner = at.store.merchant.members.get().user
    walk = start_walkthrough(store=at.store, user=owner)
    save_step(walkthrough=walk, step=1, keys_wanted=2)
    save_step(walkthrough=walk, step=5)
    finish_key(walkthrough=walk)
    assert (walk.step, walk.key_number, walk.key_total) == (2, 2, 2)
    assert walk.finished_at is None
    finish_key(walkthrough=walk)
    assert walk.keys_done == 2
    assert walk.finished_at is not None
    finish_key(walkthrough=walk)
    abandon_walkthrough(walkthrough=walk)
    assert walk.keys_done == 2


def test_labels_of_the_picture_follow_the_back_office_not_the_page() -> None:
    at = desk()
    reach(at, 4, words="nl")
    page = text(at.client.get(url(at, 2)))
    assert "Shopinstellingen" in page
    assert "Open the Developers page" in page
    assert "Store Settings" in text(at.client.get(url(at, 2), {"words": "en"}))
    assert "Store Settings" in text(at.client.get(url(at, 2), {"words": "xx"}))
    at.client.post(url(at, 2), {"words": "en"})
    assert "Enable this API key" in text(at.client.get(url(at, 4)))


@pytest.mark.parametrize(("words", "show"), [("nl", "Tonen"), ("en", "Show")])
def test_the_paste_page_names_one_button_for_the_secret(words: str, show: str) -> None:
    at = desk()
    reach(at, 5, words=words)
    page = text(at.client.get(f"/stores/{at.store.pk}/keys/new/"))
    assert f"It stands behind “{show}” in your Back Office." in page
    assert f"the secret behind {show}" in page


def test_a_dutch_page_draws_a_dutch_back_office() -> None:
    at = desk()
    User.objects.update(language="nl")
    page = at.client.get(url(at, "permissions"), headers={"accept-language": "nl"})
    assert "Bestellingen" in text(page)


@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_each_picture_says_in_words_what_to_do(step: int) -> None:
    at = desk()
    reach(at, 5)
    address = f"/stores/{at.store.pk}/keys/new/" if step == 5 else url(at, step)
    page = at.client.get(address).content.decode()
    assert 'role="img" aria-label="Drawing of your Back Office' in page
    assert "<figcaption>" in page
    assert "<img" not in page


def test_a_screen_that_looks_different_is_reported_to_staff() -> None:
    at = desk()
    reach(at, 4)
    page = at.client.post(url(at, "3/differs"), {"words": "nl"}, follow=True)
    assert "Thank you." in text(page)
    entry = AuditEntry.objects.get(action="screen.reported")
    assert (entry.subject, entry.facts) == ("step:3", {"words": "nl"})
    assert at.client.post(url(at, "7/differs")).status_code == 404


def test_the_list_of_boxes_can_be_printed() -> None:
    at = desk()
    page = at.client.get(url(at, "permissions"))
    assert page.content.decode().count('aria-label="Tick"') == 12


def test_only_the_operators_permissions_are_asked_for(
    settings: Settings,
) -> None:
    settings.LIGHTSPEED_REQUIRED_PERMISSIONS = ["orders.read"]
    at = desk()
    listed = at.client.get(url(at, "permissions")).content.decode()
    assert listed.count('aria-label="Tick"') == 1
    assert listed.count("Not needed") == 11
