"""Requests of backends that sign (RFC 9421)."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from keyvault.audit import SYSTEM
from keyvault.errors import UnknownRecordError
from keyvault.leases.signing import (
    NONCES,
    Signer,
    SigningKeyError,
    set_signing_key,
    usable_signing_key,
)
from keyvault.models import AuditEntry, Backend, Keychain, Lease, SpentNonce
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
LEASE = b'{"permits": 1}'


@pytest.fixture
def store() -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.fixture
def signing(backend: Api) -> Api:
    set_signing_key(backend_id=Backend.objects.get().pk, key=PUBLIC, actor=SYSTEM)
    return backend


@dataclass(frozen=True)
class Signed:
    """A request and its signature, put together by hand after the RFC."""

    path: str
    body: bytes = b""
    method: str = "POST"
    covered: tuple[str, ...] = ("@method", "@authority", "@path", "@query", "authorization")
    key: Ed25519PrivateKey = KEY
    key_id: str = Signer(backend_id=uuid4(), key=PUBLIC).key_id
    created: int = field(default_factory=lambda: int(time.time()))
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    headers: tuple[tuple[str, str], ...] = ()
    is_body_covered: bool = True

    def send(self, api: Api) -> Any:
        headers = dict(self.headers)
        is_covered = bool(self.body) and self.is_body_covered
        if is_covered:
            headers.setdefault("Content-Digest", _digest(self.body))
        covered = [*self.covered, *(["content-digest"] if is_covered else [])]
        return self._sent(api, headers=headers, covered=covered)

    def _sent(self, api: Api, *, headers: dict[str, str], covered: list[str]) -> Any:
        values = {
            "@method": self.method,
            "@authority": "testserver",
            "@path": urlsplit(self.path).path,
            "@query": f"?{urlsplit(self.path).query}",
            "@target-uri": f"http://testserver{self.path}",
            "authorization": f"Bearer {api.token}",
            **{name.lower(): value for name, value in headers.items()},
        }
        names = " ".join(f'"{name}"' for name in covered)
        parameters = f'({names});created={self.created};keyid="{self.key_id}";alg="ed25519"'
        parameters += f';nonce="{self.nonce}"' if self.nonce else ""
        lines = [f'"{name}": {values[name]}' for name in covered]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self.key.sign(base.encode())).decode()
        headers |= {"Signature-Input": f"me={parameters}", "Signature": f"me=:{signature}:"}
        return api.client.generic(
            self.method, self.path, self.body, content_type="application/json", headers=headers
        )


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _lease(store: Keychain, **changes: Any) -> Signed:
    return replace(Signed(path=f"/api/v1/stores/{store.pk}/leases", body=LEASE), **changes)


def _refused(response: Any, words: str) -> None:
    assert (response.status_code, response.json()["type"]) == (401, "bad-signature")
    assert words in response.json()["detail"]
    assert not Lease.objects.exists()


def test_a_signed_request_leases(signing: Api, store: Keychain) -> None:
    assert _lease(store).send(signing).status_code == 201


@pytest.mark.parametrize("path", ["", "?limit=3"])
def test_signed_reads_are_answered(signing: Api, store: Keychain, path: str) -> None:
    assert Signed(method="GET", path=f"/api/v1/stores{path}").send(signing).status_code == 200


def test_the_whole_address_may_be_covered_at_once(signing: Api, store: Keychain) -> None:
    covered = ("@method", "@target-uri", "authorization")

    assert _lease(store, covered=covered).send(signing).status_code == 201


def test_without_a_signature_nothing_is_lent_or_told(signing: Api, store: Keychain) -> None:
    _refused(signing.lease(store), "bears no signature")
    _refused(signing.get("/api/v1/stores"), "bears no signature")
    _refused(signing.settle(str(store.pk), used=0), "bears no signature")
    _refused(signing.post(f"/api/v1/leases/{store.pk}/renew", {}), "bears no signature")


def test_a_signature_by_another_key_is_refused(signing: Api, store: Keychain) -> None:
    _refused(_lease(store, key=Ed25519PrivateKey.generate()).send(signing), "does not fit")


def test_a_signature_that_names_another_key_is_refused(signing: Api, store: Keychain) -> None:
    _refused(_lease(store, key_id="another").send(signing), "does not fit")


@pytest.mark.parametrize("seconds", [-75, 3600, 15, -(10**9)])
def test_a_signature_is_good_for_a_minute(signing: Api, store: Keychain, seconds: int) -> None:
    _refused(_lease(store, created=int(time.time()) + seconds).send(signing), "does not fit")


def test_a_signed_request_is_taken_once(signing: Api, store: Keychain) -> None:
    request = _lease(store)
    assert request.send(signing).status_code == 201
    Lease.objects.all().delete()

    _refused(request.send(signing), "came before")


def test_a_refused_signature_spends_no_nonce(signing: Api, store: Keychain) -> None:
    good = _lease(store)
    _refused(replace(good, key=Ed25519PrivateKey.generate()).send(signing), "does not fit")

    assert good.send(signing).status_code == 201


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65])
def test_a_nonce_is_needed(signing: Api, store: Keychain, nonce: str) -> None:
    _refused(_lease(store, nonce=nonce).send(signing), "nonce")


@pytest.mark.parametrize("left_out", ["@method", "@authority", "@path", "@query", "authorization"])
def test_all_that_a_request_means_is_covered(signing: Api, store: Keychain, left_out: str) -> None:
    covered = tuple(name for name in Signed("").covered if name != left_out)

    _refused(_lease(store, covered=covered).send(signing), left_out)


@pytest.mark.parametrize("digest", [(), (("Content-Digest", _digest(LEASE)),)])
def test_a_body_is_covered(signing: Api, store: Keychain, digest: tuple[Any, ...]) -> None:
    lease = _lease(store, is_body_covered=False, headers=digest)

    _refused(lease.send(signing), "signature")


def test_an_idempotency_key_is_covered(signing: Api, store: Keychain) -> None:
    headers = (("Idempotency-Key", "once-1"),)
    covered = (*Signed("").covered, "idempotency-key")

    _refused(_lease(store, headers=headers).send(signing), "idempotency-key")
    assert _lease(store, headers=headers, covered=covered).send(signing).status_code == 201


def test_another_body_than_the_digests_is_refused(signing: Api, store: Keychain) -> None:
    headers = (("Content-Digest", _digest(b'{"permits": 9}')),)

    _refused(_lease(store, headers=headers).send(signing), "does not fit")


def test_a_signature_for_another_store_is_refused(signing: Api, store: Keychain) -> None:
    captured = _lease(store)
    other = factories.keychain()
    key_of(other)
    seen: dict[str, str] = {}
    client = signing.client
    signing.client = _Recorder(seen)  # type: ignore[assignment]
    captured.send(signing)
    signing.client = client

    response = client.generic(
        "POST",
        f"/api/v1/stores/{other.pk}/leases",
        captured.body,
        content_type="application/json",
        headers=seen,
    )

    _refused(response, "does not fit")


class _Recorder:
    """Takes the headers of a request instead of sending it."""

    def __init__(self, seen: dict[str, str]) -> None:
        self._seen = seen

    def generic(self, *_: Any, headers: dict[str, str], **__: Any) -> None:
        self._seen |= headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Signature": "x"},
        {"Signature": "a=:AAAA:", "Signature-Input": "a="},
        {"Signature": "a=:AAAA:", "Signature-Input": 'a=("@nonsense");created=1;keyid="k"'},
        {"Signature": "a=:AAAA:, b=:AAAA:", "Signature-Input": "a=(), b=()"},
        {"Signature": "ÿ", "Signature-Input": "\x7f"},
    ],
)
def test_nonsense_is_refused_and_never_repeated(
    signing: Api, store: Keychain, headers: dict[str, str]
) -> None:
    response = signing.client.get("/api/v1/stores", headers=headers)

    _refused(response, "does not fit")
    assert "nonsense" not in response.content.decode()


def test_a_body_that_is_too_large_is_not_read_for_its_signature(
    signing: Api, store: Keychain
) -> None:
    assert _lease(store, body=b"x" * 20_000).send(signing).status_code == 413


def test_a_refusal_is_on_record(signing: Api, store: Keychain) -> None:
    signing.lease(store)

    entry = AuditEntry.objects.get(action="access.denied")
    assert entry.actor == f"backend:{Backend.objects.get().pk}"
    assert entry.facts["reason"] == "bad-signature"


def test_a_key_that_is_taken_away_is_wanted_no_more(signing: Api, store: Keychain) -> None:
    _refused(signing.lease(store), "no signature")

    set_signing_key(backend_id=Backend.objects.get().pk, key=None, actor=SYSTEM)

    assert signing.lease(store).status_code == 201
    changes = AuditEntry.objects.filter(action="backend.changed").order_by("id")
    assert [bool(each.facts["signing_key"]) for each in changes] == [True, False]


def test_a_backend_that_is_not_there_gets_no_key(db: None) -> None:
    with pytest.raises(UnknownRecordError):
        set_signing_key(backend_id=factories.keychain().pk, key=PUBLIC, actor=SYSTEM)
    assert not AuditEntry.objects.filter(action="backend.changed").exists()


@pytest.mark.parametrize("text", ["", "x", base64.b64encode(b"x" * 31).decode(), "é" * 44])
def test_what_is_no_signing_key_is_refused(text: str) -> None:
    with pytest.raises(SigningKeyError):
        usable_signing_key(text)


def test_the_name_of_a_key_is_that_of_the_rfc() -> None:
    # RFC 8037, appendix A.3.
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")

    key_id = Signer(backend_id=uuid4(), key=public).key_id

    assert key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_nonces_are_forgotten_when_their_signatures_are_too_old(
    signing: Api, store: Keychain
) -> None:
    _lease(store).send(signing)

    assert NONCES.run(timezone.now() + timedelta(seconds=70)) == 0
    assert NONCES.run(timezone.now() + timedelta(seconds=200)) == 1
    assert not SpentNonce.objects.exists()
