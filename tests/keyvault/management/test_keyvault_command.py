"""`manage.py keyvault` for people and for programs."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from keyvault.audit.sealer import seal_new_entries
from keyvault.models import AuditEntry, Credential, WrappedDek
from tests.keyvault import factories
from tests.keyvault.triggers import untriggered

pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keyvault", *arguments, stdout=out)
    return out.getvalue()


def _json(*arguments: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_run(*arguments, "--json"))
    return data


def test_init_creates_a_keyring_once(settings: Settings, tmp_path: Path) -> None:
    settings.KEYVAULT_KEYRING = tmp_path / "new" / "keyring.json"
    assert "Back this file up" in _run("init")
    with pytest.raises(CommandError, match="never overwritten"):
        _run("init")


def test_init_refuses_when_secrets_need_the_old_keyring(settings: Settings, tmp_path: Path) -> None:
    factories.keychain()
    settings.KEYVAULT_KEYRING = tmp_path / "new.json"
    with pytest.raises(CommandError, match="Restore the old keyring"):
        _run("init")
    assert not settings.KEYVAULT_KEYRING.exists()


def test_init_prints_no_key(settings: Settings, tmp_path: Path) -> None:
    settings.KEYVAULT_KEYRING = tmp_path / "new.json"
    printed = _run("init", "--json")
    ring = json.loads(settings.KEYVAULT_KEYRING.read_text())
    for key in (ring["keks"][0]["key"], ring["signing"][0]["key"], ring["fingerprint"]):
        assert key not in printed


def test_status_and_rotate_and_rewrap_go_together() -> None:
    factories.credential()
    assert "on an old KEK" in _run("status")
    fresh = _json("rotate", "--key-only")["kek"]
    assert "keyvault rewrap" in _run("status")
    assert _json("status")["deks_on_old_keks"] == 1
    assert _json("rewrap") == {"kek_id": fresh, "done": 1, "failures": []}
    assert _json("status")["deks_on_old_keks"] == 0


def test_rotate_moves_the_deks_too() -> None:
    factories.credential()
    assert "1 DEKs wrapped anew" in _run("rotate")
    old = _json("status")["keks"][0]["id"]
    assert "is destroyed" in _run("destroy", old)
    assert _json("status")["keks"][0]["state"] == "destroyed"


def test_a_kek_in_use_is_not_destroyed() -> None:
    factories.credential()
    with pytest.raises(CommandError, match="wraps 1 DEK"):
        _run("destroy", _json("status")["keks"][0]["id"])


def test_a_lost_kek_gives_a_bad_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    factories.keychain()
    WrappedDek.objects.update(kek_id="local:lost")
    for verb in ("status", "rewrap"):
        with pytest.raises(SystemExit) as exit_code:
            _run(verb)
        assert exit_code.value.code == 1


def test_without_a_keyring_every_verb_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    AuditEntry.objects.create(at=timezone.now(), action="x", actor="x")
    settings.KEYVAULT_KEYRING = tmp_path / "none.json"
    for verb in ("status", "rotate", "rewrap", "verify"):
        with pytest.raises(CommandError, match=r"none\.json") as caught:
            _run(verb)
        assert caught.value.returncode == 1
    assert not settings.KEYVAULT_KEYRING.exists()


def test_an_error_is_json_when_json_is_asked_for(settings: Settings, tmp_path: Path) -> None:
    settings.KEYVAULT_KEYRING = tmp_path / "none.json"
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("keyvault", "status", "--json", stdout=out)
    assert json.loads(out.getvalue())["error"] == "keyring"


def test_an_intact_record_verifies() -> None:
    factories.credential()
    seal_new_entries(timezone.now())
    assert "Intact: 2 entries under 1 checkpoints" in _run("verify")
    assert _json("verify")["intact"] is True


def test_a_changed_record_is_told_by_its_first_bad_entry() -> None:
    factories.credential()
    seal_new_entries(timezone.now())
    entry = AuditEntry.objects.order_by("id")[0]
    with untriggered():
        AuditEntry.objects.filter(pk=entry.pk).update(actor="person:9")
    out = io.StringIO()
    with pytest.raises(SystemExit) as exit_code:
        call_command("keyvault", "verify", "--json", stdout=out)
    assert exit_code.value.code == 1
    problem = json.loads(out.getvalue())["problems"][0]
    assert (problem["kind"], problem["entry_id"]) == ("edited", entry.pk)


def test_many_problems_are_summed_up() -> None:
    for _ in range(13):
        factories.credential()
    seal_new_entries(timezone.now())
    with untriggered():
        AuditEntry.objects.update(actor="person:9")
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("keyvault", "verify", stdout=out)
    assert "… and" in out.getvalue()


def test_an_empty_record_is_not_called_intact() -> None:
    with pytest.raises(CommandError, match="nothing to verify"):
        _run("verify")


def test_an_emptied_record_is_called_so() -> None:
    factories.keychain()
    seal_new_entries(timezone.now())
    with untriggered():
        AuditEntry.objects.all().delete()
    with pytest.raises(CommandError, match="emptied"):
        _run("verify")


def test_a_copy_kept_elsewhere_can_be_named(settings: Settings, tmp_path: Path) -> None:
    factories.keychain()
    seal_new_entries(timezone.now())
    copy = tmp_path / "copy.jsonl"
    settings.KEYVAULT_CHECKPOINTS.rename(copy)
    assert "No checkpoint outside" in _run("verify")
    assert "No checkpoint outside" not in _run("verify", "--checkpoints", str(copy))


@pytest.mark.parametrize("content", [None, "", "no checkpoint\n"])
def test_a_named_copy_that_holds_no_checkpoint_proves_nothing(
    content: str | None, tmp_path: Path
) -> None:
    factories.keychain()
    seal_new_entries(timezone.now())
    copy = tmp_path / "copy.jsonl"
    if content is not None:
        copy.write_text(content)
    with pytest.raises(CommandError, match="holds no checkpoint"):
        _run("verify", "--checkpoints", str(copy))


def test_a_half_migrated_database_is_told(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE keyvault_auditentry RENAME TO elsewhere")
    with pytest.raises(CommandError, match="migrate"):
        _run("verify")


def test_honeytoken_makes_a_decoy_and_prints_no_secret() -> None:
    made = _json("honeytoken", "Bakery Oven & Zonen")
    decoy = Credential.objects.get(pk=made["credential"])
    assert decoy.is_honeytoken
    assert (str(decoy.keychain_id), decoy.keychain.label) == (
        made["keychain"],
        "Bakery Oven & Zonen",
    )
    assert set(made) == {"keychain", "credential"}
    assert "told to staff" in _run("honeytoken", "Another")
