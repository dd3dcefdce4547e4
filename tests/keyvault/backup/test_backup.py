"""Backups, the drill, and shredding that reaches old backups."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from keyvault import backup, vault
from keyvault.audit.sealer import file_sink, seal_new_entries
from keyvault.audit.verification import verify
from keyvault.backup.keyfile import read_keys, take_out, write_keys
from keyvault.backup.restoring import read_manifest
from keyvault.errors import ShreddedKeychainError, StateError, UnknownRecordError, VaultError
from keyvault.models import AuditEntry, Credential, Draft, Grant, Keychain, WrappedDek
from tests.keyvault import factories
from tests.keyvault.factories import OWNER

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key_file(settings: Settings, tmp_path: Path) -> Path:
    settings.KEYVAULT_KEY_FILE = tmp_path / "keys" / "backup-keys.jsonl"
    return Path(settings.KEYVAULT_KEY_FILE)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A backup of two stores, one of them with a secret that is known."""
    factories.credential(of=factories.keychain("Bakery A"))
    factories.credential(of=factories.keychain("Bakery B"))
    seal_new_entries(timezone.now())
    call_command("keyvault", "backup", str(tmp_path / "backup"), stdout=io.StringIO())
    return tmp_path / "backup"


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keyvault", *arguments, stdout=out)
    return out.getvalue()


def test_the_backup_holds_no_wrapped_dek_and_the_key_file_all(
    written: Path, key_file: Path
) -> None:
    names = {path.name for path in written.iterdir()}
    assert "keyvault_credential.rows" in names
    assert "keyvault_wrappeddek.rows" not in names
    everything = b"".join(path.read_bytes() for path in written.iterdir())
    for dek in WrappedDek.objects.all():
        assert bytes(dek.wrapped) not in everything
        assert bytes(dek.wrapped).hex().encode() not in everything
    assert len(read_keys(key_file)) == 2
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_neither_holds_a_kek(written: Path, key_file: Path, settings: Settings) -> None:
    ring = json.loads(Path(settings.KEYVAULT_KEYRING).read_text())
    texts = key_file.read_text() + "".join(
        path.read_text(errors="replace") for path in written.iterdir()
    )
    for key in [*ring["keks"], *ring["signing"]]:
        assert key["key"] not in texts
    assert ring["fingerprint"] not in texts


def test_a_backup_never_overwrites_another(written: Path) -> None:
    with pytest.raises(CommandError, match="exists already"):
        _run("backup", str(written))


