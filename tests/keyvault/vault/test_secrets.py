"""Plaintext values hide themselves; fingerprints tell nothing without the keyring."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_django import Settings

from keyvault import vault
from keyvault.errors import KeyringError, TamperedSecretError, UnknownKekError
from keyvault.kek.local import create_keyring
from keyvault.vault import custody, secrets

TEXT = st.text(max_size=80)


@given(key=TEXT, secret=TEXT)
def test_an_api_key_survives_its_encoding(key: str, secret: str) -> None:
    pair = vault.ApiKeySecret(SecretStr(key), SecretStr(secret))
    assert secrets.decode(secrets.encode(pair)) == pair


@given(TEXT)
def test_a_token_survives_its_encoding(token: str) -> None:
    bearer = vault.AccessTokenSecret(SecretStr(token))
    assert secrets.decode(secrets.encode(bearer)) == bearer


def test_an_unknown_kind_of_secret_is_refused() -> None:
    with pytest.raises(TamperedSecretError, match="type 9") as refusal:
        secrets.decode(b"\x09\x00\x00canary")
    assert "canary" not in str(refusal.value)


def test_a_secret_shows_itself_nowhere() -> None:
    pair = vault.ApiKeySecret(SecretStr("canary-key"), SecretStr("canary-secret"))
    token = vault.AccessTokenSecret(SecretStr("canary-token"))
    assert "canary" not in f"{pair} {pair!r} {token} {token!r}"
    with pytest.raises(TypeError):
        json.dumps(pair)


def test_the_fingerprint_is_of_the_key_alone_and_keyed(settings: Settings, tmp_path: Path) -> None:
    key = SecretStr("5f" * 16)
    here = vault.fingerprint(key)
    assert here == vault.fingerprint(SecretStr("5f" * 16))
    assert here != vault.fingerprint(SecretStr("5e" * 16))
    assert len(here) == 64
    settings.KEYVAULT_KEYRING = tmp_path / "keyring.json"
    create_keyring(settings.KEYVAULT_KEYRING)
    assert vault.fingerprint(key) != here


def test_people_see_eight_digits_of_a_fingerprint() -> None:
    assert vault.short_fingerprint("a1b2c3d4e5f6") == "a1b2-c3d4"


@pytest.mark.parametrize(("key", "shown"), [("x" * 28 + "abcd", "abcd"), ("shortkey", "")])
def test_of_a_short_key_no_four_characters_are_kept(key: str, shown: str) -> None:
    assert secrets.last_four(SecretStr(key)) == shown


def test_nothing_starts_without_a_keyring(settings: Settings, tmp_path: Path) -> None:
    vault.require_keyring()
    settings.KEYVAULT_KEYRING = tmp_path / "none.json"
    with pytest.raises(KeyringError):
        vault.require_keyring()


def test_a_kek_of_a_foreign_provider_is_refused() -> None:
    with pytest.raises(UnknownKekError, match="elsewhere:1"):
        custody.provider_of("elsewhere:1")
