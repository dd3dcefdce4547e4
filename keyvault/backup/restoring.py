"""Restoring a backup into an empty database, and opening a secret of each keychain to be sure."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction

from keyvault import vault
from keyvault.audit import SYSTEM
from keyvault.backup.keyfile import as_row, read_keys
from keyvault.backup.tables import backed_up_tables, load_table
from keyvault.backup.writing import FORMAT, VERSION, digest_of
from keyvault.errors import VaultError
from keyvault.models import Credential, Keychain, WrappedDek

AUDIT_TABLES = ("keyvault_auditentry", "keyvault_auditcheckpoint")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        rows: rows of all tables.
        keychains: keychains with their DEK.
        without_key: keychains that the key file does not hold: shredded since, or made later.
    """

    rows: int
    keychains: int
    without_key: int


@dataclass(slots=True)
class Opened:
    """Whether secrets open.

    Attributes:
        opened: keychains of which one credential opened.
        empty: keychains that hold nothing to open; their DEK was unwrapped.
        untried: credentials that were not opened: all but one of each keychain, decoys, and what
            follows a failure.
        failures: keychain ids, and why theirs did not open.
    """

    opened: int = 0
    empty: int = 0
    untried: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def restore(*, folder: Path, key_file: Path) -> Restored:
    """Restores a backup into an empty database, whose tables it makes.

    Everything is checked before anything is written, and written in one transaction.

    Args:
        folder: as `write_backup` made it.
        key_file: the newest one; keychains that it does not hold stay unreadable.

    Returns:
        What was restored.

    Raises:
        VaultError: the backup is half-written or damaged, of another database engine or release, or
            the database is not empty. Nothing was written.
    """
    manifest = read_manifest(folder)
    keys = read_keys(key_file)
    _refuse_full_database()
    call_command("migrate", verbosity=0, interactive=False)
    missing = set(manifest["tables"]) ^ set(backed_up_tables())
    if missing:
        message = f"the backup is of another release; it differs in {', '.join(sorted(missing))}"
        raise VaultError(message)
    with transaction.atomic(), _without_audit_triggers():
        _empty_tables()
        for table, facts in manifest["tables"].items():
            load_table(table, folder / f"{table}.rows", columns=facts["columns"])
    with transaction.atomic():
        known = set(Keychain.objects.values_list("id", flat=True))
        rows = [as_row(line) for line in keys]
        WrappedDek.objects.bulk_create([row for row in rows if row.keychain_id in known])
        _reset_sequences()
    held = WrappedDek.objects.count()
    count = sum(int(table["rows"]) for table in manifest["tables"].values())
    return Restored(rows=count, keychains=held, without_key=len(known) - held)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads a backup's manifest and checks every file against it.

    Raises:
        VaultError: see `restore`.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        is_ours = (manifest["format"], manifest["version"]) == (FORMAT, VERSION)
    except (OSError, ValueError, LookupError, TypeError):
        is_ours = False
    if not is_ours:
        message = f"{folder} is no whole backup: its manifest is missing or damaged"
        raise VaultError(message)
    if manifest["engine"] != connection.vendor:
        message = f"{folder} is a backup of {manifest['engine']}, this database is another"
        raise VaultError(message)
    for table, facts in manifest["tables"].items():
        path = folder / f"{table}.rows"
        if not path.is_file() or digest_of(path) != facts["sha256"]:
            message = f"{path} is missing or damaged: take another backup"
            raise VaultError(message)
    return manifest


def check_secrets(*, every: bool = False) -> Opened:
    """Opens one credential of each keychain that has a DEK, or at least unwraps the DEK.

    Args:
        every: open all of them; decoys are never opened, since that would alert staff.
    """
    result = Opened()
    for dek in WrappedDek.objects.order_by("keychain_id").iterator():
        sealed = list(
            vault.openable_credentials(keychain_id=dek.keychain_id)
            .exclude(state=Credential.State.REVOKED)
            .order_by("is_honeytoken", "id")
        )
        wanted = [credential for credential in sealed if not credential.is_honeytoken]
        result.untried += len(sealed)
        try:
            vault.unwrap_dek(dek)
            for credential in wanted if every else wanted[:1]:
                vault.open_credential(credential=credential, actor=SYSTEM)
                result.untried -= 1
        except VaultError as error:
            result.failures[str(dek.keychain_id)] = str(error)
        else:
            result.opened += bool(wanted)
            result.empty += not wanted
    return result


def _refuse_full_database() -> None:
    tables = connection.introspection.table_names()
    if Keychain._meta.db_table in tables and Keychain.objects.exists():  # noqa: SLF001  # Django's documented model API
        message = "the database is not empty: restore into a new one"
        raise VaultError(message)


class _without_audit_triggers:  # noqa: N801  # used like a function
    """The record is put back as it was; its triggers would refuse or repeat that."""

    def __enter__(self) -> None:
        self._saved: list[str] = []
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                for table in AUDIT_TABLES:
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                return
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                " AND tbl_name IN ('keyvault_auditentry', 'keyvault_auditcheckpoint')"
            )
            for name, sql in cursor.fetchall():
                self._saved.append(sql)
                cursor.execute(f"DROP TRIGGER {name}")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return  # the transaction takes it all back
        with connection.cursor() as cursor:
            for sql in self._saved:
                cursor.execute(sql)
            if connection.vendor == "postgresql":
                for table in AUDIT_TABLES:
                    cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _empty_tables() -> None:
    """What `migrate` itself put in: content types, permissions, first rows of ours."""
    with connection.cursor() as cursor:
        for table in backed_up_tables():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608  # our own tables


def _reset_sequences() -> None:
    models = list(apps.get_models(include_auto_created=True))
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(sql)
