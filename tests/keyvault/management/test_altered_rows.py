"""What SQLite lets an intruder put into the tables of keys ends no verb in a traceback."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from keyvault import rotation, vault
from keyvault.audit import Actor
from keyvault.audit.sealer import seal_new_entries
from keyvault.backup import Receipt, Written, check_secrets, shred, write_backup
from keyvault.backup.keyfile import read_keys
from keyvault.errors import KeyExhaustedError, TamperedSecretError, UnknownRecordError
from keyvault.management.custody.record import named_keychain
from keyvault.models import Credential, KekUse, Keychain, WrappedDek
from keyvault.vault.altered import altered_rows, sound
from keyvault.vault.ciphers import cipher_of, count_wraps
from tests.keyvault import factories
from tests.keyvault.altering import alter

pytestmark = pytest.mark.django_db
OPERATOR = Actor("command", "keyvault")
JUNK = {
    "text": "'no such thing'",
    "nul": "CAST(x'00' AS TEXT)",
    "no-text": "CAST(x'6aff' AS TEXT)",
    "negative": "-5",
    "bytes": "x'ff00'",
    "huge": "'99999999999999999999999'",
}
# Nothing can be told from a right value there, or a text is one.
UNSEEN = {
    ("kek_id", "text"),
    ("kek_id", "negative"),
    ("kek_id", "huge"),
    ("wrapped", "bytes"),
}
DEK_COLUMNS = ["keychain_id", "kek_id", "wrapped", "seals", "wrapped_at"]


@pytest.fixture
def stores() -> list[Keychain]:
    keychains = [factories.keychain(f"Bakery {number}") for number in range(3)]
    for keychain in keychains:
        factories.credential(of=keychain)
    seal_new_entries(timezone.now())
    return keychains


def _verb(*verb: str) -> str:
    """What a verb says that ends with exit code 1."""
    out = io.StringIO()
    with pytest.raises((SystemExit, CommandError)) as refusal:
        call_command("keyvault", *verb, stdout=out)
    code = getattr(refusal.value, "returncode", None) or getattr(refusal.value, "code", None)
    assert code == 1
    return out.getvalue() + str(refusal.value)


def _backup(folder: Path) -> Written:
    return write_backup(
        folder=folder / "backup", key_file=folder / "keys", now=timezone.now(), actor=OPERATOR
    )


def _shred(keychain: Keychain) -> Receipt:
    return shred(keychain_id=keychain.id, now=timezone.now(), actor=OPERATOR)


@pytest.fixture
def mended() -> Iterator[None]:
    """Foreign keys are looked at when a test ends."""
    yield
    with connection.cursor() as cursor:
        for table, column in (
            ("keyvault_credential", "keychain_id"),
            ("keyvault_wrappeddek", "keychain_id"),
        ):
            cursor.execute(
                f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM keyvault_keychain)"  # noqa: S608  # constants
            )


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("column", DEK_COLUMNS)
def test_an_altered_dek_is_named_and_the_rest_is_done(
    column: str, junk: str, stores: list[Keychain]
) -> None:
    if not alter(WrappedDek, column, JUNK[junk], key=stores[0].id):
        return
    is_seen = (column, junk) not in UNSEEN
    told = rotation.read_status().altered
    assert [f"of keyvault_wrappeddek was altered: {column}" in row for row in told] == (
        [True] * is_seen
    )
    rotation.rotate_kek(actor=OPERATOR)
    moved = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
    assert moved.done == (3 if column in {"seals", "wrapped_at"} else 2)
    assert len(moved.failures) == 3 - moved.done
    _shred(stores[0])
    assert not WrappedDek.objects.filter(keychain_id=stores[0].id).exists()


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("column", DEK_COLUMNS)
def test_an_altered_dek_is_left_out_of_the_key_file_which_is_told(
    column: str, stores: list[Keychain], tmp_path: Path
) -> None:
    if not alter(WrappedDek, column, JUNK["no-text"], key=stores[0].id):
        return
    altered = _backup(tmp_path).altered
    is_left_out = column != "wrapped_at"
    assert [f"was altered: {column}" in row for row in altered] == [True] * is_left_out
    assert len(read_keys(tmp_path / "keys")) == 3 - is_left_out


@pytest.mark.usefixtures("mended")
def test_an_altered_row_gives_a_bad_exit_code(stores: list[Keychain], tmp_path: Path) -> None:
    if not alter(WrappedDek, "keychain_id", "x'00'", key=stores[0].id):
        return
    for verb in (("status",), ("status", "--json"), ("backup", str(tmp_path / "b")), ("rewrap",)):
        if verb == ("rewrap",):
            rotation.rotate_kek(actor=OPERATOR)
        assert "of keyvault_wrappeddek was altered: " in _verb(*verb), verb


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("column", ["id", "created_at", "shredded_at"])
def test_an_altered_keychain_is_named_and_nothing_is_done_to_it(
    column: str, junk: str, stores: list[Keychain]
) -> None:
    if not alter(Keychain, column, JUNK[junk], key=stores[0].id):
        return
    sentence = f"of keyvault_keychain was altered: {column}"
    assert [sentence in row for row in rotation.read_status().altered] == [True]
    for name in (str(stores[0].id), "Bakery 0"):
        with pytest.raises(UnknownRecordError, match=sentence):
            named_keychain(name)
    assert named_keychain("Bakery 1") == stores[1]


def test_an_altered_keychain_is_not_exported_nor_shredded(
    stores: list[Keychain], tmp_path: Path
) -> None:
    if not alter(Keychain, "created_at", "x'ff'", key=stores[0].id):
        return
    for verb in (
        ("export-audit", "Bakery 0", "--to", str(tmp_path / "record")),
        ("shred", "Bakery 0", "--confirm", "Bakery 0"),
        ("backup", str(tmp_path / "backup")),
    ):
        assert "of keyvault_keychain was altered: created_at" in _verb(*verb), verb
    assert WrappedDek.objects.count() == 3
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("column", ["wraps", "first_used_at", "closed_at"])
def test_an_altered_count_of_a_kek_is_named_and_the_kek_still_destroyed(
    column: str, junk: str, stores: list[Keychain]
) -> None:
    kek = KekUse.objects.get().kek_id
    if not alter(KekUse, column, JUNK[junk], key=kek):
        return
    told = rotation.read_status().altered
    assert [f"of keyvault_kekuse was altered: {column}" in row for row in told] == [True]
    rotation.rotate_kek(actor=OPERATOR)
    rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
    rotation.destroy_kek(kek_id=kek, actor=OPERATOR)


def test_a_count_of_wraps_that_is_none_asks_for_a_rotation(stores: list[Keychain]) -> None:
    kek = KekUse.objects.get().kek_id
    if alter(KekUse, "wraps", "'many'", key=kek):
        with pytest.raises(KeyExhaustedError, match="rotate it"):
            count_wraps(kek_id=kek)


@pytest.mark.parametrize("model", [Keychain, Credential, WrappedDek, KekUse])
def test_a_time_of_postgresql_that_no_clock_shows_is_named(
    model: Any, stores: list[Keychain], tmp_path: Path
) -> None:
    column = {WrappedDek: "wrapped_at", KekUse: "first_used_at"}.get(model, "created_at")
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute(f"UPDATE {table} SET {column} = 'infinity'")  # noqa: S608  # ours
    assert {f"{column} cannot be read" in row for row in altered_rows(model)} == {True}
    told = rotation.read_status().altered + _backup(tmp_path).altered
    assert any(f"of {table} was altered: {column}" in row for row in told)


@pytest.mark.parametrize("label", ["x'6aff'", "'J' || x'c3'", "CAST(x'e282' AS TEXT)"])
def test_a_keychain_whose_label_is_no_text_is_named_by_every_verb(
    label: str, stores: list[Keychain], tmp_path: Path
) -> None:
    mine, sentence = str(stores[0].id), "of keyvault_keychain was altered: label cannot be read"
    if not alter(Keychain, "label", label, key=stores[0].id):
        return
    for verb in (
        ("shred", mine, "--confirm", mine),
        ("export-audit", mine, "--to", str(tmp_path / "record")),
        ("status",),
        ("backup", str(tmp_path / "backup")),
    ):
        assert sentence in _verb(*verb), verb
    assert WrappedDek.objects.count() == 3
    assert not (tmp_path / "record").exists()
    assert _shred(stores[1]).credentials == 1


@pytest.mark.parametrize("junk", [7, -1, 1.5, "text", 10**18])
def test_a_wrapped_dek_that_is_no_bytes_is_told_at_once(junk: object) -> None:
    with pytest.raises(TamperedSecretError, match="no bytes"):
        cipher_of(keychain="0" * 32, kek_id="local:x", wrapped=junk)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["x'ff'", "'1-99999999999999'", "'1-'", "'junk'"])
def test_an_altered_checkpoint_stops_an_export_but_no_backup(
    value: str, stores: list[Keychain], tmp_path: Path
) -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER keyvault_auditcheckpoint_no_update")
        cursor.execute(f"UPDATE keyvault_auditcheckpoint SET ranges = {value}")  # noqa: S608  # constants
    told = _backup(tmp_path).altered
    assert ["checkpoint 1 is altered" in row for row in told] == [True] * (value == "x'ff'")
    refusal = _verb("export-audit", "Bakery 0", "--to", str(tmp_path / "record"))
    assert "checkpoint 1 " in refusal
    assert "altered" in refusal
    assert "manage.py keyvault verify" in refusal
    assert not (tmp_path / "record").exists()


@pytest.mark.usefixtures("mended")
def test_a_backup_says_that_it_cannot_be_restored(stores: list[Keychain], tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE keyvault_credential SET keychain_id = 'x'")
            told = _backup(tmp_path).altered
            assert any("belongs to no row of keyvault_keychain" in row for row in told)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize(
    "column", ["id", "sealed", "created_at", "is_honeytoken", "limits", "name"]
)
def test_an_altered_credential_hides_no_other(
    column: str, junk: str, stores: list[Keychain]
) -> None:
    credential = Credential.objects.get(keychain=stores[0])
    if not alter(Credential, column, JUNK[junk], key=credential.id):
        return
    found = check_secrets()
    is_typed = (column, junk) == ("sealed", "bytes")
    is_typed = is_typed or (
        column in {"limits", "name"} and junk in {"text", "huge", "nul", "negative"}
    )
    if not is_typed:
        assert len(altered_rows(Credential)) == 1
        assert (found.opened, found.empty, found.failures) == (2, 1, {})
    assert found.opened >= 2


def test_sound_rows_are_all_rows(stores: list[Keychain]) -> None:
    vault.plant_honeytoken(label="Bäckerei ☕", actor=factories.OWNER)
    for model in (Keychain, WrappedDek, KekUse, Credential):
        assert altered_rows(model) == []
        assert sound(model.objects.all()).count() == model.objects.count()


def test_what_stands_in_the_database_forges_no_line(stores: list[Keychain]) -> None:
    WrappedDek.objects.filter(pk=stores[0].id).update(kek_id="local:x\nNext: \x1b[2Jrm")
    assert "local:x\\x0aNext: \\x1b[2Jrm" in _verb("rewrap")
