"""Unwrapped DEKs are kept for a bounded while; seals and wraps are counted."""

import logging
import uuid

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from keyvault import vault
from keyvault.envelope import NONCES_MAX, NONCES_WARN
from keyvault.errors import KeyExhaustedError, ShreddedKeychainError, TamperedSecretError
from keyvault.models import KekUse, WrappedDek
from keyvault.vault.ciphers import CipherCache, count_wraps
from tests.keyvault import factories

CIPHER = AESGCM(bytes(32))
KEY = ("keychain", "kek", b"wrapped")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_kept_cipher_is_found_by_its_wrapped_bytes_only() -> None:
    cache = CipherCache()
    cache.put(KEY, CIPHER)
    assert cache.get(KEY) is CIPHER
    for other in (("other", "kek", b"wrapped"), ("keychain", "kek", b"anew")):
        assert cache.get(other) is None


def test_a_kept_cipher_is_forgotten_by_age() -> None:
    clock = Clock()
    cache = CipherCache(age_seconds=300, clock=clock)
    cache.put(KEY, CIPHER)
    clock.now = 299.9
    assert cache.get(KEY) is CIPHER
    clock.now = 300.0
    assert cache.get(KEY) is None
    assert len(cache) == 0


def test_a_kept_cipher_is_forgotten_by_use() -> None:
    cache = CipherCache(uses=2)
    cache.put(KEY, CIPHER)
    assert [cache.get(KEY) for _ in range(3)] == [CIPHER, CIPHER, None]


def test_the_oldest_makes_room() -> None:
    cache = CipherCache(most=2)
    for number in range(3):
        cache.put(("keychain", "kek", bytes([number])), CIPHER)
    assert len(cache) == 2
    assert cache.get(("keychain", "kek", b"\0")) is None


def test_wiping_forgets_all() -> None:
    cache = CipherCache()
    cache.put(KEY, CIPHER)
    cache.wipe()
    assert cache.get(KEY) is None


@pytest.mark.django_db
def test_each_seal_is_counted() -> None:
    keychain = factories.keychain()
    for _ in range(3):
        factories.credential(of=keychain)
    assert WrappedDek.objects.get().seals == 3


@pytest.mark.django_db
def test_a_nearly_used_up_dek_is_told_and_a_used_up_one_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keychain = factories.keychain()
    WrappedDek.objects.update(seals=NONCES_WARN - 1)
    with caplog.at_level(logging.WARNING):
        factories.credential(of=keychain)
    assert "nearly used up" in caplog.text
    WrappedDek.objects.update(seals=NONCES_MAX)
    with pytest.raises(KeyExhaustedError):
        factories.credential(of=keychain)


@pytest.mark.django_db
def test_each_wrap_is_counted_and_a_used_up_kek_refused(caplog: pytest.LogCaptureFixture) -> None:
    factories.keychain()
    factories.keychain()
    assert KekUse.objects.get().wraps == 2
    KekUse.objects.update(wraps=NONCES_WARN)
    with caplog.at_level(logging.WARNING):
        factories.keychain()
    assert "rotate it" in caplog.text
    KekUse.objects.update(wraps=NONCES_MAX)
    with pytest.raises(KeyExhaustedError):
        count_wraps(kek_id=KekUse.objects.get().kek_id)


@pytest.mark.django_db
def test_a_value_opens_in_its_own_row_column_and_version() -> None:
    keychain, record = factories.keychain(), uuid.uuid4()
    where = {"keychain_id": keychain.id, "record_id": record, "field": "totp"}
    sealed = vault.seal_value(**where, value=SecretStr("canary"))  # type: ignore[arg-type]
    assert vault.open_value(**where, sealed=sealed) == SecretStr("canary")  # type: ignore[arg-type]
    for change in ({"record_id": uuid.uuid4()}, {"field": "other"}, {"version": 2}):
        with pytest.raises(TamperedSecretError):
            vault.open_value(**{**where, **change}, sealed=sealed)  # type: ignore[arg-type]
    WrappedDek.objects.all().delete()
    with pytest.raises(ShreddedKeychainError):
        vault.open_value(**where, sealed=sealed)  # type: ignore[arg-type]