def test_two_backups_into_one_folder_leave_the_first_whole(tmp_path: Path, key_file: Path) -> None:
    folder, first = tmp_path / "backup", []

    def write_another(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not first and list(tmp_path.glob(".backup.*.part")):
            first.append(True)
            _run("backup", str(folder))
        return execute(sql, *rest)

    with connection.execute_wrapper(write_another), pytest.raises(CommandError, match="exists"):
        _run("backup", str(folder))
    read_manifest(folder)
    assert not list(tmp_path.glob(".*.part"))


def test_a_backup_is_recorded(written: Path) -> None:
    assert AuditEntry.objects.get(action="backup.written").facts["keychains"] == 2


def test_a_backup_that_the_record_could_not_tell_of_says_that_it_is_whole(
    tmp_path: Path, key_file: Path
) -> None:
    def read_only(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("INSERT"):
            message = "read-only"
            raise OperationalError(message)
        return execute(sql, *rest)

    factories.credential(of=factories.keychain("Bakery A"))
    with (
        connection.execute_wrapper(read_only),
        pytest.raises(CommandError, match="are whole, keep them") as refusal,
        transaction.atomic(),
    ):
        _run("backup", str(tmp_path / "backup"))
    assert refusal.value.returncode == 1
    assert read_manifest(tmp_path / "backup").tables["keyvault_credential"].rows == 1
    assert len(read_keys(key_file)) == 1
    assert not AuditEntry.objects.filter(action="backup.written").exists()


def test_a_shredded_store_opens_nothing_any_more_and_the_rest_does(
    written: Path, key_file: Path
) -> None:
    gone, kept = Credential.objects.order_by("keychain__label")
    printed = _run("shred", "Bakery A", "--confirm", "Bakery A")
    assert "taken out" in printed
    assert "7 days" in printed
    assert [line["keychain"] for line in read_keys(key_file)] == [str(kept.keychain_id)]
    row = vault.openable_credentials(keychain_id=gone.keychain_id).get()
    with pytest.raises(ShreddedKeychainError):
        vault.open_credential(credential=row, actor=OWNER)
    assert bytes(row.sealed) == b""
    row = vault.openable_credentials(keychain_id=kept.keychain_id).get()
    vault.open_credential(credential=row, actor=OWNER)


def test_shredding_leaves_no_ciphertext_of_drafts_and_grants() -> None:
    credential = factories.credential(of=factories.keychain("Bakery A"))
    vault.seal_draft(
        keychain_id=credential.keychain_id, secret=factories.api_key(), ttl_seconds=60, actor=OWNER
    )
    Grant.objects.create(
        credential=credential,
        sealed_refresh=b"sealed",
        access_expires_at=timezone.now(),
        renewed_at=timezone.now(),
    )
    _run("shred", "Bakery A", "--confirm", "Bakery A")
    assert not Draft.objects.exists()
    grant = Grant.objects.get()
    assert (bytes(grant.sealed_refresh), grant.state) == (b"", Grant.State.ENDED)


def test_the_record_still_verifies_after_a_shredding(written: Path) -> None:
    _run("shred", "Bakery A", "--confirm", "Bakery A")
    seal_new_entries(timezone.now())
    assert verify(anchor=file_sink().last()).is_intact
    assert AuditEntry.objects.filter(action="keychain.shredded").count() == 1


@pytest.mark.parametrize("typed", ["", "Bakery B", "bakery a"])
def test_without_the_typed_name_nothing_is_shredded(written: Path, typed: str) -> None:
    with pytest.raises(CommandError, match="nothing was destroyed"):
        _run("shred", "Bakery A", "--confirm", typed)
    assert WrappedDek.objects.count() == 2


def test_nothing_is_shredded_twice(written: Path) -> None:
    _run("shred", "Bakery A", "--confirm", "Bakery A")
    with pytest.raises(CommandError, match="was shredded at"):
        _run("shred", "Bakery A", "--confirm", "Bakery A")


def test_shredding_a_stranger_finds_nothing() -> None:
    stranger = Keychain().id
    with pytest.raises(UnknownRecordError):
        backup.shred(keychain_id=stranger, now=timezone.now(), actor=OWNER)


def test_what_is_shredded_while_a_key_file_is_written_is_not_in_it(
    written: Path, key_file: Path
) -> None:
    deks = list(WrappedDek.objects.order_by("keychain_id"))
    gone = str(deks[0].keychain_id)
    shredding = threading.Thread(target=take_out, args=(key_file,), kwargs={"keychain": gone})

    def read_meanwhile() -> Iterator[WrappedDek]:
        yield from deks
        shredding.start()
        shredding.join(timeout=0.2)

    write_keys(key_file, read_meanwhile())
    shredding.join()
    assert [line["keychain"] for line in read_keys(key_file)] == [str(deks[1].keychain_id)]


def test_a_shredding_that_was_killed_is_finished_by_the_next(written: Path, key_file: Path) -> None:
    before = key_file.read_bytes()
    keychain = str(WrappedDek.objects.order_by("keychain_id")[0].keychain_id)
    _run("shred", keychain, "--confirm", Keychain.objects.get(pk=keychain).label)
    key_file.write_bytes(before)
    with pytest.raises(CommandError, match="taken out now"):
        _run("shred", keychain, "--confirm", Keychain.objects.get(pk=keychain).label)
    assert keychain not in key_file.read_text()
    with pytest.raises(CommandError, match=r"was shredded at [^;]*$"):
        _run("shred", keychain, "--confirm", Keychain.objects.get(pk=keychain).label)


def test_a_shredding_that_cannot_reach_the_key_file_says_what_is_left_to_do(
    written: Path, key_file: Path
) -> None:
    whole = key_file.read_text()
    key_file.write_text("damaged")
    keychain = str(Keychain.objects.get(label="Bakery A").pk)
    for _ in range(2):
        with pytest.raises(CommandError, match="is shredded in the database, but its line"):
            _run("shred", keychain, "--confirm", "Bakery A")
    key_file.write_text(whole)
    with pytest.raises(CommandError, match="is taken out now"):
        _run("shred", keychain, "--confirm", "Bakery A")
    assert keychain not in key_file.read_text()


def test_what_a_killed_backup_left_of_the_key_file_goes_with_a_shredding(
    written: Path, key_file: Path
) -> None:
    key_file.rename(key_file.with_name(f".{key_file.name}.killed.part"))
    keychain = WrappedDek.objects.order_by("keychain_id")[0].keychain
    _run("shred", str(keychain.pk), "--confirm", keychain.label)
    assert [path.name for path in key_file.parent.iterdir()] == [f".{key_file.name}.lock"]


def test_shredding_works_without_any_key_file() -> None:
    keychain = factories.credential().keychain
    vault.seal_draft(
        keychain_id=keychain.id, secret=factories.api_key(), ttl_seconds=60, actor=OWNER
    )
    receipt = backup.shred(keychain_id=keychain.id, now=timezone.now(), actor=OWNER)
    assert (receipt.credentials, receipt.drafts, receipt.was_in_key_file) == (1, 1, False)
    assert len(receipt.dek_fingerprint) == 64
    with pytest.raises(StateError):
        backup.shred(keychain_id=keychain.id, now=timezone.now(), actor=OWNER)


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _half_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:100])


