"""A merchant's part of the record verifies offline, and only as it was sealed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from keyvault.audit import signing
from keyvault.audit.sealer import seal_new_entries
from keyvault.models import AuditEntry, Credential
from tests.keyvault import factories
from tests.keyvault.triggers import untriggered

pytestmark = pytest.mark.django_db
SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "verify_record.py"
Lines = list[dict[str, Any]]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The record of one store among others, over several checkpoints."""
    mine = factories.credential()
    for _ in range(3):
        factories.credential()
        factories.credential(of=mine.keychain)
        seal_new_entries(timezone.now())
    path = tmp_path / "record.jsonl"
    call_command("keyvault", "export-audit", str(mine.keychain_id), "--to", str(path))
    return path


def _verified(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)


def _fingerprint() -> str:
    return signing.public_fingerprint(next(iter(signing.public_keys().values())))


def test_the_file_verifies_offline(exported: Path) -> None:
    answer = _verified(exported, "--key", _fingerprint())
    assert answer.returncode == 0, answer.stderr
    assert "Intact: 5 entries" in answer.stdout


def test_the_file_holds_nobody_elses_entries(exported: Path) -> None:
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    others = Credential.objects.exclude(keychain_id=lines[0]["keychain"])
    for credential in others:
        assert str(credential.pk) not in exported.read_text()
        assert credential.keychain_id.hex not in exported.read_text()


def _first(lines: Lines, kind: str) -> dict[str, Any]:
    return next(line for line in lines if line["format"] == kind)


def _edit_entry(lines: Lines) -> None:
    line = _first(lines, "latchkey-entry")
    line["entry"] = line["entry"].replace("person:1", "person:2").replace("system", "person")


def _shift_columns(lines: Lines) -> None:
    line = _first(lines, "latchkey-entry")
    line["entry"] = line["entry"].replace("\n", " ", 1)


def _cut_proof(lines: Lines) -> None:
    next(line for line in lines if line.get("proof"))["proof"].pop()


def _drop_checkpoint(lines: Lines) -> None:
    del lines[2]


def _forge_root(lines: Lines) -> None:
    _first(lines, "latchkey-checkpoint")["root"] = "00" * 32


def _double(lines: Lines) -> None:
    lines.append(lines[-1])


def _claim_for_another(lines: Lines) -> None:
    lines[0]["keychain"] = "7f4a60b2-8a0c-4f4e-9d33-5b0d5be0c1ab"


def _wrong_range(lines: Lines) -> None:
    _first(lines, "latchkey-entry")["checkpoint"] = 3


@pytest.mark.parametrize(
    "alter",
    [
        _edit_entry,
        _shift_columns,
        _cut_proof,
        _drop_checkpoint,
        _forge_root,
        _double,
        _claim_for_another,
        _wrong_range,
    ],
)
def test_an_altered_file_does_not_verify(exported: Path, alter: Callable[[Lines], None]) -> None:
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    alter(lines)
    exported.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = _verified(exported)
    assert answer.returncode == 1
    assert "NOT INTACT" in answer.stderr


def test_a_foreign_signing_key_is_not_trusted(exported: Path) -> None:
    assert _verified(exported, "--key", "0000-0000-0000-0000").returncode == 1


@pytest.mark.parametrize("content", ["", "{}\n", "no json\n", '{"format": "other"}\n'])
def test_something_else_is_not_called_a_record(exported: Path, content: str) -> None:
    exported.write_text(content)
    assert _verified(exported).returncode == 2


def test_a_file_cut_short_is_not_called_a_record(exported: Path) -> None:
    exported.write_text(exported.read_text()[:-20])
    assert _verified(exported).returncode == 2


def test_exporting_is_recorded(exported: Path) -> None:
    assert AuditEntry.objects.filter(action="record.exported").count() == 1


def test_an_altered_record_is_not_exported(tmp_path: Path) -> None:
    credential = factories.credential()
    seal_new_entries(timezone.now())
    with untriggered():
        AuditEntry.objects.update(actor="person:9")
    path = tmp_path / "record.jsonl"
    with pytest.raises(CommandError, match="not what was sealed"):
        call_command("keyvault", "export-audit", str(credential.keychain_id), "--to", str(path))
    assert list(tmp_path.glob("*record.jsonl*")) == []


def test_a_store_can_be_named_by_its_label(tmp_path: Path) -> None:
    factories.keychain("Bakery A")
    factories.keychain("Twin")
    factories.keychain("Twin")
    path = tmp_path / "record.jsonl"
    call_command("keyvault", "export-audit", "Bakery A", "--to", str(path))
    assert _verified(path).returncode == 0
    for name in ("Twin", "Nobody", "7f4a60b2-8a0c-4f4e-9d33-5b0d5be0c1ab"):
        with pytest.raises(CommandError, match="use the id"):
            call_command("keyvault", "export-audit", name)
