"""From where and how often a backend may call."""

from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django.fixtures import Settings

from keyvault.audit import SYSTEM
from keyvault.errors import UnknownRecordError
from keyvault.leases import Scope, create_backend, create_token, revoke_token
from keyvault.models import Backend, Keychain, TokenUse
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def _from(networks: list[str]) -> Api:
    made = create_backend(
        name="near", scopes=list(Scope), stores=None, days=1, actor=SYSTEM, networks=networks
    )
    return Api(made.token.get_secret_value())


def test_a_backend_calls_from_its_own_networks(store: Keychain) -> None:
    key_of(store)
    near = _from(["192.0.2.0/24", "127.0.0.0/8"])

    lease = near.lease(store)

    assert lease.status_code == 201
    assert near.settle(lease.json()["lease"]["id"], used=1).status_code == 200
    assert near.get("/api/v1/stores").status_code == 200


def test_a_backend_does_not_call_from_elsewhere(store: Keychain) -> None:
    key_of(store)
    far = _from(["192.0.2.0/24", "2001:db8::/32"])

    for response in (
        far.lease(store),
        far.get("/api/v1/stores"),
        far.settle(str(store.pk), used=0),
    ):
        assert response.status_code == 403
        assert response.json()["type"] == "address-refused"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="host bits"):
        _from(["192.0.2.1/24"])
    assert not Backend.objects.exists()


def test_a_network_that_fits_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="IPv4 network as such"):
        _from(["::ffff:192.0.2.0/120"])
    assert not Backend.objects.exists()


def test_a_token_that_asks_too_often_is_told_when_to_come_back(
    backend: Api, store: Keychain, settings: Settings
) -> None:
    settings.KEYVAULT_TOKEN_REQUESTS_PER_MINUTE = 2
    key_of(store)

    with time_machine.travel(datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC), tick=False):
        answers = [backend.lease(store) for _ in range(6)]

    assert [each.status_code for each in answers] == [201, 201, 429, 429, 429, 429]
    refused = answers[2:]
    assert refused[0].json()["type"] == "too-many-requests"
    assert refused[0]["Retry-After"] == "40"


def test_without_a_limit_nothing_is_counted(backend: Api, store: Keychain) -> None:
    backend.get("/api/v1/stores")

    assert not TokenUse.objects.exists()


def test_tokens_overlap(backend: Api, store: Keychain) -> None:
    key_of(store)
    owner = Backend.objects.get()
    second = create_token(backend_id=owner.pk, scopes=list(Scope), days=1, actor=SYSTEM)
    assert backend.lease(store).status_code == 201
    assert Api(second.token.get_secret_value()).lease(store).status_code == 201

    revoke_token(token_id=owner.tokens.order_by("pk").first().pk, actor=SYSTEM)

    assert backend.lease(store).status_code == 401
    assert Api(second.token.get_secret_value()).lease(store).status_code == 201


def test_revoking_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UnknownRecordError):
        revoke_token(token_id=1, actor=SYSTEM)


def test_a_backend_of_an_unknown_store_is_not_made() -> None:
    with pytest.raises(UnknownRecordError):
        create_backend(name="x", scopes=list(Scope), stores=[Keychain().pk], days=1, actor=SYSTEM)
    assert not Backend.objects.exists()
