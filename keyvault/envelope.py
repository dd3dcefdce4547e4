"""Sealing bytes so that they open only where they stand. Wire format, version 1.

A sealed record:

    offset  bytes  what
    0       1      format version, 0x01
    1       1      algorithm, 0x01 = AES-256-GCM, 96-bit nonce, 128-bit tag (RFC 5116, 5.2)
    2       12     nonce, random for each seal
    14      n      ciphertext, as long as the plaintext
    14 + n  16     tag

It carries nothing about where it belongs. That is bound in as *associated data*, the ASCII text

    latchkey|v1|<keychain>|<record>|<field>|<version>

    keychain  32 lower-case hex digits: the id of the keychain whose DEK seals the record
    record    32 lower-case hex digits: the id of the row that holds it ("dek" for a wrapped DEK)
    field     what the value is: "credential", "draft", "kek:<KEK id>" for a wrapped DEK, …
    version   decimal: the row's version, raised whenever the value is replaced

so a record copied to another row, column, keychain or version does not open. No part may hold "|".

A wrapped DEK of the `local` KEK provider has the same format with 32 bytes of plaintext, 62 in all;
other providers keep what their service returned.

Worked example, with the DEK 00 01 … 1f and the nonce a0 a1 … ab (never choose one yourself):

    plaintext        "hello"
    associated data  latchkey|v1|00000000000000000000000000000001|
                     00000000000000000000000000000002|credential|1      (one line)
    sealed           01 01 a0a1a2a3a4a5a6a7a8a9aaab 8e7d10412a 7cc0747695323bb96f64877cded66725

tests/keyvault/test_envelope.py holds the example and golden files of each release.

One DEK may seal 2^32 records (random 96-bit nonces: NIST SP 800-38D, 8.3). `keyvault.vault` counts
them, warns at `NONCES_WARN` and refuses at `NONCES_MAX`.
"""

import os
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyvault.errors import TamperedSecretError, UnsupportedFormatError

VERSION: Final = 1
AES_256_GCM: Final = 1
DEK_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = 2 + NONCE_BYTES + TAG_BYTES
NONCES_WARN: Final = 2**28
NONCES_MAX: Final = 2**32

_HEADER: Final = bytes((VERSION, AES_256_GCM))
_BODY: Final = 2 + NONCE_BYTES
_BAR: Final = "a part of a place may not hold '|'"


def new_dek() -> bytes:
    """A fresh data key of 32 random bytes."""
    return os.urandom(DEK_BYTES)


def place(*, keychain: str, record: str, field: str, version: int = 1) -> bytes:
    """The associated data that binds a sealed record to where it stands.

    Args:
        keychain: the keychain's id, 32 hex digits (`uuid.hex`).
        record: the row's id, 32 hex digits, or a fixed word.
        field: what the value is.
        version: the row's version.

    Returns:
        `latchkey|v1|keychain|record|field|version` in ASCII.

    Raises:
        ValueError: a part holds "|" or is not ASCII, so that two places could look alike.
    """
    text = f"latchkey|v1|{keychain}|{record}|{field}|{version}"
    if text.count("|") != 5:  # noqa: PLR2004  # the format's own separators
        raise ValueError(_BAR)
    return text.encode("ascii")


def places(*, record: str, field: str) -> Callable[[str], bytes]:
    """`place` for keychains without number that differ in nothing else.

    Returns:
        A function of the keychain, in a third of the time.
    """
    head, _, tail = place(keychain="", record=record, field=field).partition(b"||")

    def of(keychain: str) -> bytes:
        if "|" in keychain:
            raise ValueError(_BAR)
        return b"%b|%b|%b" % (head, keychain.encode("ascii"), tail)

    return of


def seal(*, cipher: AESGCM, plaintext: bytes, place: bytes) -> bytes:
    """Seals a plaintext under a DEK, bound to its place.

    Args:
        cipher: the DEK as an AESGCM object; the caller counts its seals.
        plaintext: any bytes, the empty string included.
        place: see `place`.

    Returns:
        The sealed record, `OVERHEAD_BYTES` longer than the plaintext.
    """
    nonce = os.urandom(NONCE_BYTES)
    return _HEADER + nonce + cipher.encrypt(nonce, plaintext, place)


def open_sealed(*, cipher: AESGCM, sealed: bytes | memoryview, place: bytes) -> bytes:
    """Opens a sealed record where it stands.

    Args:
        cipher: the DEK as an AESGCM object.
        sealed: version, algorithm, 12-byte nonce, ciphertext, 16-byte tag.
        place: the same as when it was sealed.

    Returns:
        The plaintext; never a part of it, never the ciphertext.

    Raises:
        UnsupportedFormatError: unknown version or algorithm byte; a newer release wrote it, or it
            was altered.
        TamperedSecretError: altered, cut short, or moved from elsewhere: alert, do not retry.
    """
    if sealed[:2] != _HEADER:
        _refuse_header(sealed)
    try:
        return cipher.decrypt(sealed[2:_BODY], sealed[_BODY:], place)
    except (InvalidTag, ValueError):
        raise TamperedSecretError(_describe(place)) from None


def _refuse_header(sealed: bytes | memoryview) -> None:
    if len(sealed) < OVERHEAD_BYTES:
        message = "a sealed record is cut short"
        raise TamperedSecretError(message)
    message = f"unknown format: version {sealed[0]}, algorithm {sealed[1]}"
    raise UnsupportedFormatError(message)


def _describe(place: bytes) -> str:
    """Names the record: a place holds ids only."""
    return f"a sealed record does not open in its place: {place.decode('ascii')}"
