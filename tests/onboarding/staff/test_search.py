import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from keyvault import vault
from keyvault.audit import Actor
from keyvault.models import Credential
from keyvault.vault import short_fingerprint
from onboarding.models import Store, Verification
from onboarding.staff.overview import LAST_CHECKS, store_overview
from onboarding.staff.search import SHOWN, find_everything
from tests.onboarding.cast import (
    credential,
    merchant,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Store:
    made = store(merchant("Flowers Ltd", owner=person("anna")), "Bloem & Blad")
    Store.objects.filter(pk=made.pk).update(shop_id=4711, back_office="bloem.webshopapp.com")
    credential(made, name="Bloem App mobile")
    return made


def kinds(term: str) -> list[str]:
    return [hits.title for hits in find_everything(term)]


def test_everything_is_found_by_what_people_say_on_the_telephone(shop: Store) -> None:
    key = Credential.objects.get()
    assert kinds("bloem") == ["Stores", "Keys"]
    assert kinds("4711")[0] == "Stores"
    assert kinds("bloem.webshopapp") == ["Stores"]
    assert kinds(str(shop.pk)) == ["Stores"]
    assert kinds("flowers") == ["Merchants"]
    assert kinds(" ANNA@ ") == ["People"]
    assert "Keys" in kinds(key.last_four)
    assert kinds(short_fingerprint(key.fingerprint)) == ["Keys"]
    assert kinds(short_fingerprint(key.fingerprint).upper().replace("-", "")) == ["Keys"]


def test_a_decoy_is_found_though_it_is_no_shops() -> None:
    decoy = vault.plant_honeytoken(label="Bakery", actor=Actor(kind="command", id="keyvault"))
    for term in (decoy.last_four, short_fingerprint(decoy.fingerprint)):
        (keys,) = find_everything(term)
        assert keys.rows[0].note.startswith("Bakery, ")


@pytest.mark.parametrize(
    "term",
    ["", "  ", "nothing of the kind", "9" * 40, "%", str(uuid.UUID(int=0)), "a\x00b", "a" * 70_000],
)
def test_what_fits_nothing_finds_nothing(shop: Store, term: str) -> None:
    assert find_everything(term) == []


def test_long_lists_are_cut_and_say_so(shop: Store) -> None:
    company = shop.merchant
    for number in range(SHOWN):
        store(company, f"Bloem {number}")
        person(f"guest-{number}")
    stores = find_everything("bloem")[0]
    assert (len(stores.rows), stores.has_more) == (SHOWN, True)
    (people,) = find_everything("guest-")
    assert (len(people.rows), people.has_more) == (SHOWN, False)
    person("guest-of-honour")
    (people,) = find_everything("guest-")
    assert (len(people.rows), people.has_more) == (SHOWN, True)


def test_search_takes_five_queries(
    shop: Store, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        find_everything("bloem")


def test_each_hit_leads_to_its_row(shop: Store) -> None:
    client = signed_in(staff_member())
    for term in ("bloem", "flowers", "anna"):
        assert client.get("/staff/search/", {"q": term}).status_code == 200
        for hits in find_everything(term):
            assert client.get(hits.rows[0].url).status_code == 200


def test_what_was_typed_is_escaped() -> None:
    page = signed_in(staff_member()).get("/staff/search/", {"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.content.decode()
    assert "Nothing found" in page.content.decode()


def test_search_is_for_staff_with_rights() -> None:
    assert Client().get("/staff/search/").status_code == 302
    for user in (person("outsider"), staff_in(None)):
        assert signed_in(user).get("/staff/search/").status_code == 403


def test_store_is_shown_with_its_keys_windows_and_last_checks(shop: Store) -> None:
    key = Credential.objects.get()
    for number in range(LAST_CHECKS + 5):
        Verification.objects.create(
            store=shop,
            credential=key if number else None,
            at=timezone.now() - timedelta(minutes=number),
            outcome="missing_permissions",
            status=403,
        )
    overview = store_overview(shop)
    assert [line.credential for line in overview.keys] == [key]
    assert [(each.seconds, each.limit) for each in overview.keys[0].budgets] == [(300, 300)]
    assert len(overview.checks) == LAST_CHECKS
    client = signed_in(staff_member())
    page = client.get(f"/staff/onboarding/store/{shop.pk}/change/").content.decode()
    for words in (
        "Bloem App mobile",
        "299 of 300 left",
        "missing permissions",
        "403",
        "not stored",
    ):
        assert words in page


def test_store_without_keys_says_so(shop: Store) -> None:
    empty = store(shop.merchant, "Empty")
    page = signed_in(staff_member()).get(f"/staff/onboarding/store/{empty.pk}/change/")
    assert "No key yet." in page.content.decode()
    assert "Nothing was checked yet." in page.content.decode()


def test_overview_takes_as_many_queries_for_many_keys_as_for_one(
    shop: Store, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        credential(shop, name=f"Key {number}")
    with django_assert_num_queries(4):
        store_overview(shop)