def _missing_table(folder: Path) -> None:
    (folder / "keyvault_credential.rows").unlink()


def _flipped_bit(folder: Path) -> None:
    path = folder / "keyvault_credential.rows"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)


def _other_engine(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace(f'"{connection.vendor}"', '"oracle"'))


@pytest.mark.parametrize(
    "spoil", [_no_manifest, _half_manifest, _missing_table, _flipped_bit, _other_engine]
)
def test_a_half_written_or_damaged_backup_is_refused(
    written: Path, key_file: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(written)
    before = AuditEntry.objects.count()
    with pytest.raises(VaultError, match=str(written)):
        backup.restore(folder=written, key_file=key_file)
    assert AuditEntry.objects.count() == before


def test_a_backup_that_may_not_be_read_is_not_called_damaged(written: Path, key_file: Path) -> None:
    manifest = written / "manifest.json"
    manifest.rename(written / "elsewhere")
    # Root may read everything, but no folder as a file.
    manifest.mkdir()
    with pytest.raises(IsADirectoryError):
        backup.restore(folder=written, key_file=key_file)


def test_a_backup_is_restored_into_an_empty_database_only(written: Path) -> None:
    with pytest.raises(CommandError, match="not empty"):
        _run("restore", str(written))


@pytest.mark.parametrize("content", [None, "", "{}\n", "no json"])
def test_a_bad_key_file_is_refused(written: Path, key_file: Path, content: str | None) -> None:
    if content is None:
        key_file.unlink()
    else:
        key_file.write_text(content)
    with pytest.raises(CommandError, match="key file"):
        _run("restore", str(written))


def test_a_key_file_that_was_cut_between_two_lines_is_refused(
    written: Path, key_file: Path
) -> None:
    lines = key_file.read_text().splitlines(keepends=True)
    key_file.write_text("".join(lines[:-1]))
    with pytest.raises(CommandError, match="cut short"):
        _run("restore", str(written))
    key_file.write_text("".join([lines[0], lines[2], lines[1]]))
    with pytest.raises(CommandError, match="damaged"):
        _run("restore", str(written))


def test_a_key_file_of_before_checksums_is_still_read(written: Path, key_file: Path) -> None:
    first, *rest = key_file.read_text().splitlines(keepends=True)
    before = {name: json.loads(first)[name] for name in ("format", "version")}
    key_file.write_text("".join([json.dumps(before) + "\n", *rest]))
    assert len(read_keys(key_file)) == 2
