"""Holding a lease of an access token longer: no longer than the token lasts."""

import pytest

from keyvault.models import Credential
from keyvault.renewal import renew
from keyvault.renewal.renewing import Outcome
from tests.keyvault.lending import Api, token_of
from tests.keyvault.renewal.vendor import age, connected

pytestmark = pytest.mark.django_db


def _renewed(backend: Api, lease_id: str) -> str:
    answer = backend.post(f"/api/v1/leases/{lease_id}/renew", {"use_within_seconds": 30})
    return str(answer.json().get("type", answer.status_code))


def _lent() -> tuple[Credential, Api, str]:
    credential, backend = connected(), Api(token_of())
    lease = backend.post(f"/api/v1/stores/{credential.keychain_id}/leases", {"permits": 1})
    return credential, backend, lease.json()["lease"]["id"]


def test_a_lease_of_a_token_that_lasts_is_held_longer() -> None:
    _, backend, lease_id = _lent()

    assert _renewed(backend, lease_id) == "200"


def test_a_lease_of_a_token_that_ends_soon_is_not_held_longer() -> None:
    credential, backend, lease_id = _lent()
    age(credential, to="stale")

    assert _renewed(backend, lease_id) == "lease-closed"


def test_a_lease_of_a_token_that_was_renewed_since_is_not_held_longer() -> None:
    """The backend has the one before, which ends first."""
    credential, backend, lease_id = _lent()
    age(credential, to="due")
    assert renew(credential_id=credential.pk) == Outcome.RENEWED

    assert _renewed(backend, lease_id) == "lease-closed"
    assert backend.settle(lease_id, used=1).status_code == 200
