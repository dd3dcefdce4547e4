"""Restoring for real, by another process into a scratch database."""

import contextlib
import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils import timezone
from pytest_django import Settings

from keyvault import backup, vault
from keyvault.audit.sealer import seal_new_entries
from keyvault.backup.keyfile import read_keys, take_out
from keyvault.backup.restoring import Opened
from keyvault.kek.local import create_keyring
from keyvault.models import Alert, Credential, WrappedDek
from tests.keyvault import factories
from tests.keyvault.factories import OWNER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _as_installed(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    settings.KEYVAULT_KEY_FILE = tmp_path / "backup-keys.jsonl"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for label in ("Bakery A", "Bakery B"):
        factories.credential(of=factories.keychain(label))
    factories.keychain("Empty")
    seal_new_entries(timezone.now())
    call_command("keyvault", "backup", str(tmp_path / "backup"), stdout=io.StringIO())
    return tmp_path / "backup"


def _drill(folder: Path, *options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("keyvault", "restore-drill", str(folder), "--json", *options, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_whole_backup_passes_the_drill(written: Path) -> None:
    found = _drill(written, "--all")
    assert (found["opened"], found["empty"], found["failures"]) == (2, 1, {})
    assert found["untried"] == 0
    assert found["intact"] is True
    assert found["without_key"] == 0


def test_secrets_that_were_not_tried_are_counted() -> None:
    keychain = factories.keychain("Bakery")
    for _ in range(2):
        factories.credential(of=keychain)
    vault.plant_honeytoken(label="Decoy", actor=OWNER)
    assert backup.check_secrets() == Opened(opened=1, empty=1, untried=2)
    assert backup.check_secrets(every=True) == Opened(opened=1, empty=1, untried=1)
    last = Credential.objects.filter(keychain=keychain).order_by("id")[1]
    Credential.objects.filter(pk=last.pk).update(sealed=last.sealed[:-1])
    assert backup.check_secrets().failures == {}
    assert set(backup.check_secrets(every=True).failures) == {str(keychain.pk)}
    assert not Alert.objects.exists()


def test_a_text_in_place_of_a_dek_stops_neither_backup_nor_shredding(tmp_path: Path) -> None:
    keychain = factories.keychain("Bakery")
    as_text = {"sqlite": "'x'", "postgresql": "'x'::bytea"}[connection.vendor]
    WrappedDek.objects.filter(pk=keychain.id).update(wrapped=RawSQL(as_text, []))  # noqa: S611  # a constant
    is_text = connection.vendor == "sqlite"
    with pytest.raises(SystemExit) if is_text else contextlib.nullcontext():
        call_command("keyvault", "backup", str(tmp_path / "backup"), stdout=io.StringIO())
    assert (tmp_path / "backup").exists()
    receipt = backup.shred(keychain_id=keychain.id, now=timezone.now(), actor=OWNER)
    assert receipt.dek_fingerprint == ("" if is_text else sha256(b"x").hexdigest())


def test_a_store_shredded_since_stays_unreadable_in_the_old_backup(
    written: Path, settings: Settings
) -> None:
    keychain = read_keys(settings.KEYVAULT_KEY_FILE)[0]["keychain"]
    take_out(settings.KEYVAULT_KEY_FILE, keychain=keychain)
    found = _drill(written)
    assert (found["keychains"], found["without_key"]) == (2, 1)
    assert found["failures"] == {}


def test_without_its_keyring_a_backup_opens_nothing(
    written: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.KEYVAULT_KEYRING = tmp_path / "other-keyring.json"
    create_keyring(settings.KEYVAULT_KEYRING)
    with pytest.raises(SystemExit) as exit_code:
        _drill(written)
    assert exit_code.value.code == 1


def test_a_drill_that_cannot_begin_says_why(written: Path) -> None:
    (written / "manifest.json").unlink()
    with pytest.raises((CommandError, SystemExit)):
        _drill(written)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [("PORT", "1"), ("OPTIONS", {"options": "-c no_such_setting=1"})],
    ids=["another port", "as DATABASE_URL asks for"],
)
def test_a_drill_that_cannot_reach_its_server_as_we_do_says_so(
    written: Path, monkeypatch: pytest.MonkeyPatch, part: str, wrong: object
) -> None:
    monkeypatch.setitem(connection.settings_dict, part, wrong)
    if connection.vendor == "sqlite":
        assert _drill(written)["failures"] == {}  # needs no server
        return
    with pytest.raises(CommandError, match="no scratch database can be made"):
        _drill(written)
