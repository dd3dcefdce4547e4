"""What every KEK provider promises, tried on the real thing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import hvac
import pytest
from pydantic import SecretStr

from keyvault.errors import (
    KekInUseError,
    KekUnavailableError,
    KeyringError,
    TamperedSecretError,
    UnknownKekError,
    VaultError,
)
from keyvault.kek.aws import AwsProvider, AwsSettings
from keyvault.kek.local import LocalProvider, create_keyring
from keyvault.kek.provider import KekProvider, KekState, WrappedKey
from keyvault.kek.transit import TransitProvider, TransitSettings
from tests.keyvault.kek.servers import answering, free_port, kms, kms_at, openbao, refusing_kms

DEK = bytes(range(32))
ONE, OTHER = f"{1:032x}", f"{2:032x}"


@pytest.fixture(scope="module")
def bao() -> Iterator[TransitSettings]:
    with openbao() as settings:
        yield settings


@pytest.fixture(scope="module")
def amazon() -> Iterator[AwsSettings]:
    with kms() as settings:
        yield settings


@pytest.fixture(params=["local", "vault-transit", "aws-kms"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KekProvider:
    if request.param == "local":
        create_keyring(tmp_path / "keyring.json")
        return LocalProvider(tmp_path / "keyring.json")
    if request.param == "vault-transit":
        return TransitProvider(request.getfixturevalue("bao"))
    return AwsProvider(request.getfixturevalue("amazon"))


def test_a_wrapped_dek_unwraps_and_names_its_kek(provider: KekProvider) -> None:
    key = provider.wrap(dek=DEK, keychain=ONE)
    assert key.kek_id == provider.active_id()
    assert key.kek_id.partition(":")[0] == provider.name
    assert len(key.kek_id) <= 100
    assert DEK not in key.wrapped
    assert provider.unwrap(key=key, keychain=ONE) == DEK


def test_a_dek_unwraps_for_its_own_keychain_only(provider: KekProvider) -> None:
    key = provider.wrap(dek=DEK, keychain=ONE)
    with pytest.raises(TamperedSecretError):
        provider.unwrap(key=key, keychain=OTHER)


def _flipped(wrapped: bytes) -> bytes:
    return wrapped[:-9] + (b"A" if wrapped[-9:-8] != b"A" else b"B") + wrapped[-8:]


@pytest.mark.parametrize("alter", [_flipped, lambda wrapped: wrapped[:-12], lambda _: b""])
def test_an_altered_dek_never_unwraps(
    provider: KekProvider, alter: Callable[[bytes], bytes]
) -> None:
    key = provider.wrap(dek=DEK, keychain=ONE)
    with pytest.raises(TamperedSecretError):
        provider.unwrap(key=replace(key, wrapped=alter(key.wrapped)), keychain=ONE)


def test_a_kek_that_the_provider_does_not_hold_is_refused(provider: KekProvider) -> None:
    key = provider.wrap(dek=DEK, keychain=ONE)
    for kek_id in (f"{provider.name}:none", "elsewhere:1"):
        with pytest.raises((UnknownKekError, TamperedSecretError)):
            provider.unwrap(key=replace(key, kek_id=kek_id), keychain=ONE)


def test_rotation_makes_a_new_active_kek_and_keeps_the_old(provider: KekProvider) -> None:
    old = provider.wrap(dek=DEK, keychain=ONE)
    fresh = provider.rotate()
    states = {kek.id: kek.state for kek in provider.keks()}
    assert states[old.kek_id] is KekState.DECRYPT_ONLY
    assert states[fresh.id] is KekState.ACTIVE
    assert provider.active_id() == fresh.id
    assert provider.wrap(dek=DEK, keychain=ONE).kek_id == fresh.id
    assert provider.unwrap(key=old, keychain=ONE) == DEK


def test_rewrapping_moves_deks_and_names_those_it_cannot(provider: KekProvider) -> None:
    good = provider.wrap(dek=DEK, keychain=ONE)
    fresh = provider.rotate()
    moved, refused = provider.rewrap([(ONE, good), (OTHER, good)])
    assert isinstance(moved, WrappedKey)
    assert moved.kek_id == fresh.id
    assert provider.unwrap(key=moved, keychain=ONE) == DEK
    assert isinstance(refused, TamperedSecretError)


def test_any_number_of_deks_is_rewrapped_in_order(provider: KekProvider) -> None:
    keys = [(name, provider.wrap(dek=DEK, keychain=name)) for name in (ONE, OTHER)] * 300
    fresh = provider.rotate()
    moved = provider.rewrap(keys)
    assert {key.kek_id for key in moved if isinstance(key, WrappedKey)} == {fresh.id}
    for (name, _), key in list(zip(keys, moved, strict=True))[-2:]:
        assert isinstance(key, WrappedKey)
        assert provider.unwrap(key=key, keychain=name) == DEK


def test_a_destroyed_kek_unwraps_nothing(provider: KekProvider) -> None:
    for kek in provider.keks()[:-1]:
        if kek.state is KekState.DECRYPT_ONLY:
            provider.destroy(kek_id=kek.id)
    old = provider.wrap(dek=DEK, keychain=ONE)
    provider.rotate()
    provider.destroy(kek_id=old.kek_id)
    assert {kek.id: kek.state for kek in provider.keks()}[old.kek_id] is KekState.DESTROYED
    if provider.name != "aws-kms":  # moto goes on decrypting under a key that awaits deletion
        with pytest.raises(UnknownKekError):
            provider.unwrap(key=old, keychain=ONE)


def test_the_active_kek_is_not_destroyed(provider: KekProvider) -> None:
    with pytest.raises(KekInUseError):
        provider.destroy(kek_id=provider.active_id())


def test_no_provider_shows_its_secrets(provider: KekProvider) -> None:
    assert "root-of-a-test" not in repr(provider) + repr(provider.__dict__)


def test_a_transit_server_that_is_down_is_told(bao: TransitSettings) -> None:
    gone = TransitProvider(replace(bao, address=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(KekUnavailableError, match="does not answer"):
        gone.wrap(dek=DEK, keychain=ONE)


def test_a_transit_token_that_expired_is_told(bao: TransitSettings) -> None:
    refused = TransitProvider(replace(bao, token=SecretStr("expired-token")))
    with pytest.raises(KekUnavailableError, match="expired or lacks a right") as caught:
        refused.active_id()
    assert "expired-token" not in str(caught.value)


def test_a_transit_key_that_is_missing_or_not_derived_is_told(bao: TransitSettings) -> None:
    with pytest.raises(UnknownKekError, match="has no key transit/keys/none"):
        TransitProvider(replace(bao, key="none")).active_id()
    client = hvac.Client(url=bao.address, token=bao.token.get_secret_value())
    client.secrets.transit.create_key("plain")
    client.adapter.close()
    with pytest.raises(KeyringError, match="derived=true"):
        TransitProvider(replace(bao, key="plain")).wrap(dek=DEK, keychain=ONE)


def test_transit_versions_are_destroyed_oldest_first(bao: TransitSettings) -> None:
    provider = TransitProvider(bao)
    provider.rotate()
    provider.rotate()
    left = [kek.id for kek in provider.keks() if kek.state is KekState.DECRYPT_ONLY]
    with pytest.raises(KekInUseError, match="only after"):
        provider.destroy(kek_id=left[-1])
    with pytest.raises(UnknownKekError):
        provider.destroy(kek_id="vault-transit:transit/latchkey:v999")


def test_a_sealed_transit_server_is_told() -> None:
    with openbao() as settings:
        provider = TransitProvider(settings)
        key = provider.wrap(dek=DEK, keychain=ONE)
        client = hvac.Client(url=settings.address, token=settings.token.get_secret_value())
        client.sys.seal()
        client.adapter.close()
        for attempt in (lambda: provider.unwrap(key=key, keychain=ONE), provider.active_id):
            with pytest.raises(KekUnavailableError, match="sealed"):
                attempt()


def test_a_kms_that_is_down_is_told(amazon: AwsSettings) -> None:
    gone = AwsProvider(replace(amazon, endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(KekUnavailableError, match="does not answer"):
        gone.wrap(dek=DEK, keychain=ONE)


def test_a_kms_alias_that_is_missing_is_told(amazon: AwsSettings) -> None:
    with pytest.raises(UnknownKekError, match="does not hold"):
        AwsProvider(replace(amazon, alias="alias/none")).active_id()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDeniedException", KekUnavailableError, "denies us access to alias/ours"),
        ("LimitExceededException", KekUnavailableError, "LimitExceededException"),
        ("DisabledException", UnknownKekError, "alias/ours, or it is switched off"),
        ("KMSInvalidStateException", UnknownKekError, "Cancel its deletion"),
    ],
)
def test_what_kms_refuses_is_told(code: str, kind: type[VaultError], words: str) -> None:
    with refusing_kms(code) as settings, pytest.raises(kind, match=words):
        AwsProvider(settings).wrap(dek=DEK, keychain=ONE)


# What a proxy, another server or a wrong address gives.
USABLE = {
    "type": "aes256-gcm96",
    "derived": True,
    "latest_version": 1,
    "min_decryption_version": 1,
    "keys": {"1": 1700000000},
}
SHORT = {"ciphertext": "vault:v1:AAAA", "plaintext": "AAAA", "batch_results": []}
NONSENSE = {
    "page": b"<html>Welcome</html>",
    "nothing": b"",
    "object": b"{}",
    "list": b"[]",
    "cut": b'{"data": {"ciph',
    "null": b'{"data": null}',
    "numbers": json.dumps({"data": USABLE | dict.fromkeys(SHORT, 7)}).encode(),
    "texts": json.dumps({"data": USABLE | dict.fromkeys(SHORT, "\u00e9")}).encode(),
    "short": json.dumps({"data": USABLE | SHORT}).encode(),
    "of no KEK": json.dumps({"data": USABLE | {"batch_results": [{}]}}).encode(),
    "versions": json.dumps({"data": USABLE | {"latest_version": None}}).encode(),
    "dates": json.dumps({"data": USABLE | {"keys": []}}).encode(),
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("name", ["vault-transit", "aws-kms"])
def test_an_answer_that_is_none_is_told_and_never_taken_for_a_key(
    name: str, body: bytes, status: int
) -> None:
    with answering(body, status=status) as address:
        provider: KekProvider
        if name == "vault-transit":
            settings = TransitSettings(address=address, token=SecretStr("t"), key="latchkey")
            provider = TransitProvider(settings)
            key = WrappedKey("vault-transit:transit/latchkey:v1", b"vault:v1:" + b"A" * 80)
        else:
            provider = AwsProvider(kms_at(address))
            key = WrappedKey("aws-kms:arn:aws:kms:eu-west-1:1:key/ours", b"wrapped")
        for call in (
            lambda: provider.wrap(dek=DEK, keychain=ONE),
            lambda: provider.unwrap(key=key, keychain=ONE),
            lambda: provider.rewrap([(ONE, key)]),
            provider.rotate,
        ):
            with pytest.raises(VaultError):
                call()


def test_kms_logs_the_keychain_as_its_encryption_context(amazon: AwsSettings) -> None:
    key = AwsProvider(amazon).wrap(dek=DEK, keychain=ONE)
    client = boto3.client("kms", region_name=amazon.region, endpoint_url=amazon.endpoint)
    context = {"latchkey": "v1", "keychain": ONE}
    answer = client.decrypt(
        CiphertextBlob=key.wrapped, KeyId=amazon.alias, EncryptionContext=context
    )
    client.close()
    assert answer["Plaintext"] == DEK
