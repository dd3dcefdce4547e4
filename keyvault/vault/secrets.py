"""Plaintext credentials as values that hide themselves, and the fingerprint of an API key."""

import hmac
import struct
from dataclasses import dataclass

from pydantic import SecretStr

from keyvault.errors import TamperedSecretError
from keyvault.vault.custody import current_keyring

_API_KEY = 1
_ACCESS_TOKEN = 2
_LENGTH = struct.Struct(">BH")


@dataclass(frozen=True, slots=True)
class ApiKeySecret:
    """A key and its secret, for HTTP Basic authentication.

    Attributes:
        key: the API key.
        secret: the API secret.
    """

    key: SecretStr
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class AccessTokenSecret:
    """An OAuth access token, for a Bearer header.

    Attributes:
        access_token: the token.
    """

    access_token: SecretStr


Secret = ApiKeySecret | AccessTokenSecret


def encode(secret: Secret) -> bytes:
    """The plaintext of a sealed credential: type byte, two-byte length of the first part, parts.

    Type 1 is an API key (key, secret), type 2 an access token; parts are UTF-8.
    """
    if isinstance(secret, ApiKeySecret):
        first = secret.key.get_secret_value().encode()
        rest = secret.secret.get_secret_value().encode()
        return _LENGTH.pack(_API_KEY, len(first)) + first + rest
    token = secret.access_token.get_secret_value().encode()
    return _LENGTH.pack(_ACCESS_TOKEN, len(token)) + token


def decode(plaintext: bytes) -> Secret:
    """The credential that `encode` wrote.

    Raises:
        TamperedSecretError: another type; only a newer release could have sealed it.
    """
    kind, length = _LENGTH.unpack_from(plaintext)
    text = plaintext[_LENGTH.size :]
    if kind == _API_KEY:
        return ApiKeySecret(SecretStr(text[:length].decode()), SecretStr(text[length:].decode()))
    if kind == _ACCESS_TOKEN:
        return AccessTokenSecret(SecretStr(text.decode()))
    message = f"a sealed credential of the unknown type {kind}"
    raise TamperedSecretError(message)


def fingerprint(key: SecretStr) -> str:
    """The keyed fingerprint of an API key, the same wherever the key is pasted.

    Of the key alone, so that a new secret of the same key is recognised. Without the keyring it
    tells nothing and cannot be tried out.

    Args:
        key: the API key, not its secret.

    Returns:
        HMAC-SHA-256 in 64 hex digits.
    """
    message = b"latchkey|v1|fingerprint|" + key.get_secret_value().encode()
    return hmac.digest(current_keyring().fingerprint, message, "sha256").hex()


def short_fingerprint(fingerprint: str) -> str:
    """The first eight digits for people, "a1b2-c3d4"."""
    return f"{fingerprint[:4]}-{fingerprint[4:8]}"


def last_four(key: SecretStr) -> str:
    """The last four characters of an API key; of a very short one none."""
    value = key.get_secret_value()
    return value[-4:] if len(value) >= 16 else ""  # noqa: PLR2004  # four of fewer would tell too much
