"""Backups whose manifest fits their files, and which cannot be restored all the same."""

import io
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from keyvault import backup
from keyvault.backup.keyfile import read_rows
from keyvault.backup.restoring import read_manifest
from keyvault.backup.tables import columns_of, dump_table
from keyvault.errors import VaultError
from keyvault.models import Keychain
from tests.keyvault import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A backup, and no store any more in the database that it is restored into."""
    factories.credential(of=factories.keychain("Bakery"))
    keys = ("--key-file", str(tmp_path / "keys"))
    call_command("keyvault", "backup", str(tmp_path / "backup"), *keys, stdout=io.StringIO())
    with connection.cursor() as cursor:
        for table in ("credential", "wrappeddek", "keychain"):
            cursor.execute(f"DELETE FROM keyvault_{table}")  # noqa: S608  # constants
    return tmp_path / "backup"


def _rewrite(folder: Path, table: str, change: Callable[[bytes], bytes]) -> None:
    """Changes a table's file and its checksum."""
    path, manifest = folder / f"{table}.rows", folder / "manifest.json"
    path.write_bytes(change(path.read_bytes()))
    told = json.loads(manifest.read_text())
    told["tables"][table]["sha256"] = sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(told))


def _restore(folder: Path) -> None:
    backup.restore(folder=folder, key_file=folder.parent / "keys")


def test_a_backup_of_other_columns_is_refused(written: Path) -> None:
    told = json.loads((written / "manifest.json").read_text())
    told["tables"]["keyvault_keychain"]["columns"].append("colour")
    (written / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(VaultError, match="another release; it differs in keyvault_keychain"):
        _restore(written)


@pytest.mark.parametrize("content", [b"7\n", b"no json\n", b"{}\n", b'[{"byte": 1}]\n'])
def test_a_file_of_something_else_than_rows_is_refused(content: bytes, written: Path) -> None:
    if connection.vendor == "sqlite":
        _rewrite(written, "keyvault_keychain", lambda _: content)
        with pytest.raises(VaultError, match="something else than rows"):
            _restore(written)
        assert not Keychain.objects.exists()


def test_a_backup_whose_rows_belong_to_nothing_is_refused(written: Path) -> None:
    if connection.vendor == "sqlite":
        _rewrite(written, "keyvault_keychain", lambda _: b"")
        with pytest.raises(VaultError, match="Row 1 of keyvault_credential belongs to no row"):
            _restore(written)


MANIFESTS = {
    "number": "7",
    "empty": "{}",
    "tables": '{"format": "latchkey-backup", "version": 1, "engine": "x", "tables": 7}',
    "table": '{"format": "latchkey-backup", "version": 1, "engine": "x", "tables": {"a": 7}}',
    "bytes": "\x00",
}


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_of_nonsense_is_refused(content: str, written: Path) -> None:
    (written / "manifest.json").write_text(content)
    with pytest.raises(VaultError, match="manifest is missing or damaged"):
        read_manifest(written)


LINES = [
    '{"keychain": "x", "kek_id": "local:a", "wrapped": "", "seals": 1}',
    '{"keychain": 7, "kek_id": "local:a", "wrapped": "", "seals": 1}',
    '{"keychain": "%s", "kek_id": 7, "wrapped": "", "seals": 1}',
    '{"keychain": "%s", "kek_id": "local:a", "wrapped": "a", "seals": 1}',
    '{"keychain": "%s", "kek_id": "local:a", "wrapped": "", "seals": "1"}',
    '{"keychain": "%s", "kek_id": "local:a", "wrapped": "", "seals": 99999999999999999999}',
    '{"keychain": "%s"}',
    "7",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_nonsense_in_a_key_file_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    header = '{"format": "latchkey-key-file", "version": 1}'
    path.write_text(f"{header}\n{line.replace('%s', '0' * 32)}\n")
    with pytest.raises(VaultError, match="key file"):
        read_rows(path)


def test_a_key_file_that_names_a_keychain_twice_is_refused(tmp_path: Path) -> None:
    line = json.dumps(
        {"keychain": "0" * 32, "kek_id": "local:a", "wrapped": "", "seals": 1}, sort_keys=True
    )
    header = '{"format": "latchkey-key-file", "version": 1}'
    (tmp_path / "keys").write_text(f"{header}\n{line}\n{line}\n")
    with pytest.raises(VaultError, match="key file"):
        read_rows(tmp_path / "keys")


def test_a_restore_that_ends_at_the_keys_leaves_nothing(written: Path) -> None:
    def fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if 'INSERT INTO "keyvault_wrappeddek"' in sql:
            message = "the disk is full"
            raise OSError(message)
        return execute(sql, *rest)

    with connection.execute_wrapper(fail), pytest.raises(OSError, match="disk"):
        _restore(written)
    assert not Keychain.objects.exists()


@pytest.mark.parametrize("column", ["created_at", "label"])
def test_a_keychain_that_is_altered_elsewhere_keeps_its_key(column: str, written: Path) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            row = json.loads((written / "keyvault_keychain.rows").read_text())
            at = columns_of("keyvault_keychain").index(column)
            row[at] = {"bytes": "/w=="}
            _rewrite(written, "keyvault_keychain", lambda _: json.dumps(row).encode() + b"\n")
            restored = backup.restore(folder=written, key_file=written.parent / "keys")
            assert (restored.keychains, restored.without_key) == (1, 0)
            assert [f"was altered: {column}" in told for told in restored.altered] == [True]
            cursor.execute(
                "UPDATE keyvault_keychain SET label = 'x', created_at = '2026-11-22 04:00:00'"
            )
            assert backup.check_secrets().opened == 1


def test_a_row_is_backed_up_as_it_stands(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        return
    factories.keychain("Bakery")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE keyvault_keychain SET label = CAST(x'ff' AS TEXT), kind = 1.5,"
            " shredded_at = 'at noon'"
        )
    dump_table("keyvault_keychain", tmp_path / "rows", columns=columns_of("keyvault_keychain"))
    row = json.loads((tmp_path / "rows").read_text())
    kept = dict(zip(columns_of("keyvault_keychain"), row, strict=True))
    assert kept["label"] == {"bytes": "/w=="}
    assert (kept["kind"], kept["shredded_at"]) == ("1.5", "at noon")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE keyvault_keychain SET label = 'é', shredded_at = NULL")
    assert Keychain.objects.get().label == "é"
