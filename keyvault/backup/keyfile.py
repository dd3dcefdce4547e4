"""The key file: the wrapped DEKs of all keychains, apart from the database's backups.

JSON lines, mode 0600, replaced as a whole by each backup. A line is useless without the KEK, and
without its line a backup of the database is useless: so a keychain that is taken out here cannot be
read in any backup of the database, however old.

The first line tells how many keychains follow and their checksum (files of before have neither):

    {"format": "latchkey-key-file", "version": 1, "keychains": 2, "sha256": "<of the lines below>"}
    {"keychain": "<id>", "kek_id": "…", "wrapped": "<base64>", "seals": 3}
"""

import base64
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from keyvault.errors import VaultError
from keyvault.models import WrappedDek

PART = ".part"
# The columns of a wrapped DEK that stand in its line.
KEPT = ("keychain", "kek_id", "wrapped", "seals")
HEADER = {"format": "latchkey-key-file", "version": 1}


def write_keys(path: Path, deks: Iterable[WrappedDek]) -> int:
    """Replaces the key file; a crash leaves the old one or the new one.

    Args:
        path: the file.
        deks: read only once nobody else of this machine changes the file: what is shredded from
            then on is taken out of the new file, not of the one that it replaces.

    Returns:
        How many keychains it holds.
    """
    with _changing(path):
        lines = [_line(dek) for dek in deks]
        _replace(path, lines)
    return len(lines)


def read_keys(path: Path) -> list[dict[str, Any]]:
    """The lines of the key file.

    Raises:
        VaultError: it is missing, damaged, cut short, or something else.
    """
    try:
        first, _, rest = path.read_text().partition("\n")
        header, lines = json.loads(first), [json.loads(line) for line in rest.splitlines()]
        is_whole = header in (HEADER, _header_of(rest, keychains=len(lines)))
        is_whole = is_whole and all("keychain" in line for line in lines)
    except (OSError, ValueError, TypeError):
        is_whole = False
    if not is_whole:
        raise VaultError(_damaged(path))
    return lines


def read_rows(path: Path) -> list[WrappedDek]:
    """The table's rows that the key file holds.

    Raises:
        VaultError: see `read_keys`.
    """
    lines = read_keys(path)
    try:
        rows = {row.keychain_id: row for row in map(_row, lines)}
    except (ValueError, LookupError, TypeError, AttributeError):
        rows = {}
    if len(rows) != len(lines):
        raise VaultError(_damaged(path))
    return list(rows.values())


def _damaged(path: Path) -> str:
    return (
        f"key file {path}: it is missing, damaged, cut short or something else. "
        "Take a whole copy of it, or another backup"
    )


def take_out(path: Path, *, keychain: str) -> bool:
    """Takes one keychain (its id) out of the key file, if there is such a file.

    Returns:
        Whether it was in it.
    """
    if not path.parent.exists():
        return False
    with _changing(path):
        if not path.exists():
            return False
        lines = read_keys(path)
        kept = [line for line in lines if line["keychain"] != keychain]
        if len(kept) < len(lines):
            _replace(path, kept)
    return len(kept) < len(lines)


def _line(dek: WrappedDek) -> dict[str, Any]:
    return {
        "keychain": str(dek.keychain_id),
        "kek_id": dek.kek_id,
        "wrapped": base64.b64encode(bytes(dek.wrapped)).decode(),
        "seals": dek.seals,
    }


def _row(line: dict[str, Any]) -> WrappedDek:
    row = WrappedDek(
        keychain_id=UUID(line["keychain"]),
        kek_id=line["kek_id"],
        wrapped=base64.b64decode(line["wrapped"]),
        seals=line["seals"],
    )
    if not isinstance(line["kek_id"], str) or not 0 <= row.seals < 2**63:
        raise ValueError
    return row


def _header_of(rest: str, *, keychains: int) -> dict[str, Any]:
    digest = hashlib.sha256(rest.encode()).hexdigest()
    return {**HEADER, "keychains": keychains, "sha256": digest}


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Of a writer that was killed; what it holds would outlive a shredding.
        for part in path.parent.glob(f".{path.name}.*{PART}"):
            part.unlink()
        yield
    finally:
        os.close(handle)


def _replace(path: Path, lines: list[dict[str, Any]]) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            rest = "".join(json.dumps(line) + "\n" for line in lines)
            file.write(json.dumps(_header_of(rest, keychains=len(lines))) + "\n" + rest)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
