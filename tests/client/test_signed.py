"""The client's signatures are those that the API wants."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyvault.audit import SYSTEM
from keyvault.leases.signing import set_signing_key
from keyvault.models import Backend, Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.errors import LatchkeyError
from latchkey.signed import Signer

pytestmark = pytest.mark.django_db

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def store() -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.fixture
def api(store: Keychain) -> Api:
    api = Api(token_of())
    public = KEY.public_key().public_bytes_raw()
    set_signing_key(backend_id=Backend.objects.get().pk, key=public, actor=SYSTEM)
    return api


def _call(api: Api, method: str, path: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {api.token}"}
    Signer(KEY.private_bytes_raw()).sign(
        method=method, url=f"http://testserver{path}", headers=headers, body=body
    )
    return api.client.generic(
        method, path, body or b"", content_type="application/json", headers=headers
    )


def test_a_signed_lease_and_a_signed_read_are_answered(api: Api, store: Keychain) -> None:
    path = f"/api/v1/stores/{store.pk}/leases"

    assert _call(api, "POST", path, b'{"permits": 1}').status_code == 201
    assert _call(api, "GET", "/api/v1/stores?limit=2").status_code == 200


def test_what_is_no_key_is_said_at_once() -> None:
    with pytest.raises(LatchkeyError):
        Signer(b"short")
