"""Leases whose secret is sealed to the backend's own key."""

import base64
import json
import secrets
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, OpenError

from keyvault.audit import SYSTEM
from keyvault.leases import Scope, create_backend
from keyvault.leases.sealed import INFO, PublicKeyError, place, seal_to, usable_public_key
from keyvault.models import Keychain
from keyvault.vault import AccessTokenSecret
from tests.keyvault import factories
from tests.keyvault.lending import Api

SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)


def _pair() -> tuple[KEMKey, bytes]:
    pair = SUITE.kem.derive_key_pair(secrets.token_bytes(32))
    return pair.private_key, pair.public_key.to_public_bytes()


def _open(private_key: KEMKey, sealed: str, aad: bytes) -> dict[str, str]:
    raw = base64.b64decode(sealed, validate=True)
    context = SUITE.create_recipient_context(raw[:32], private_key, info=INFO)
    return json.loads(context.open(raw[32:], aad=aad))


@pytest.mark.django_db
def test_another_implementation_opens_what_is_lent_and_nothing_goes_plain(
    store: Keychain,
) -> None:
    private_key, public_key = _pair()
    made = create_backend(
        name="sealed",
        scopes=list(Scope),
        stores=None,
        days=1,
        actor=SYSTEM,
        public_key=public_key,
    )
    secret = factories.api_key()
    factories.credential(of=store, secret=secret)

    response = Api(made.token.get_secret_value()).lease(store)

    body = response.json()
    credential = body["credential"]
    assert "key" not in credential
    assert secret.secret.get_secret_value() not in response.content.decode()
    assert credential["backend_id"] == str(made.backend_id)
    aad = f"{body['lease']['id']}|{credential['id']}|{made.backend_id}".encode()
    assert _open(private_key, credential["sealed"], aad) == {
        "key": secret.key.get_secret_value(),
        "secret": secret.secret.get_secret_value(),
    }


def test_a_sealed_secret_does_not_open_in_another_answer() -> None:
    private_key, public_key = _pair()
    backend_id = uuid4()
    mine = place(lease_id=uuid4(), credential_id=uuid4(), backend_id=backend_id)
    other = place(lease_id=uuid4(), credential_id=uuid4(), backend_id=backend_id)
    token = AccessTokenSecret(access_token=SecretStr("fake-token"))
    sealed = seal_to(public_key=public_key, secret=token, place=mine)

    assert _open(private_key, sealed, mine) == {"access_token": "fake-token"}
    with pytest.raises(OpenError):
        _open(private_key, sealed, other)


@pytest.mark.parametrize(
    "text", ["", "x", base64.b64encode(b"short").decode(), base64.b64encode(bytes(32)).decode()]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(PublicKeyError):
        usable_public_key(text)


def test_a_public_key_is_taken_as_base64() -> None:
    _, public_key = _pair()

    assert usable_public_key(base64.b64encode(public_key).decode()) == public_key
