"""Writing a backup: one state of every table but the wrapped DEKs, and those into the key file."""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection

from keyvault import audit
from keyvault.audit import Action, Actor, checkpoints
from keyvault.audit.checkpoints import GENESIS, Tip
from keyvault.audit.mistyped import first_mistyped
from keyvault.audit.snapshot import snapshot
from keyvault.backup.keyfile import KEPT, write_keys
from keyvault.backup.tables import backed_up_tables, columns_of, dump_table, strays
from keyvault.errors import VaultError
from keyvault.models import Credential, Keychain, WrappedDek
from keyvault.vault.altered import altered_rows, sound

FORMAT = "latchkey-backup"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Written:
    """What a backup holds.

    Attributes:
        folder: where it is.
        tables: how many tables.
        rows: how many rows they have together.
        keychains: how many wrapped DEKs went to the key file.
        checkpoint: the last checkpoint in it; 0 when that cannot be told.
        altered: what could not be read, each in a sentence; wrapped DEKs among it are left out.
    """

    folder: str
    tables: int
    rows: int
    keychains: int
    checkpoint: int
    altered: list[str]


def write_backup(*, folder: Path, key_file: Path, now: datetime, actor: Actor) -> Written:
    """Writes a backup beside live traffic, and replaces the key file. Records `backup.written`.

    The folder appears under its name only when it is whole and on the disk.

    Args:
        folder: must not exist.
        key_file: kept apart from the folder; replaced.
        now: the present time.
        actor: who asked for it.

    Returns:
        What was written.

    Raises:
        VaultError: the folder exists; or the backup is whole, but the record could not tell of it.
        OSError: the disk refused; nothing stands under the folder's name, the key file is as it
            was or new.
    """
    _refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two at a time into one folder would mix their files.
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        manifest = _dump_all(part, now=now)
        # After the snapshot, which still sees what was shredded meanwhile.
        deks = sound(WrappedDek.objects.only(*KEPT).order_by("pk"), *KEPT)
        keychains = write_keys(key_file, deks)
        _sync(part)
        _refuse_existing(folder)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    tables = manifest["tables"]
    rows = sum(int(table["rows"]) for table in tables.values())
    last, altered = manifest["checkpoint"]["id"], manifest["altered"]
    written = Written(str(folder), len(tables), rows, keychains, last, altered)
    _record(written, key_file=key_file, actor=actor)
    return written


def _record(written: Written, *, key_file: Path, actor: Actor) -> None:
    facts = asdict(written) | {"altered": len(written.altered)}
    del facts["folder"]
    try:
        audit.record(action=Action.BACKUP_WRITTEN, actor=actor, facts=facts)
    except DatabaseError as error:
        message = (
            f"{written.folder} and key file {key_file} are whole, keep them; but the database took "
            f"no entry about it ({error}). Look whether it may be written, or its disk is full"
        )
        raise VaultError(message) from error


def _refuse_existing(folder: Path) -> None:
    if folder.exists():
        message = f"{folder} exists already"
        raise VaultError(message)


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump_all(folder: Path, *, now: datetime) -> dict[str, Any]:
    """Writes one state of all tables, and the manifest of them."""
    with snapshot():
        tables = {table: _dump(table, folder) for table in backed_up_tables()}
        altered = _altered()
        tip = Tip(0, GENESIS) if first_mistyped() else checkpoints.tip()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "engine": connection.vendor,
        "created_at": now.isoformat(),
        "checkpoint": {"id": tip.id, "hash": tip.digest.hex()},
        "altered": altered,
        "tables": tables,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return manifest


def _altered() -> list[str]:
    """What a restore would stumble over; the backup is written all the same."""
    found = altered_rows(WrappedDek, *KEPT) + altered_rows(Keychain) + altered_rows(Credential)
    if mistyped := first_mistyped():
        found.append(f"{mistyped.message}. Run: manage.py keyvault verify")
    return found + strays()


def _dump(table: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{table}.rows"
    columns = columns_of(table)
    rows = dump_table(table, path, columns=columns)
    return {"rows": rows, "columns": columns, "sha256": digest_of(path)}


def _sync(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
