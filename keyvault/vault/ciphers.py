"""DEKs at hand: unwrapped ones are kept for a while, and counted when they seal."""

import logging
import time
from collections.abc import Callable
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db.models import F

from keyvault.envelope import NONCES_MAX, NONCES_WARN
from keyvault.errors import (
    KeyExhaustedError,
    ShreddedKeychainError,
    TamperedSecretError,
    UnknownKekError,
)
from keyvault.kek.provider import WrappedKey
from keyvault.models import KekUse, WrappedDek
from keyvault.vault.custody import provider_of

logger = logging.getLogger(__name__)

CacheKey = tuple[str, str, bytes]


class _Kept:
    __slots__ = ("cipher", "until", "uses_left")

    def __init__(self, *, cipher: AESGCM, until: float, uses_left: int) -> None:
        self.cipher = cipher
        self.until = until
        self.uses_left = uses_left


class CipherCache:
    """Unwrapped DEKs of this process, bounded by count, age and uses.

    The key holds the wrapped bytes as the caller has just read them from the database. A DEK that
    was wrapped anew or shredded is therefore never found again, on any worker, whatever is kept.
    """

    def __init__(
        self,
        *,
        most: int = 4096,
        age_seconds: float = 300.0,
        uses: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._age_seconds = age_seconds
        self._uses = uses
        self._clock = clock
        self._kept: dict[CacheKey, _Kept] = {}

    def get(self, key: CacheKey) -> AESGCM | None:
        """The cipher, or None when it is not kept or has had its time."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.uses_left <= 0 or self._clock() >= kept.until:
            self._kept.pop(key, None)
            return None
        kept.uses_left -= 1
        return kept.cipher

    def put(self, key: CacheKey, cipher: AESGCM) -> None:
        """Keeps a cipher; the oldest makes room."""
        while len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)), None)
        until = self._clock() + self._age_seconds
        self._kept[key] = _Kept(cipher=cipher, until=until, uses_left=self._uses)

    def wipe(self) -> None:
        """Forgets every cipher."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


_ciphers = CipherCache()


def forget_ciphers() -> None:
    """Forgets every unwrapped DEK of this process; a rotation and a shredding do so."""
    _ciphers.wipe()


def cipher_of(*, keychain: str, kek_id: str, wrapped: bytes | memoryview) -> AESGCM:
    """The DEK of a keychain, unwrapped or from the cache.

    No query: the caller has read the wrapped DEK in the same statement as the record that it opens,
    which is what makes a shredding hold on every worker at once.

    Args:
        keychain: the keychain's id in 32 hex digits.
        kek_id: the KEK that wraps the DEK.
        wrapped: the wrapped DEK as read from the database.

    Raises:
        UnknownKekError: no provider holds that KEK.
        KekUnavailableError: its provider does not answer; try again later.
        TamperedSecretError: altered, or another keychain's.
    """
    if not isinstance(wrapped, bytes | memoryview):
        message = f"the wrapped DEK of keychain {keychain} is no bytes: it was altered"
        raise TamperedSecretError(message)
    key = (keychain, kek_id, bytes(wrapped))
    cipher = _ciphers.get(key)
    if cipher is None:
        dek = provider_of(kek_id).unwrap(key=WrappedKey(kek_id, key[2]), keychain=keychain)
        cipher = AESGCM(dek)
        _ciphers.put(key, cipher)
    return cipher


def unwrap_dek(dek: WrappedDek) -> None:
    """Makes sure that a DEK unwraps, without giving it away; for a restored backup.

    Raises:
        UnknownKekError, KekUnavailableError, TamperedSecretError: see `cipher_of`.
    """
    cipher_of(keychain=dek.keychain_id.hex, kek_id=dek.kek_id, wrapped=dek.wrapped)


def sealing_cipher_of(*, keychain_id: UUID) -> AESGCM:
    """The DEK of a keychain for one seal, which is counted in the caller's transaction.

    One UPDATE, which locks the keychain's DEK until the transaction ends, and one SELECT.

    Raises:
        ShreddedKeychainError: the keychain has no DEK any more.
        KeyExhaustedError: the DEK has sealed 2^32 records.
        UnknownKekError, KekUnavailableError, TamperedSecretError: see `cipher_of`.
    """
    mine = WrappedDek.objects.filter(keychain_id=keychain_id)
    counted = mine.filter(seals__lt=NONCES_MAX).update(seals=F("seals") + 1)
    row = mine.first()
    if row is None:
        raise ShreddedKeychainError(shredded(keychain_id))
    if not counted:
        message = f"the DEK of keychain {keychain_id} has sealed {row.seals} records"
        raise KeyExhaustedError(message)
    if row.seals >= NONCES_WARN:
        logger.warning("DEK nearly used up", extra={"keychain": str(keychain_id)})
    return cipher_of(keychain=keychain_id.hex, kek_id=row.kek_id, wrapped=row.wrapped)


def count_wraps(*, kek_id: str, wraps: int = 1) -> None:
    """Counts that a KEK wraps DEKs, in the transaction that stores them.

    One UPDATE, which locks the KEK's row until the transaction ends; the first use of a KEK inserts
    the row.

    Raises:
        UnknownKekError: the KEK is being destroyed; read the active one anew and wrap again.
        KeyExhaustedError: the KEK has wrapped 2^32 DEKs; rotate it.
    """
    mine = KekUse.objects.filter(kek_id=kek_id)
    usable = mine.filter(closed_at=None, wraps__lte=NONCES_MAX - wraps)
    if not usable.update(wraps=F("wraps") + wraps):
        KekUse.objects.bulk_create([KekUse(kek_id=kek_id)], ignore_conflicts=True)
        if not usable.update(wraps=F("wraps") + wraps):
            _refuse_kek(mine.defer("first_used_at").get())
    if mine.filter(wraps__gte=NONCES_WARN).exists():
        logger.warning("KEK nearly used up: rotate it", extra={"kek": kek_id})


def shredded(keychain_id: UUID) -> str:
    """What to say of a keychain that has lost its DEK."""
    return f"keychain {keychain_id} was shredded, or its key file was not restored"


def _refuse_kek(use: KekUse) -> None:
    if use.closed_at is not None:
        message = f"KEK {use.kek_id} is closed"
        raise UnknownKekError(message)
    message = f"KEK {use.kek_id} has wrapped {use.wraps} DEKs: rotate it"
    raise KeyExhaustedError(message)
