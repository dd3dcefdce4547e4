"""Pausing and resuming keys by the handful: shown first, confirmed by the person, recorded."""

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from keyvault.models import AuditEntry, Credential
from onboarding.models import Store
from onboarding.staff.pausing import MOST_AT_ONCE
from tests.onboarding.cast import (
    confirmed,
    credential,
    merchant,
    pair,
    person,
    signed_in,
    staff_in,
    store,
)

pytestmark = pytest.mark.django_db
KEYS = "admin:keyvault_credential_changelist"
STORES = "admin:onboarding_store_changelist"


def shop(*states: str) -> Store:
    made = store(merchant(owner=person("owner")))
    for number, state in enumerate(states):
        key = credential(made, name=f"Key {number}", of=pair())
        Credential.objects.filter(pk=key.pk).update(state=state)
    return made


def ask(
    client: Client, action: str, rows: list[object], *, address: str = KEYS, **form: str
) -> HttpResponse:
    form |= {"action": action, ACTION_CHECKBOX_NAME: [str(row) for row in rows]}  # type: ignore[dict-item]
    return client.post(reverse(address), form, follow="confirmed" in form)


def states() -> list[str]:
    return list(Credential.objects.order_by("name").values_list("state", flat=True))


def all_keys() -> list[object]:
    return list(Credential.objects.values_list("pk", flat=True))


def test_rows_are_shown_before_anything_is_paused() -> None:
    shop("active", "suspended", "paused", "revoked")
    page = ask(confirmed(staff_in("operator")), "pause_keys", all_keys()).content.decode()
    assert "Pause these keys?" in page
    assert "An app whose keys are all paused" in page
    shown = [number for number in range(4) if f'scope="row">Key {number}' in page]
    assert shown == [0, 1]
    assert states() == ["active", "suspended", "paused", "revoked"]


def test_an_operator_pauses_and_resumes_under_their_name() -> None:
    shop("active", "suspended", "active")
    user = staff_in("operator")
    client = confirmed(user)
    chosen = list(Credential.objects.exclude(name="Key 2").values_list("pk", flat=True))
    page = ask(client, "pause_keys", chosen, confirmed="1").content.decode()
    assert "Done for 2 keys." in page
    assert states() == ["paused", "paused", "active"]
    page = ask(client, "resume_keys", all_keys(), confirmed="1").content.decode()
    assert "Done for 2 keys." in page
    assert states() == ["active", "active", "active"]
    moves = AuditEntry.objects.filter(action__in=["credential.paused", "credential.resumed"])
    assert [entry.actor for entry in moves] == [f"person:{user.pk}"] * 4


def test_stores_stand_for_their_keys() -> None:
    made = shop("active", "active")
    client = confirmed(staff_in("operator"))
    page = ask(client, "pause_keys", [made.pk], address=STORES, confirmed="1").content.decode()
    assert "Done for 2 keys." in page


def test_pausing_asks_who_it_is_and_resuming_does_not() -> None:
    shop("active", "paused")
    thief = signed_in(staff_in("operator"))
    for form in ({}, {"confirmed": "1"}):
        answer = thief.post(
            reverse(KEYS),
            {"action": "pause_keys", ACTION_CHECKBOX_NAME: [str(pk) for pk in all_keys()], **form},
        )
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert states() == ["active", "paused"]
    ask(thief, "resume_keys", all_keys(), confirmed="1")
    assert states() == ["active", "active"]


def test_support_is_offered_neither_and_can_force_neither() -> None:
    shop("active", "paused")
    client = confirmed(staff_in("support"))
    page = client.get(reverse(KEYS)).content.decode()
    assert 'value="pause_keys"' not in page
    assert 'value="resume_keys"' not in page
    for action in ("pause_keys", "resume_keys"):
        ask(client, action, all_keys(), confirmed="1")
    assert states() == ["active", "paused"]


def test_a_selection_for_which_there_is_nothing_to_do_says_so() -> None:
    shop("revoked", "replaced")
    client = confirmed(staff_in("operator"))
    for action in ("pause_keys", "resume_keys"):
        page = ask(client, action, all_keys(), confirmed="1").content.decode()
        assert "There is no key in the selection" in page


def test_what_is_sent_twice_has_one_effect() -> None:
    shop("active")
    client = confirmed(staff_in("operator"))
    keys = all_keys()
    ask(client, "pause_keys", keys, confirmed="1")
    assert "There is no key" in ask(client, "pause_keys", keys, confirmed="1").content.decode()
    assert AuditEntry.objects.filter(action="credential.paused").count() == 1


def test_more_than_are_done_at_once_are_left_out_and_said() -> None:
    made = shop("active")
    sample = Credential.objects.get()
    for number in range(MOST_AT_ONCE + 1):
        Credential.objects.create(
            keychain_id=made.pk,
            name=f"More {number}",
            endpoint=sample.endpoint,
            fingerprint=f"{number:064x}",
            sealed=b"",
        )
    client = confirmed(staff_in("operator"))
    page = ask(client, "pause_keys", [made.pk], address=STORES).content.decode()
    assert "2 rows more are left out: at most 200 are done at once." in page
    ask(client, "pause_keys", [made.pk], address=STORES, confirmed="1")
    assert Credential.objects.filter(state="paused").count() == MOST_AT_ONCE
