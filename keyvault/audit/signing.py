"""Signing checkpoints with the keyring's Ed25519 key."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from keyvault.kek import keyring
from keyvault.kek.local import keyring_at, reload_keyring


def sign(body: bytes, *, key_id: str) -> bytes:
    """Signs under one key of the keyring.

    Raises:
        KeyringError: the keyring cannot be used.
    """
    keys = keyring_at(_path()).signing
    seed = next(key.key for key in keys if key.id == key_id and key.key is not None)
    return Ed25519PrivateKey.from_private_bytes(seed).sign(body)


def active_key_id() -> str:
    """The id of the key that signs now.

    Raises:
        KeyringError: the keyring cannot be used.
    """
    return keyring.active(keyring_at(_path()).signing).id


def public_keys() -> dict[str, bytes]:
    """The raw public key, 32 bytes, of every signing key by its id."""
    keys = reload_keyring(_path()).signing
    return {key.id: _public(key.key) for key in keys if key.key is not None}


def is_signed(body: bytes, *, public_key: bytes | None, signature: bytes) -> bool:
    """Whether a body carries a signature of that key; an unknown key (None) signs nothing."""
    if public_key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, body)
    except InvalidSignature:
        return False
    return True


def public_fingerprint(public_key: bytes) -> str:
    """What people compare by eye: the first 16 hex digits of SHA-256, in groups of four."""
    digits = sha256(public_key).hexdigest()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


@lru_cache(maxsize=64)
def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _path() -> Path:
    return Path(settings.KEYVAULT_KEYRING)
