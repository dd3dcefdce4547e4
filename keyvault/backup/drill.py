"""The restore drill: a backup is restored for real, into a scratch database, by another process."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

from keyvault.errors import VaultError


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill has found.

    Attributes:
        found: what `keyvault restore --check --json` printed: rows, keychains, what opened, and
            whether the record is intact.
        is_good: whether all of it was as it should be.
    """

    found: dict[str, Any]
    is_good: bool


def drill(*, folder: Path, key_file: Path, every: bool = False) -> DrillReport:
    """Restores a backup into a scratch database, verifies the record, opens a secret per keychain.

    The scratch database is removed in the end. Takes some seconds and as much disk as the backup.

    Args:
        folder: the backup.
        key_file: the key file.
        every: open every secret instead of one of each keychain.

    Returns:
        What was found.

    Raises:
        VaultError: the drill could not even begin.
    """
    command = [
        *(sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "keyvault", "restore"),
        *(str(folder.resolve()), "--key-file", str(key_file.resolve()), "--check", "--json"),
        *(["--all"] if every else []),
    ]
    scratch_folder = tempfile.TemporaryDirectory(prefix="latchkey-drill-")
    with scratch_folder as scratch, _scratch_database() as database:
        environment = {
            **os.environ,
            "DATA_DIR": scratch,
            "LATCHKEY_KEYRING": str(settings.KEYVAULT_KEYRING),
            **database,
        }
        process = subprocess.run(  # noqa: S603  # our own command
            command, env=environment, capture_output=True, text=True, check=False
        )
    try:
        found = json.loads(process.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        message = f"the drill could not begin: {process.stderr.strip()[-500:]}"
        raise VaultError(message) from None
    return DrillReport(found=found, is_good=process.returncode == 0)


@contextlib.contextmanager
def _scratch_database() -> Iterator[dict[str, str]]:
    """The environment that leads a process to an empty database of our own engine."""
    if connection.vendor == "sqlite":
        yield {"DATABASE_URL": ""}
        return
    name = f"latchkey_drill_{secrets.token_hex(6)}"
    given = connection.settings_dict
    psycopg = import_module("psycopg")
    try:
        server = psycopg.connect(_url_of(given["NAME"]), autocommit=True)
        server.execute(f"CREATE DATABASE {name}")
    except psycopg.Error as error:
        message = (
            f"no scratch database can be made beside {given['NAME']} ({error}). Look whether its "
            f"server runs; its user must be allowed to: ALTER USER {given['USER']} CREATEDB"
        )
        raise VaultError(message) from error
    try:
        yield {"DATABASE_URL": _url_of(name)}
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.close()


def _url_of(name: str) -> str:
    """Where a database beside our own is, reached in the same way: by the same TLS, for example."""
    given = connection.settings_dict
    user, password = (quote(given[part] or "", safe="") for part in ("USER", "PASSWORD"))
    options = {key: value for key, value in given["OPTIONS"].items() if isinstance(value, str)}
    # As a parameter, since a host may be a folder or an IPv6 address.
    query = {"host": given["HOST"], "port": given["PORT"], **options}
    login = f"{user}{f':{password}' if password else ''}@" if user else ""
    told = urlencode({key: value for key, value in query.items() if value}, quote_via=quote)
    return f"postgresql://{login}/{quote(name, safe='')}?{told}"
