"""The `local` KEK provider: KEKs in a keyring file beside the application.

The loaded keyring is kept per process and path. It is read anew when a DEK names a KEK that it does
not hold, and before a DEK is wrapped when the file has changed, so a rotation by another process is
followed without a restart.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyvault import envelope
from keyvault.errors import KekInUseError, KeyringError, UnknownKekError, VaultError
from keyvault.kek import keyring
from keyvault.kek.keyring import Keyring, RingKey
from keyvault.kek.provider import Kek, KekState, WrappedKey

PREFIX = "local:"

_rings: dict[Path, Keyring] = {}
_stamps: dict[Path, tuple[int, int]] = {}


def create_keyring(path: Path) -> Keyring:
    """Creates a keyring with one KEK, one signing key and the fingerprint key.

    Args:
        path: where; there must be no file yet.

    Returns:
        The new keyring.

    Raises:
        KeyringError: there is one already, or the disk refused.
    """
    ring = Keyring(
        keks=(keyring.new_key(prefix=PREFIX, state=KekState.ACTIVE),),
        signing=(keyring.new_key(prefix="sign-", state=KekState.ACTIVE),),
        fingerprint=os.urandom(envelope.DEK_BYTES),
    )
    keyring.save(path, ring, exclusive=True)
    return ring


def keyring_at(path: Path) -> Keyring:
    """The keyring of a path, read once per process.

    Raises:
        KeyringError: it cannot be used; see `keyring.load`.
    """
    ring = _rings.get(path)
    return reload_keyring(path) if ring is None else ring


def reload_keyring(path: Path) -> Keyring:
    """Reads the keyring of a path anew and keeps it.

    Raises:
        KeyringError: it cannot be used; what was read before is kept for whoever holds it.
    """
    stamp = _stamp(path)
    ring = _rings[path] = keyring.load(path)
    _stamps[path] = stamp
    return ring


# A KEK as a cipher, and what binds a DEK that it wraps to its keychain.
_Held = tuple[AESGCM, Callable[[str], bytes]]


class LocalProvider:
    """Wraps DEKs by AES-256-GCM under the KEKs of a keyring file; see `keyvault.envelope`."""

    name = "local"
    is_remote = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, _Held] = {}
        self._active_of: tuple[Keyring, str] | None = None

    def active_id(self) -> str:
        """The KEK that wraps now; the file is read anew when it has changed."""
        unchanged = _stamps.get(self._path) == _stamp(self._path)
        ring = keyring_at(self._path) if unchanged else reload_keyring(self._path)
        if self._active_of is None or self._active_of[0] is not ring:
            self._active_of = (ring, keyring.active(ring.keks).id)
        return self._active_of[1]

    def wrap(self, *, dek: bytes, keychain: str) -> WrappedKey:
        """Wraps a DEK under the active KEK; see `KekProvider.wrap`."""
        return self._wrap(dek, keychain=keychain, kek_id=self.active_id())

    def unwrap(self, *, key: WrappedKey, keychain: str) -> bytes:
        """Gives the DEK back; see `KekProvider.unwrap`."""
        cipher, place_of = self._held.get(key.kek_id) or self._hold(key.kek_id)
        return envelope.open_sealed(cipher=cipher, sealed=key.wrapped, place=place_of(keychain))

    def rewrap(self, keys: Sequence[tuple[str, WrappedKey]]) -> list[WrappedKey | VaultError]:
        """Moves DEKs under the active KEK; see `KekProvider.rewrap`."""
        moved: list[WrappedKey | VaultError] = []
        kek_id = self.active_id()
        for keychain, key in keys:
            try:
                dek = self.unwrap(key=key, keychain=keychain)
                moved.append(self._wrap(dek, keychain=keychain, kek_id=kek_id))
            except VaultError as error:
                moved.append(error)
        return moved

    def keks(self) -> list[Kek]:
        """Every KEK of the keyring, as its file stands now."""
        return [_public(key) for key in reload_keyring(self._path).keks]

    def rotate(self) -> Kek:
        """Adds a KEK, and makes it the active one by a second write.

        The first write leaves it "generating", so that a crash in between never leaves two active
        ones; a second run then starts over with another.
        """
        with _changing(self._path) as ring:
            fresh = keyring.new_key(prefix=PREFIX, state=KekState.GENERATING)
            kept = tuple(key for key in ring.keks if key.state is not KekState.GENERATING)
            keys = (*kept, fresh)
            keyring.save(self._path, replace(ring, keks=keys))
            before = keyring.active(keys).id
            keys = keyring.with_state(keys, key_id=before, state=KekState.DECRYPT_ONLY)
            keys = keyring.with_state(keys, key_id=fresh.id, state=KekState.ACTIVE)
            keyring.save(self._path, replace(ring, keks=keys))
        reload_keyring(self._path)
        return _public(keyring.active(keys))

    def destroy(self, *, kek_id: str) -> None:
        """Takes the bytes of a KEK out of the keyring for good; see `KekProvider.destroy`."""
        with _changing(self._path) as ring:
            key = next((key for key in ring.keks if key.id == kek_id), None)
            if key is None:
                raise UnknownKekError(_unknown(kek_id))
            if key.state is KekState.ACTIVE:
                message = f"KEK {kek_id} is the active one; rotate first"
                raise KekInUseError(message)
            keys = keyring.with_state(ring.keks, key_id=kek_id, state=KekState.DESTROYED)
            keyring.save(self._path, replace(ring, keks=keys))
        reload_keyring(self._path)
        self._held.pop(kek_id, None)

    def _wrap(self, dek: bytes, *, keychain: str, kek_id: str) -> WrappedKey:
        cipher, place_of = self._held.get(kek_id) or self._hold(kek_id)
        sealed = envelope.seal(cipher=cipher, plaintext=dek, place=place_of(keychain))
        return WrappedKey(kek_id, sealed)

    def _hold(self, kek_id: str) -> _Held:
        key = _bytes_of(keyring_at(self._path), kek_id)
        if key is None:
            key = _bytes_of(reload_keyring(self._path), kek_id)
        if key is None:
            raise UnknownKekError(_unknown(kek_id))
        place_of = envelope.places(record="dek", field=f"kek:{kek_id}")
        held = self._held[kek_id] = (AESGCM(key), place_of)
        return held


def _stamp(path: Path) -> tuple[int, int]:
    """Tells one version of the file from the next; a rename gives another inode."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_ino, status.st_mtime_ns)


def _bytes_of(ring: Keyring, kek_id: str) -> bytes | None:
    return next((key.key for key in ring.keks if key.id == kek_id), None)


def _public(key: RingKey) -> Kek:
    return Kek(id=key.id, state=key.state, created_at=key.created_at)


def _unknown(kek_id: str) -> str:
    return f"KEK {kek_id} is not in the keyring; restore the keyring file that holds it"


@contextmanager
def _changing(path: Path) -> Iterator[Keyring]:
    """The keyring, read fresh, while no other process of this machine changes it."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        message = f"keyring {path}: its folder cannot be written: {error.strerror}"
        raise KeyringError(message) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        keyring.remove_parts(path)
        yield keyring.load(path)
    finally:
        os.close(handle)
