"""The `vault-transit` KEK provider: OpenBao or HashiCorp Vault wraps DEKs; the KEK never leaves it.

The transit key must be of type aes256-gcm96 and *derived*: each DEK is wrapped under a key that the
server derives from the KEK and our context, `latchkey|v1|<keychain>|dek|transit|1`, so a wrapped
DEK opens for its own keychain only. (Associated data would bind it as well, but the server's rewrap
takes none, and then every rotation would bring all DEKs through our memory.)

A KEK id is `vault-transit:<mount>/<key>:v<version>`; a wrapped DEK is the server's ciphertext,
"vault:v<version>:<base64>", in ASCII.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import hvac
import requests
from hvac import exceptions
from pydantic import SecretStr

from keyvault.envelope import DEK_BYTES, place
from keyvault.errors import (
    KekInUseError,
    KekUnavailableError,
    KeyringError,
    TamperedSecretError,
    UnknownKekError,
    VaultError,
)
from keyvault.kek.provider import Kek, KekState, WrappedKey

TIMEOUT_SECONDS = 5
KEY_TYPE = "aes256-gcm96"
# OpenBao takes 1000 strings in a request (max_request_json_strings), and a DEK is two.
MOST_AT_ONCE = 200
# Nonce, DEK and tag, 60 bytes: anything else would lose the DEK, so it is not stored.
_CIPHERTEXT = re.compile("vault:v([1-9][0-9]*):[A-Za-z0-9+/]{80}")
# What comes of reading an answer that is none, a proxy's page for example.
_NO_ANSWER = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class TransitSettings:
    """How to reach the server.

    Attributes:
        address: https://… of the server.
        token: what we show it; it needs encrypt, decrypt, rewrap and read on the one key, and for
            `rotate` and `destroy` also those.
        key: name of the transit key.
        mount: where the transit engine is mounted.
        ca_file: certificate authority of the server; None: the system's.
    """

    address: str
    token: SecretStr
    key: str
    mount: str = "transit"
    ca_file: str | None = None


class TransitProvider:
    """Wraps DEKs by a server's transit engine; see `KekProvider`."""

    name = "vault-transit"
    is_remote = True

    def __init__(self, settings: TransitSettings) -> None:
        self._settings = settings
        self._prefix = f"{self.name}:{settings.mount}/{settings.key}:v"
        self._is_checked = False
        self._client = hvac.Client(  # type: ignore[no-untyped-call]  # it has no types
            url=settings.address,
            token=settings.token.get_secret_value(),
            timeout=TIMEOUT_SECONDS,
            verify=settings.ca_file or True,
            allow_redirects=False,
        )

    def active_id(self) -> str:
        """The newest version of the key; one call."""
        return f"{self._prefix}{self._read_key()['latest_version']}"

    def wrap(self, *, dek: bytes, keychain: str) -> WrappedKey:
        """Wraps a DEK under the newest version; one call, at first use two."""
        if not self._is_checked:
            self._read_key()
        body = {"plaintext": _base64(dek), "context": _context(keychain)}
        with self._told():
            return self._wrapped(self._call("encrypt", body)["ciphertext"])

    def unwrap(self, *, key: WrappedKey, keychain: str) -> bytes:
        """Gives the DEK back; one call."""
        self._refuse_foreign(key)
        body = {"ciphertext": _ascii(key.wrapped), "context": _context(keychain)}
        with self._told():
            dek = _decoded(self._call("decrypt", body)["plaintext"])
        if len(dek) != DEK_BYTES:
            message = "the transit engine unwrapped something that is no DEK"
            raise TamperedSecretError(message)
        return dek

    def rewrap(self, keys: Sequence[tuple[str, WrappedKey]]) -> list[WrappedKey | VaultError]:
        """Moves DEKs under the newest version inside of the server; one call for 200."""
        items = [
            {"ciphertext": _ascii(key.wrapped), "context": _context(keychain)}
            for keychain, key in keys
        ]
        results = []
        with self._told():
            for start in range(0, len(items), MOST_AT_ONCE):
                batch = {"batch_input": items[start : start + MOST_AT_ONCE]}
                results += self._call("rewrap", batch)["batch_results"]
            return [
                _meaning(item["error"]) if item.get("error") else self._wrapped(item["ciphertext"])
                for _, item in zip(items, results, strict=True)
            ]

    def keks(self) -> list[Kek]:
        """Every version of the key, the oldest first."""
        key = self._read_key()
        newest, oldest = key["latest_version"], key["min_decryption_version"]
        with self._told():
            made = {int(version): _moment(value) for version, value in key["keys"].items()}
        return [
            Kek(
                id=f"{self._prefix}{version}",
                state=_state(version, newest=newest, oldest=oldest),
                created_at=made.get(version),
            )
            for version in range(1, newest + 1)
        ]

    def rotate(self) -> Kek:
        """Has the server make a new version of the key."""
        before = self.active_id()
        self._call("keys", {}, suffix="/rotate")
        fresh = self.keks()[-1]
        if fresh.id == before:
            message = f"the transit server has not rotated: {before} is still the newest"
            raise KekUnavailableError(message)
        return fresh

    def destroy(self, *, kek_id: str) -> None:
        """Has the server forget a version, which must be the oldest that is left."""
        known = {kek.id: kek for kek in self.keks()}
        if kek_id not in known:
            raise UnknownKekError(_unknown(kek_id))
        if known[kek_id].state is KekState.ACTIVE:
            message = f"KEK {kek_id} is the active one; rotate first"
            raise KekInUseError(message)
        left = [kek.id for kek in known.values() if kek.state is not KekState.DESTROYED]
        if kek_id != left[0]:
            message = f"KEK {kek_id} can be destroyed only after {left[0]}"
            raise KekInUseError(message)
        keep = int(left[1].removeprefix(self._prefix))
        bounds = {"min_decryption_version": keep, "min_encryption_version": len(known)}
        self._call("keys", bounds, suffix="/config")
        self._call("keys", {"min_available_version": keep}, suffix="/trim")

    def _read_key(self) -> dict[str, Any]:
        settings = self._settings
        with self._told():
            key: dict[str, Any] = self._client.secrets.transit.read_key(
                settings.key, mount_point=settings.mount
            )["data"]
            is_usable = key["type"] == KEY_TYPE and key["derived"]
            if is_usable and not key["latest_version"] >= key["min_decryption_version"] >= 1:
                raise ValueError
        if not is_usable:
            message = (
                f"the transit key {settings.key} must be of type {KEY_TYPE} and derived. "
                f"Make it by: bao write -f {settings.mount}/keys/{settings.key} derived=true"
            )
            raise KeyringError(message)
        self._is_checked = True
        return key

    def _call(self, verb: str, body: Mapping[str, Any], *, suffix: str = "") -> dict[str, Any]:
        path = f"/v1/{self._settings.mount}/{verb}/{self._settings.key}{suffix}"
        with self._told():
            response = self._client.adapter.post(url=path, json=dict(body))
        # hvac gives a bare response where the server has nothing to say.
        return response["data"] if isinstance(response, dict) else {}

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns the server's failures into ours; none of them may hold what was sent."""
        server = f"the transit server {self._settings.address}"
        try:
            yield
        except exceptions.VaultDown:
            message = f"{server} is sealed or in maintenance: unseal it, then try again"
            raise KekUnavailableError(message) from None
        except (exceptions.Forbidden, exceptions.Unauthorized):
            message = (
                f"{server} refuses our token: it has expired or lacks a right on "
                f"{self._settings.mount}/keys/{self._settings.key}. Renew it or give another"
            )
            raise KekUnavailableError(message) from None
        except exceptions.InvalidPath:
            message = f"{server} has no key {self._settings.mount}/keys/{self._settings.key}"
            raise UnknownKekError(message) from None
        except exceptions.InvalidRequest as error:
            raise _meaning(str(error)) from None
        except (exceptions.VaultError, requests.RequestException) as error:
            message = (
                f"{server} does not answer ({type(error).__name__}): see whether it runs and can "
                "be reached, then try again"
            )
            raise KekUnavailableError(message) from None
        except _NO_ANSWER:
            message = f"{server} answers like no transit engine: see whether the address is right"
            raise KekUnavailableError(message) from None

    def _wrapped(self, ciphertext: str) -> WrappedKey:
        form = _CIPHERTEXT.fullmatch(ciphertext)
        if form is None:
            raise ValueError
        return WrappedKey(f"{self._prefix}{form[1]}", ciphertext.encode("ascii"))

    def _refuse_foreign(self, key: WrappedKey) -> None:
        """The id beside a DEK must be what its ciphertext says, so that neither can be altered."""
        version = key.kek_id.removeprefix(self._prefix)
        if version == key.kek_id:
            raise UnknownKekError(_unknown(key.kek_id))
        if not key.wrapped.startswith(f"vault:v{version}:".encode()):
            message = f"a wrapped DEK is not of the KEK that it names, {key.kek_id}"
            raise TamperedSecretError(message)


def _meaning(text: str) -> VaultError:
    if "key not found" in text or "version" in text:
        return UnknownKekError("the transit server does not hold the KEK of a wrapped DEK")
    if "authentication failed" in text or "ciphertext" in text or "decrypt" in text:
        return TamperedSecretError("a wrapped DEK does not open for its keychain")
    return KekUnavailableError("the transit server refuses the request; see its log")


def _state(version: int, *, newest: int, oldest: int) -> KekState:
    if version < oldest:
        return KekState.DESTROYED
    return KekState.ACTIVE if version == newest else KekState.DECRYPT_ONLY


def _moment(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, tz=UTC) if isinstance(value, int) else None


def _context(keychain: str) -> str:
    return _base64(place(keychain=keychain, record="dek", field="transit"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _ascii(wrapped: bytes) -> str:
    return wrapped.decode("ascii", errors="replace")


def _unknown(kek_id: str) -> str:
    return f"KEK {kek_id} is not a version of the transit key that is configured"
