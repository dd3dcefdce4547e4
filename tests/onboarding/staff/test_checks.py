import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from keyvault.models import AuditEntry, Credential
from onboarding.models import Store, Verification
from onboarding.staff.checks import MOST_AT_ONCE
from simulator.running import RunningSimulator
from tests.onboarding.cast import credential, merchant, pair, person, signed_in, staff_member, store

# Both ends of a check take turns with the database, so there is no transaction around them.
pytestmark = pytest.mark.django_db(transaction=True)
KEYS = "admin:keyvault_credential_changelist"
STORES = "admin:onboarding_store_changelist"


def shop_with_keys(count: int = 1) -> Store:
    shop = store(merchant(owner=person("owner")))
    for number in range(count):
        credential(shop, name=f"Key {number}", of=pair())
    return shop


def ask(
    client: Client, address: str, rows: list[object], *, confirmed: bool = True
) -> HttpResponse:
    form = {"action": "check_again", ACTION_CHECKBOX_NAME: [str(row) for row in rows]}
    if confirmed:
        form["confirmed"] = "1"
    return client.post(reverse(address), form, follow=confirmed)


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_rows_are_shown_before_anything_is_asked(simulator: RunningSimulator) -> None:
    shop_with_keys(2)
    keys = Credential.objects.all()
    page = ask(signed_in(staff_member()), KEYS, [key.pk for key in keys], confirmed=False)
    text = page.content.decode()
    assert "Check these keys again?" in text
    assert all(key.name in text for key in keys)
    assert page.content.decode().count("<h1>") == 1
    assert not Verification.objects.exists()
    assert simulator.stats()["requests"] == 0


def test_each_key_has_its_own_answer(simulator: RunningSimulator) -> None:
    shop_with_keys(2)
    keys = list(Credential.objects.values_list("pk", flat=True))
    answers = messages_of(ask(signed_in(staff_member()), KEYS, keys))
    assert len(answers) == Verification.objects.count() == 2
    assert all(answer.endswith(": refused") for answer in answers)
    assert set(Credential.objects.values_list("state", flat=True)) == {"suspended"}


def test_stores_stand_for_their_live_keys(simulator: RunningSimulator) -> None:
    shop = shop_with_keys(2)
    Credential.objects.filter(name="Key 1").update(state="revoked")
    answers = messages_of(ask(signed_in(staff_member()), STORES, [shop.pk]))
    assert len(answers) == 1
    assert answers[0].startswith("Key 0")


def test_check_is_recorded_under_the_persons_name(simulator: RunningSimulator) -> None:
    shop_with_keys()
    user = staff_member()
    ask(signed_in(user), KEYS, [Credential.objects.get().pk])
    opened = AuditEntry.objects.get(action="credential.opened")
    assert opened.actor == f"person:{user.pk}"


def test_selection_without_a_live_key_says_so(simulator: RunningSimulator) -> None:
    shop = shop_with_keys(0)
    assert messages_of(ask(signed_in(staff_member()), STORES, [shop.pk])) == [
        "There is no live key in the selection."
    ]


def test_no_more_than_ten_are_asked_at_once(simulator: RunningSimulator) -> None:
    shop = shop_with_keys(MOST_AT_ONCE + 1)
    client = signed_in(staff_member())
    page = ask(client, STORES, [shop.pk], confirmed=False).content.decode()
    assert "One row more is left out: at most 10" in page
    assert len(messages_of(ask(client, STORES, [shop.pk]))) == MOST_AT_ONCE


def test_key_that_cannot_be_opened_keeps_no_other_from_its_check(
    simulator: RunningSimulator,
) -> None:
    shop_with_keys(2)
    broken = Credential.objects.get(name="Key 0")
    Credential.objects.filter(pk=broken.pk).update(sealed=b"nonsense")
    keys = list(Credential.objects.values_list("pk", flat=True))
    answers = messages_of(ask(signed_in(staff_member()), KEYS, keys))
    assert len(answers) == 2
    assert Verification.objects.count() == 1


def test_merchants_cannot_ask_this_way(simulator: RunningSimulator) -> None:
    shop_with_keys()
    client = signed_in(person("outsider"))
    ask(client, KEYS, [Credential.objects.get().pk])
    assert not Verification.objects.exists()
