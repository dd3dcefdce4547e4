"""Restoring a backup into an empty database, and opening a secret of each keychain to be sure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from pydantic import BaseModel

from keyvault import vault
from keyvault.audit import SYSTEM
from keyvault.backup.keyfile import read_rows
from keyvault.backup.tables import backed_up_tables, columns_of, load_table, strays
from keyvault.backup.writing import digest_of
from keyvault.errors import VaultError
from keyvault.models import Credential, Keychain, WrappedDek
from keyvault.vault.altered import altered_rows, sound

MOST_NAMED = 5
# What comes of lines that are no rows of their table.
NO_ROWS = (DataError, IntegrityError, ProgrammingError, ValueError, LookupError, TypeError)
AUDIT_TABLES = ("keyvault_auditentry", "keyvault_auditcheckpoint")


class TableFile(BaseModel):
    """What the manifest tells of one table's file."""

    rows: int
    columns: list[str]
    sha256: str


class Manifest(BaseModel):
    """What a restore reads of `manifest.json`."""

    format: Literal["latchkey-backup"]
    version: Literal[1]
    engine: str
    tables: dict[str, TableFile]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        rows: rows of all tables.
        keychains: keychains with their DEK.
        without_key: keychains that the key file does not hold: shredded since, or made later.
        altered: keychains and credentials that cannot be read, each in a sentence.
    """

    rows: int
    keychains: int
    without_key: int
    altered: list[str]


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
    keys = read_rows(key_file)
    _refuse_full_database()
    call_command("migrate", verbosity=0, interactive=False)
    _refuse_other_release(manifest)
    with transaction.atomic():
        with _without_audit_triggers():
            _empty_tables()
            for name, table in manifest.tables.items():
                _load(name, folder / f"{name}.rows", columns=table.columns)
        if found := strays():
            raise VaultError(" ".join([*found[:MOST_NAMED], "Take another backup"]))
        known = set(sound(Keychain.objects.all(), "id").values_list("id", flat=True))
        WrappedDek.objects.bulk_create([row for row in keys if row.keychain_id in known])
        _reset_sequences()
    held = WrappedDek.objects.count()
    count = sum(table.rows for table in manifest.tables.values())
    altered = altered_rows(Keychain) + altered_rows(Credential)
    return Restored(rows=count, keychains=held, without_key=len(known) - held, altered=altered)


def read_manifest(folder: Path) -> Manifest:
    """Reads a backup's manifest and checks every file against it.

    Raises:
        VaultError: see `restore`.
        OSError: it is there and may not be read, which says nothing about the backup.
    """
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        message = f"{folder} is no whole backup: its manifest is missing or damaged"
        raise VaultError(message) from None
    if manifest.engine != connection.vendor:
        message = f"{folder} is a backup of {manifest.engine}, this database is another"
        raise VaultError(message)
    for name, table in manifest.tables.items():
        path = folder / f"{name}.rows"
        if not path.is_file() or digest_of(path) != table.sha256:
            message = f"{path} is missing or damaged: take another backup"
            raise VaultError(message)
    return manifest


def check_secrets(*, every: bool = False) -> Opened:
    """Opens one credential of each keychain that has a DEK, or at least unwraps the DEK.

    Args:
        every: open all of them; decoys are never opened, since that would alert staff.
    """
    result = Opened()
    whole = sound(Keychain.objects.all())
    for dek in WrappedDek.objects.filter(keychain__in=whole).order_by("keychain_id").iterator():
        sealed = list(
            sound(vault.openable_credentials(keychain_id=dek.keychain_id))
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


def _refuse_other_release(manifest: Manifest) -> None:
    known = {name: set(columns_of(name)) for name in backed_up_tables()}
    found = {name: set(table.columns) for name, table in manifest.tables.items()}
    differing = [name for name in {**known, **found} if known.get(name) != found.get(name)]
    if differing:
        message = f"the backup is of another release; it differs in {', '.join(sorted(differing))}"
        raise VaultError(message)


def _load(table: str, path: Path, *, columns: list[str]) -> None:
    try:
        load_table(table, path, columns=columns)
    except NO_ROWS:
        message = f"{path} holds something else than rows: take another backup"
        raise VaultError(message) from None


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
