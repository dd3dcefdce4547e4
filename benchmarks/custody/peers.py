"""The other libraries: installed by hash, and used as their own documentation shows."""

# ruff: noqa: ANN401  # peers have no types

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "benchmark-peers"
PINNED = ROOT / "benchmarks" / "peers.txt"
AS_DOCUMENTED = "save()"
PAIR = {"key": "k" * 32, "secret": "s" * 32}


def install() -> None:
    """Puts the peers where this run finds them, anew when the list has changed."""
    done = FOLDER / ".done"
    if not done.exists() or done.read_text() != PINNED.read_text():
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps"]
        what = ["--require-hashes", "-r", str(PINNED), "--upgrade", "--target", str(FOLDER)]
        if subprocess.run([*uv, *what], check=False).returncode == 0:
            done.write_text(PINNED.read_text())
    sys.path.append(str(FOLDER))


def tink_aead() -> Any:
    """Tink's AES-256-GCM, or None when it cannot be had."""
    try:
        tink, aead = importlib.import_module("tink"), importlib.import_module("tink.aead")
    except ImportError as error:
        print(f"Tink left out: {error!r}")
        return None
    aead.register()
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    return handle.primitive(aead.Aead)


def field_models() -> dict[str, Any]:
    """A model with an encrypted key and secret for each field library that can be had."""
    makers: dict[str, Callable[[], Any]] = {
        "django-fernet-encrypted-fields": _fernet_field,
        "django-cryptography-5": _cryptography_field,
    }
    found = {}
    for number, (name, make) in enumerate(makers.items()):
        try:
            found[name] = _model(f"Pair{number}", field=make)
        except Exception as error:  # noqa: BLE001  # whatever a peer raises on this Django
            print(f"{name} left out: {error!r}")
    return found


def _fernet_field() -> Any:
    return importlib.import_module("encrypted_fields.fields").EncryptedCharField(max_length=64)


def _cryptography_field() -> Any:
    encrypt = importlib.import_module("django_cryptography.fields").encrypt
    return encrypt(models.CharField(max_length=64))


def _model(name: str, *, field: Callable[[], Any]) -> Any:
    body = {part: field() for part in PAIR} | {"__module__": __name__}
    body["Meta"] = type("Meta", (), {"app_label": "benchmarks"})
    made: Any = type(name, (models.Model,), body)
    with connection.schema_editor() as editor:
        editor.create_model(made)
    return made


def ways_to_move(model: Any, *, most: int) -> dict[str, Callable[[], int]]:
    """How users of a field library put rows under a new key: read, and write again.

    The first is what the libraries' own pages say; the others are the best that we could think of.
    """

    def rows() -> list[Any]:
        return list(model.objects.order_by("pk")[:most])

    def save_each() -> int:
        moved = rows()
        for row in moved:
            row.save()
        return len(moved)

    def save_at_once() -> int:
        with transaction.atomic():
            return save_each()

    def update_in_bulk() -> int:
        moved = rows()
        model.objects.bulk_update(moved, list(PAIR), batch_size=100)
        return len(moved)

    return {
        AS_DOCUMENTED: save_each,
        "save() in one transaction": save_at_once,
        "bulk_update()": update_in_bulk,
    }
