"""Writing a backup: one state of every table but the wrapped DEKs, and those into the key file."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from keyvault import audit
from keyvault.audit import Action, Actor, checkpoints
from keyvault.audit.snapshot import snapshot
from keyvault.backup.keyfile import write_keys
from keyvault.backup.tables import backed_up_tables, columns_of, dump_table
from keyvault.errors import VaultError
from keyvault.models import WrappedDek

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
        checkpoint: the last checkpoint in it.
    """

    folder: str
    tables: int
    rows: int
    keychains: int
    checkpoint: int


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
        VaultError: the folder exists.
        OSError: the disk refused; nothing stands under the folder's name, the key file is as it
            was or new.
    """
    if folder.exists():
        message = f"{folder} exists already"
        raise VaultError(message)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    try:
        manifest = _dump_all(part, now=now)
        # After the snapshot, which still sees what was shredded meanwhile.
        keychains = write_keys(key_file, WrappedDek.objects.order_by("keychain_id"))
        _sync(part)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    tables = manifest["tables"]
    rows = sum(int(table["rows"]) for table in tables.values())
    written = Written(str(folder), len(tables), rows, keychains, manifest["checkpoint"]["id"])
    audit.record(
        action=Action.BACKUP_WRITTEN,
        actor=actor,
        facts={name: value for name, value in asdict(written).items() if name != "folder"},
    )
    return written


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump_all(folder: Path, *, now: datetime) -> dict[str, Any]:
    """Writes one state of all tables, and the manifest of them."""
    with snapshot():
        tables = {table: _dump(table, folder) for table in backed_up_tables()}
        tip = checkpoints.tip()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "engine": connection.vendor,
        "created_at": now.isoformat(),
        "checkpoint": {"id": tip.id, "hash": tip.digest.hex()},
        "tables": tables,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return manifest


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
