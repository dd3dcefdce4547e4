"""Reading again only what has changed."""

import pytest

from keyvault.audit import SYSTEM
from keyvault.leases import Scope, revoke_token
from keyvault.models import BackendToken, Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.mark.parametrize("path", ["stores", "stores/{store}", "openapi.json"])
def test_what_is_known_already_is_not_sent_again(backend: Api, store: Keychain, path: str) -> None:
    address = f"/api/v1/{path.format(store=store.pk)}"
    tag = backend.get(address)["ETag"]

    for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
        response = backend.client.get(address, headers={"If-None-Match": known})

        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == tag
        assert response["Cache-Control"] == "no-store"
        assert "Content-Length" not in response.headers


def test_what_has_changed_is_sent_again(backend: Api, store: Keychain) -> None:
    address = f"/api/v1/stores/{store.pk}"
    tag = backend.get(address)["ETag"]
    backend.lease(store)

    response = backend.client.get(address, headers={"If-None-Match": tag})

    assert response.status_code == 200
    assert response["ETag"] != tag


@pytest.mark.parametrize("known", ["", "nonsense", '"unfinished', '"another"'])
def test_an_unknown_tag_changes_nothing(backend: Api, store: Keychain, known: str) -> None:
    response = backend.client.get("/api/v1/stores", headers={"If-None-Match": known})

    assert response.status_code == 200


def test_a_tag_opens_no_door(backend: Api, store: Keychain) -> None:
    address = f"/api/v1/stores/{store.pk}"
    known = {"If-None-Match": backend.get(address)["ETag"]}
    outsider = Api(token_of(stores=[factories.keychain().pk]))
    narrow = Api(token_of(scopes=[Scope.LEASES_WRITE]))

    assert outsider.client.get(address, headers=known).status_code == 404
    assert narrow.client.get(address, headers=known).status_code == 403
    revoke_token(token_id=BackendToken.objects.get(digest=backend.digest).pk, actor=SYSTEM)
    assert backend.client.get(address, headers=known).status_code == 401


def test_what_is_lent_and_what_is_refused_has_no_tag(backend: Api, store: Keychain) -> None:
    responses = [
        backend.lease(store),
        backend.get("/api/v1/nothing"),
        backend.post("/api/v1/stores", {}),
    ]

    assert [each.status_code for each in responses] == [201, 404, 405]
    assert not any("ETag" in each.headers for each in responses)
