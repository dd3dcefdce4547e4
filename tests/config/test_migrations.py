"""Migrations can be taken back, and made again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from tools.postgres import PostgresServer

FORTH_BACK_AND_FORTH = """
import django
django.setup()
from django.core.management import call_command as call
call("migrate", verbosity=0)
for app in ("admin", "account", "mfa", "onboarding", "keyvault"):
    call("migrate", app, "zero", verbosity=0)
call("migrate", verbosity=0)
call("migrate", check_unapplied=True, verbosity=0)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database; its triggers are written in the words of each engine."""
    if request.param == "sqlite":
        yield ""
        return
    with PostgresServer() as server:
        yield server.url


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_migration_is_reversible(database_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORTH_BACK_AND_FORTH],
        check=False,
        cwd=BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "DATA_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
