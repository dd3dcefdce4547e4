"""Merchants are told of keys that ail and recover: what lasts, once, and of its end."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from keyvault.models import Credential
from onboarding.models import Store, StoreWatch, Verification
from onboarding.notices.preferences import Choice, Topic, save_choices
from onboarding.notices.watching import watch_stores
from tests.onboarding.cast import credential, member, merchant, person, store

pytestmark = pytest.mark.django_db
State = Credential.State
START = timezone.now()


@pytest.fixture
def shop() -> Store:
    return store(merchant(owner=person("owner")))


def put(key: Credential, state: State) -> None:
    Credential.objects.filter(pk=key.pk).update(state=state)


def check(key: Credential, outcome: str, *, at: datetime = START) -> None:
    Verification.objects.create(
        store_id=key.keychain_id, credential=key, at=at, outcome=outcome, permissions={}
    )


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def look(*at: float) -> list[str]:
    """Let the worker look at these minutes; the subjects of what it wrote meanwhile."""
    mail.outbox.clear()
    for each in at:
        watch_stores(minutes(each))
    return [message.subject for message in mail.outbox]


def test_key_that_stays_refused_is_told_of_once(shop: Store) -> None:
    put(credential(shop), State.SUSPENDED)
    assert look(0, 1, 9) == []
    assert look(11) == ["Bike App stands still: Lightspeed refuses its keys"]
    assert look(*range(12, 200, 7)) == []


def test_letter_says_which_key_and_leads_to_the_store(shop: Store) -> None:
    key = credential(shop)
    put(key, State.SUSPENDED)
    look(0, 11)
    (letter,) = mail.outbox
    assert letter.to == ["owner@example.test"]
    assert key.last_four in letter.body
    assert f"/stores/{shop.pk}/" in letter.body
    assert letter.alternatives


def test_key_that_comes_and_goes_is_told_of_to_nobody(shop: Store) -> None:
    key = credential(shop)
    said = []
    for minute in range(0, 60, 5):
        put(key, State.SUSPENDED if minute % 10 else State.ACTIVE)
        said += look(minute)
    assert said == []
    put(key, State.ACTIVE)
    look(70, 90)
    assert not StoreWatch.objects.exists()


def test_recovery_is_told_when_it_lasts_and_the_watch_ends(shop: Store) -> None:
    key = credential(shop)
    put(key, State.SUSPENDED)
    look(0, 11)
    put(key, State.ACTIVE)
    assert look(13, 20) == []
    assert look(24) == ["Bike App works again"]
    assert not StoreWatch.objects.exists()
    assert look(30, 60) == []


def test_recovery_of_what_nobody_was_told_is_not_told(shop: Store) -> None:
    key = credential(shop)
    put(key, State.SUSPENDED)
    look(0)
    put(key, State.ACTIVE)
    assert look(5, 20, 40) == []


def test_missing_permission_is_told_and_so_is_its_end(shop: Store) -> None:
    key = credential(shop)
    check(key, "missing_permissions")
    assert look(0, 11) == ["A permission is missing for Bike App"]
    check(key, "passed", at=minutes(12))
    assert look(13, 24) == ["Bike App works again"]
    assert watch_stores(minutes(25)) == 0
    assert not StoreWatch.objects.exists()


def test_an_outage_of_the_vendor_says_nothing_about_a_key(shop: Store) -> None:
    key = credential(shop)
    check(key, "missing_permissions")
    look(0, 11)
    check(key, "unavailable", at=minutes(12))
    assert look(13, 24, 40) == []
    assert StoreWatch.objects.exists()


def test_all_keys_of_a_store_stand_in_one_letter(shop: Store) -> None:
    for _ in range(3):
        put(credential(shop), State.SUSPENDED)
    credential(shop)
    assert look(0, 11) == ["Lightspeed refuses keys of Bike App"]


def test_worse_is_told_after_bad(shop: Store) -> None:
    key = credential(shop)
    check(key, "missing_permissions")
    look(0, 11)
    put(key, State.SUSPENDED)
    assert look(12, 23) == ["Bike App stands still: Lightspeed refuses its keys"]


def test_key_that_a_person_paused_or_removed_needs_no_letter(shop: Store) -> None:
    paused, removed = credential(shop), credential(shop)
    put(paused, State.SUSPENDED)
    put(removed, State.SUSPENDED)
    look(0)
    put(paused, State.PAUSED)
    put(removed, State.REVOKED)
    assert look(11, 22, 33) == []


def test_decoys_are_not_watched(shop: Store) -> None:
    key = credential(shop)
    Credential.objects.filter(pk=key.pk).update(state=State.SUSPENDED, is_honeytoken=True)
    assert look(0, 11) == []
    assert not StoreWatch.objects.exists()


def test_everybody_is_told_in_their_language_but_who_wants_it_not(shop: Store) -> None:
    quiet, dutch = person("quiet"), person("dutch", language="nl")
    for each in (quiet, dutch):
        member(shop.merchant, each)
    save_choices(user=quiet, choices={Topic.KEYS: Choice.OFF})
    put(credential(shop), State.SUSPENDED)
    look(0, 11)
    assert sorted(message.to[0] for message in mail.outbox) == [
        "dutch@example.test",
        "owner@example.test",
    ]
    to_dutch = next(each for each in mail.outbox if each.to == ["dutch@example.test"])
    assert '<html lang="nl">' in to_dutch.alternatives[0].content


def test_two_workers_tell_once(shop: Store) -> None:
    put(credential(shop), State.SUSPENDED)
    look(0)
    assert look(11, 11) == ["Bike App stands still: Lightspeed refuses its keys"]


def test_late_worker_tells_nothing(shop: Store) -> None:
    put(credential(shop), State.SUSPENDED)
    look(0)
    StoreWatch.objects.update(claimed_until=minutes(60))
    assert look(11, 30) == []
    assert len(look(61)) == 1


def test_stores_whose_keys_work_cost_nothing(shop: Store) -> None:
    check(credential(shop), "passed")
    assert watch_stores(minutes(0)) == 0
    assert not StoreWatch.objects.exists()
