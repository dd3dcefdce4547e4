"""`manage.py keyvault` on a database that is not there, not whole, or no database."""

import io
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import settings as installed
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from keyvault.kek.local import create_keyring
from tests.keyvault import factories

AS_INSTALLED = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": ""}
STORE = str(uuid.UUID(int=1))
VERBS = [
    ("status",),
    ("rotate",),
    ("rotate", "--key-only"),
    ("rewrap",),
    ("destroy", "local:none"),
    ("verify",),
    ("export-audit", STORE),
    ("shred", STORE, "--confirm", STORE),
    ("backup", "never-written"),
    ("honeytoken", "Decoy"),
]


@pytest.fixture
def half_migrated() -> None:
    last = MigrationRecorder.Migration.objects.filter(app="keyvault").order_by("name").last()
    assert last is not None
    last.delete()


@pytest.mark.django_db
@pytest.mark.usefixtures("half_migrated")
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_half_migrated_database_changes_nothing(verb: tuple[str, ...], own_keyring: Path) -> None:
    before = own_keyring.read_bytes()
    with pytest.raises(CommandError, match="lacks 1 migrations") as refusal:
        call_command("keyvault", *verb)
    assert refusal.value.returncode == 1
    assert "Run: manage.py migrate" in str(refusal.value)
    assert own_keyring.read_bytes() == before
    assert not Path("never-written").exists()


@pytest.mark.django_db
def test_restoring_migrates_no_database_that_is_not_empty(tmp_path: Path) -> None:
    factories.credential()
    arguments = (str(tmp_path / "backup"), "--key-file", str(tmp_path / "keys.jsonl"))
    call_command("keyvault", "backup", *arguments, stdout=io.StringIO())
    applied = MigrationRecorder.Migration.objects.filter(app="keyvault").order_by("name")
    names = list(applied.values_list("name", flat=True))[:-1]
    applied.exclude(name__in=names).delete()
    with pytest.raises(CommandError, match="not empty"):
        call_command("keyvault", "restore", *arguments)
    assert list(applied.values_list("name", flat=True)) == names


@pytest.mark.django_db
def test_a_backup_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="the disk refuses"):
        call_command(
            "keyvault", "backup", str(tmp_path / "b"), "--key-file", str(tmp_path / "file" / "k")
        )
    assert {path.name for path in tmp_path.iterdir()} == {"file", "keyring.json"}


def _run(*verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(installed.BASE_DIR / "manage.py"), "keyvault", *verb],
        env=os.environ | AS_INSTALLED | {"DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"no database"], ids=["absent", "garbage"])
def test_without_a_database_no_key_is_rotated(content: bytes | None, tmp_path: Path) -> None:
    folder, database = tmp_path / "data", tmp_path / "data" / "latchkey.sqlite3"
    create_keyring(folder / "keyring.json")
    before = (folder / "keyring.json").read_bytes()
    if content is not None:
        database.write_bytes(content * 500)
    done = _run("rotate", folder=folder)
    assert done.returncode == 1
    assert str(database) in done.stderr
    assert "manage.py migrate" in done.stderr
    assert (folder / "keyring.json").read_bytes() == before
    assert database.exists() == (content is not None)


@pytest.mark.slow
def test_no_second_keyring_is_made_while_the_database_cannot_tell(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "latchkey.sqlite3").write_bytes(b"no database" * 500)
    refused = _run("init", folder=folder)
    assert refused.returncode == 1
    assert "Only for a new installation" in refused.stderr
    assert not (folder / "keyring.json").exists()
    assert _run("init", "--without-database", folder=folder).returncode == 0
    assert (folder / "keyring.json").exists()


@pytest.mark.slow
def test_the_first_keyring_needs_no_database(tmp_path: Path) -> None:
    assert _run("init", folder=tmp_path / "new").returncode == 0
    assert not (tmp_path / "new" / "latchkey.sqlite3").exists()
