"""A process that holds secrets gives no core and no look at its memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyvault.kek.local import create_keyring

MODULE = Path(__file__).resolve().parents[3] / "keyvault" / "vault" / "hardening.py"
SHOWN = """
import ctypes, resource
PR_GET_DUMPABLE = 3
dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
print(dumpable, *resource.getrlimit(resource.RLIMIT_CORE))
"""
WORKER = """
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
settings.KEYVAULT_DUTIES = ["tests.keyvault.vault.looking.LOOK"]
call_command("worker")
"""
BY_ITSELF = f"import runpy; assert runpy.run_path({str(MODULE)!r})['harden_process']()" + SHOWN


def test_a_hardened_process_is_not_dumpable_and_leaves_no_core() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", BY_ITSELF], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["0", "0", "0"]


def _in_development(program: str, *, folder: Path) -> str:
    create_keyring(folder / "keyring.json")
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=MODULE.parents[2],
        env=os.environ | settings | {"DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.slow
def test_a_server_is_hardened_in_development_too(tmp_path: Path) -> None:
    seen = _in_development("import config.wsgi" + SHOWN, folder=tmp_path)
    assert seen.split() == ["0", "0", "0"]


@pytest.mark.slow
def test_a_worker_is_hardened_in_development_too(tmp_path: Path) -> None:
    seen = _in_development(WORKER, folder=tmp_path)
    assert seen.splitlines()[0] == "0 (0, 0)"
