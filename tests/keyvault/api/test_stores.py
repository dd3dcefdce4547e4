"""Reading stores."""

import pytest
from pytest_django import DjangoAssertNumQueries

from keyvault import vault
from keyvault.models import Credential
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def test_a_store_shows_state_kinds_and_headroom_and_no_secret(backend: Api) -> None:
    store = factories.keychain("Bakery")
    key_of(store)
    key_of(store, spent=10)
    backend.lease(store, permits=4)

    body = backend.get(f"/api/v1/stores/{store.pk}").json()

    assert body == {
        "id": str(store.pk),
        "name": "Bakery",
        "state": "ok",
        "credentials": [{"type": "basic", "active": 2, "paused": 0, "suspended": 0}],
        "windows": [
            {"seconds": 1, "limit": 40, "remaining": 36},
            {"seconds": 300, "limit": 600, "remaining": 586},
            {"seconds": 3600, "limit": 6000, "remaining": 5986},
            {"seconds": 86400, "limit": 24000, "remaining": 23986},
        ],
    }


def test_a_store_without_a_key_says_so(backend: Api) -> None:
    store = factories.keychain()

    assert backend.get(f"/api/v1/stores/{store.pk}").json()["state"] == "no-credential"


def test_a_store_with_a_paused_key_is_degraded(backend: Api) -> None:
    store = factories.keychain()
    key_of(store)
    vault.set_state(
        credential_id=key_of(store).pk,
        keychain_id=store.pk,
        to=Credential.State.PAUSED,
        actor=factories.OWNER,
    )

    body = backend.get(f"/api/v1/stores/{store.pk}").json()

    assert body["state"] == "degraded"
    assert body["windows"][1]["limit"] == 300


def test_the_list_comes_in_pages(backend: Api) -> None:
    made = sorted(str(factories.keychain().pk) for _ in range(5))

    seen, after = [], ""
    while after is not None:
        page = backend.get(f"/api/v1/stores?limit=2{after and f'&after={after}'}").json()
        seen += [each["id"] for each in page["stores"]]
        after = page["next"]

    assert seen == made


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=1"])
def test_a_page_that_makes_no_sense_is_refused(backend: Api, query: str) -> None:
    assert backend.get(f"/api/v1/stores?{query}").status_code == 422


@pytest.mark.parametrize(
    ("query", "name"), [("page=2", "page"), ("=x", ""), ("limit=1&limit=2", "limit")]
)
def test_a_page_is_asked_for_by_known_names_each_once(backend: Api, query: str, name: str) -> None:
    response = backend.get(f"/api/v1/stores?{query}")

    assert (response.status_code, response.json()["type"]) == (422, "invalid")
    assert [each["loc"] for each in response.json()["errors"]] == [["query", name]]


def test_a_long_list_takes_no_more_queries(
    backend: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        key_of(factories.keychain())
    backend.get("/api/v1/stores")

    with django_assert_max_num_queries(5):
        assert len(backend.get("/api/v1/stores").json()["stores"]) == 12
