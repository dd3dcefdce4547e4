"""The keyring file: KEKs of the `local` provider, signing keys and the fingerprint key.

Format: one JSON object, mode 0600, written by temp file, fsync and rename.

    {"format": "latchkey-keyring", "version": 1,
     "keks":    [{"id": "local:…", "state": "active", "created_at": "…", "key": "<base64>"}, …],
     "signing": [{"id": "sign-…", "state": "active", "created_at": "…", "key": "<base64>"}, …],
     "fingerprint": "<base64, 32 bytes>",
     "checksum": "<hex SHA-256 of the rest as compact JSON with sorted keys>"}

A KEK is 32 random bytes, a signing key the 32-byte seed of an Ed25519 key. A destroyed one keeps
its line without a "key". The checksum finds damage, not forgery: who can write the file holds the
keys anyway.
"""

import base64
import binascii
import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keyvault.envelope import DEK_BYTES
from keyvault.errors import KeyringError
from keyvault.kek.provider import KekState

FORMAT = "latchkey-keyring"
VERSION = 1
MAX_BYTES = 1 << 20
# How the names of half-written files end; each holds keys.
PART = ".part"


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of the keyring.

    Attributes:
        id: its name in the database.
        state: where it is in its life.
        created_at: when it was made.
        key: 32 bytes; None once destroyed.
    """

    id: str
    state: KekState
    created_at: datetime
    key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The content of a keyring file.

    Attributes:
        keks: the KEKs, oldest first; exactly one is active.
        signing: Ed25519 seeds, oldest first; exactly one is active, older ones verify only.
        fingerprint: the HMAC key of fingerprints.
    """

    keks: tuple[RingKey, ...]
    signing: tuple[RingKey, ...]
    fingerprint: bytes = field(repr=False)


def active(keys: tuple[RingKey, ...]) -> RingKey:
    """The one active key; `load` has made sure that there is exactly one."""
    return next(key for key in keys if key.state is KekState.ACTIVE)


def new_key(*, prefix: str, state: KekState) -> RingKey:
    """A fresh random key whose id tells its date."""
    now = datetime.now(UTC).replace(microsecond=0)
    return RingKey(
        id=f"{prefix}{now:%Y%m%d}-{os.urandom(4).hex()}",
        state=state,
        created_at=now,
        key=os.urandom(DEK_BYTES),
    )


def load(path: Path) -> Keyring:
    """Reads a keyring and refuses anything doubtful.

    Args:
        path: the file.

    Returns:
        The keyring.

    Raises:
        KeyringError: missing, no plain file, open to group or others, too large, not JSON, of
            another format or version, damaged, or without exactly one active key. Nothing is
            written.
    """
    data = _parse(path, _read(path))
    try:
        ring = Keyring(
            keks=tuple(_key_from(row) for row in data["keks"]),
            signing=tuple(_key_from(row) for row in data["signing"]),
            fingerprint=_decode(data["fingerprint"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise _refusal(path, "a key in it is malformed; restore the file from its backup") from None
    for name, keys in (("KEK", ring.keks), ("signing key", ring.signing)):
        if sum(key.state is KekState.ACTIVE for key in keys) != 1:
            raise _refusal(path, f"it does not hold exactly one active {name}")
    return ring


def save(path: Path, ring: Keyring, *, exclusive: bool = False) -> None:
    """Writes a keyring so that a crash leaves the old one or the new one, never a part.

    Args:
        path: the file; its folder is made when missing (mode 0700).
        ring: what to write.
        exclusive: refuse when there is a file already, even one that was made this very moment.

    Raises:
        KeyringError: it exists and `exclusive` is set, or the disk refused.
    """
    body = _body(ring)
    text = json.dumps({**body, "checksum": _checksum(body)}, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, text.encode(), exclusive=exclusive)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise _refusal(path, "it exists already and is never overwritten") from None
        raise _refusal(path, f"it cannot be written: {error.strerror}") from error


def with_state(keys: tuple[RingKey, ...], *, key_id: str, state: KekState) -> tuple[RingKey, ...]:
    """The same keys with one of them in another state; a destroyed one loses its bytes."""
    return tuple(
        replace(key, state=state, key=None if state is KekState.DESTROYED else key.key)
        if key.id == key_id
        else key
        for key in keys
    )


def _read(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise _refusal(
            path,
            "there is none. Restore it from its backup; only for a new installation run: "
            "manage.py keyvault init",
        ) from None
    except OSError as error:
        raise _refusal(path, f"it cannot be read: {error.strerror}") from error
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise _refusal(path, "it is not a plain file")
        if mode & 0o077:
            why = f"others may read it (mode {stat.S_IMODE(mode):04o}). Run: chmod 600 {path}"
            raise _refusal(path, why)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(handle)


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise _refusal(path, "it is damaged or cut short; restore the file from its backup")
    if (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise _refusal(path, "it is not a Latchkey keyring of version 1")
    if data.pop("checksum", None) != _checksum(data):
        raise _refusal(path, "its checksum does not fit; restore the file from its backup")
    return data


def remove_parts(path: Path) -> None:
    """Removes what a writer that was killed left behind; call it where nobody else is writing."""
    for part in path.parent.glob(f".{path.name}.*{PART}"):
        part.unlink(missing_ok=True)


def _write(path: Path, content: bytes, *, exclusive: bool) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            os.link(temporary, path)
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _body(ring: Keyring) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "keks": [_row_of(key) for key in ring.keks],
        "signing": [_row_of(key) for key in ring.signing],
        "fingerprint": base64.b64encode(ring.fingerprint).decode(),
    }


def _row_of(key: RingKey) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": key.id,
        "state": key.state.value,
        "created_at": key.created_at.isoformat(),
    }
    if key.key is not None:
        row["key"] = base64.b64encode(key.key).decode()
    return row


def _key_from(row: dict[str, Any]) -> RingKey:
    state = KekState(row["state"])
    return RingKey(
        id=str(row["id"]),
        state=state,
        created_at=datetime.fromisoformat(row["created_at"]),
        key=None if state is KekState.DESTROYED else _decode(row["key"]),
    )


def _decode(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != DEK_BYTES:
        raise ValueError(len(key))
    return key


def _checksum(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _refusal(path: Path, why: str) -> KeyringError:
    return KeyringError(f"keyring {path}: {why}")
