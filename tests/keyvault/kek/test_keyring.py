"""The keyring file: created once, read suspiciously, written whole or not at all."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyvault.errors import (
    KekInUseError,
    KeyringError,
    TamperedSecretError,
    UnknownKekError,
)
from keyvault.kek import keyring
from keyvault.kek.local import LocalProvider, create_keyring, keyring_at
from keyvault.kek.provider import KekState, WrappedKey

KEYCHAIN = f"{7:032x}"
DEK = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "keyring.json"
    create_keyring(path)
    return path


def _rewrite(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text())
    data.update(changes)
    body = {name: value for name, value in data.items() if name != "checksum"}
    data["checksum"] = keyring._checksum(body)
    path.write_text(json.dumps(data))


def test_a_new_keyring_is_closed_to_others(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_keyring_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyringError, match="never overwritten"):
        create_keyring(path)
    assert path.read_bytes() == before


def test_a_keyring_is_on_the_disk_before_it_takes_the_name_of_the_old(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, really = path.read_bytes(), os.fsync
    synced: list[tuple[bool, bytes]] = []

    def watched(handle: int) -> None:
        really(handle)
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", watched)
    with path.open("rb") as held:
        keyring.save(path, replace(keyring.load(path), fingerprint=DEK))
        assert held.read() == before
    assert synced == [(False, before), (True, path.read_bytes())]
    assert path.read_bytes() != before


def test_a_missing_keyring_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="keyvault init"):
        keyring_at(tmp_path / "keyring.json")
    assert not (tmp_path / "keyring.json").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_keyring_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyring.load(path)


@pytest.mark.parametrize("kept", [0, 1, 100, -2])
def test_a_truncated_keyring_is_refused(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(KeyringError, match="cut short"):
        keyring.load(path)


@pytest.mark.parametrize("content", ["[]", "null", '"x"', "x" * (2 << 20), "\0"])
def test_something_else_than_a_keyring_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(KeyringError, match="restore the file"):
        keyring.load(path)


@pytest.mark.parametrize("change", [{"format": "other"}, {"version": 2}, {"version": "1"}])
def test_another_format_is_refused(path: Path, change: dict[str, Any]) -> None:
    _rewrite(path, **change)
    with pytest.raises(KeyringError, match="version 1"):
        keyring.load(path)


def test_a_damaged_key_is_found(path: Path) -> None:
    data = json.loads(path.read_text())
    key = data["keks"][0]["key"]
    data["keks"][0]["key"] = ("A" if key[0] != "A" else "B") + key[1:]
    path.write_text(json.dumps(data))
    with pytest.raises(KeyringError, match="checksum"):
        keyring.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "c2hvcnQ="},
        {"fingerprint": "%%"},
        {"keks": [{}]},
        {"keks": [{"id": "local:1", "state": "lost", "created_at": "2026-01-01"}]},
        {"keks": [1]},
        {"signing": None},
    ],
)
def test_a_malformed_key_is_refused(path: Path, change: dict[str, Any]) -> None:
    _rewrite(path, **change)
    with pytest.raises(KeyringError, match="malformed"):
        keyring.load(path)


def test_a_keyring_without_an_active_kek_is_refused(path: Path) -> None:
    _rewrite(path, keks=[])
    with pytest.raises(KeyringError, match="exactly one active KEK"):
        keyring.load(path)


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    with pytest.raises(KeyringError, match="plain file"):
        keyring.load(path.parent)


def test_a_file_in_the_folders_place_is_told(path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be read"):
        keyring.load(path / "keyring.json")


def test_a_linked_keyring_is_judged_by_its_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert keyring.load(link) == keyring.load(path)
    path.chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyring.load(link)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringError, match="cannot be written"):
        create_keyring(tmp_path / "file" / "keyring.json")


def test_keys_stand_in_no_repr(path: Path) -> None:
    ring = keyring.load(path)
    key = ring.keks[0].key
    assert key is not None
    assert repr(key) not in repr(ring)
    assert repr(ring.fingerprint) not in repr(ring)


def test_a_wrapped_dek_unwraps_for_its_keychain_only(path: Path) -> None:
    provider = LocalProvider(path)
    key = provider.wrap(dek=DEK, keychain=KEYCHAIN)
    assert DEK not in key.wrapped
    assert provider.unwrap(key=key, keychain=KEYCHAIN) == DEK
    with pytest.raises(TamperedSecretError):
        provider.unwrap(key=key, keychain=f"{8:032x}")


def test_rotation_keeps_the_old_kek_for_unwrapping(path: Path) -> None:
    provider = LocalProvider(path)
    old = provider.wrap(dek=DEK, keychain=KEYCHAIN)
    fresh = provider.rotate()
    assert [kek.state for kek in provider.keks()] == [KekState.DECRYPT_ONLY, KekState.ACTIVE]
    assert provider.wrap(dek=DEK, keychain=KEYCHAIN).kek_id == fresh.id
    assert provider.unwrap(key=old, keychain=KEYCHAIN) == DEK
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_process_follows_a_rotation(path: Path) -> None:
    here, there = LocalProvider(path), LocalProvider(path)
    there.wrap(dek=DEK, keychain=KEYCHAIN)
    here.rotate()
    new = here.wrap(dek=DEK, keychain=KEYCHAIN)
    assert there.unwrap(key=new, keychain=KEYCHAIN) == DEK
    assert there.wrap(dek=DEK, keychain=KEYCHAIN).kek_id == new.kek_id


def test_a_stale_process_reads_the_keyring_again_for_an_unknown_kek(path: Path) -> None:
    # What is read is kept by path: another way to the same file stands for another process.
    (path.parent / "aside").mkdir()
    stale = LocalProvider(path.parent / "aside" / ".." / path.name)
    before = stale.active_id()
    provider = LocalProvider(path)
    provider.rotate()
    new = provider.wrap(dek=DEK, keychain=KEYCHAIN)
    assert new.kek_id != before
    assert stale.unwrap(key=new, keychain=KEYCHAIN) == DEK


def test_an_unknown_kek_is_named(path: Path) -> None:
    with pytest.raises(UnknownKekError, match="local:lost"):
        LocalProvider(path).unwrap(key=WrappedKey("local:lost", b"x" * 62), keychain=KEYCHAIN)


def test_a_half_made_kek_is_given_up_by_the_next_rotation(path: Path) -> None:
    ring = keyring.load(path)
    half = keyring.new_key(prefix="local:", state=KekState.GENERATING)
    keyring.save(path, keyring.Keyring((*ring.keks, half), ring.signing, ring.fingerprint))
    provider = LocalProvider(path)
    fresh = provider.rotate()
    assert [kek.id for kek in provider.keks()] == [ring.keks[0].id, fresh.id]


def test_what_a_killed_writer_left_goes_with_the_next_change(path: Path) -> None:
    killed = path.with_name(f".{path.name}.killed.part")
    killed.write_bytes(path.read_bytes())
    LocalProvider(path).rotate()
    assert not killed.exists()


def test_a_destroyed_kek_unwraps_nothing_and_leaves_the_file(path: Path) -> None:
    provider = LocalProvider(path)
    old = provider.wrap(dek=DEK, keychain=KEYCHAIN)
    provider.rotate()
    provider.destroy(kek_id=old.kek_id)
    assert provider.keks()[0].state is KekState.DESTROYED
    row = json.loads(path.read_text())["keks"][0]
    assert "key" not in row
    with pytest.raises(UnknownKekError):
        LocalProvider(path).unwrap(key=old, keychain=KEYCHAIN)


def test_the_active_kek_cannot_be_destroyed(path: Path) -> None:
    provider = LocalProvider(path)
    with pytest.raises(KekInUseError):
        provider.destroy(kek_id=provider.active_id())
    with pytest.raises(UnknownKekError):
        provider.destroy(kek_id="local:none")


def test_a_keyring_in_a_missing_folder_cannot_be_rotated(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be written"):
        LocalProvider(tmp_path / "none" / "keyring.json").rotate()
