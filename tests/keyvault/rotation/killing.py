"""An installation whose rotation is killed, and what must be true of it afterwards."""

import json
import os
import pty
import re
import secrets
import select
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from keyvault.errors import VaultError
from keyvault.kek.local import LocalProvider
from keyvault.kek.provider import WrappedKey

ROOT = Path(__file__).resolve().parents[3]
PORTION_MILLISECONDS = 100
DEKS = "SELECT keychain_id, kek_id, wrapped FROM keyvault_wrappeddek"
PROGRESS = re.compile(r"(\d+) of \d+")


class Installation:
    """Commands on a data folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "DATA_DIR": str(folder)}
        self._environment.pop("DATABASE_URL", None)
        self._environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        self.run("manage.py", "migrate", "--verbosity=0")
        self.run("manage.py", "keyvault", "init")

    def start(self, *arguments: str, stderr: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, _ = process.communicate()
        assert process.returncode == 0, out
        return out

    def check(self) -> dict[str, int]:
        """How many DEKs unwrap under the KEK that they name, how many do not; past the product."""
        provider = LocalProvider(self._folder / "keyring.json")
        active, found = provider.active_id(), {"readable": 0, "unreadable": 0, "old": 0}
        with closing(sqlite3.connect(self._folder / "latchkey.sqlite3")) as database:
            for keychain, kek_id, wrapped in database.execute(DEKS):
                try:
                    provider.unwrap(key=WrappedKey(kek_id, wrapped), keychain=keychain)
                    found["readable"] += 1
                except VaultError:
                    found["unreadable"] += 1
                found["old"] += kek_id != active
        return found


def kill_and_check(installation: Installation, *, keychains: int, after: int) -> int:
    """Kills a rotation soon after it says that it has done so many, and counts what unwraps.

    The command shows its progress on a terminal, so it gets one. It dies at a random moment of the
    portion that follows, with or without more progress.

    Returns:
        DEKs that were left on an older KEK.
    """
    screen, terminal = pty.openpty()
    try:
        process = installation.start("manage.py", "keyvault", "rotate", stderr=terminal)
        os.close(terminal)
        _read_until(screen, after=after)
        select.select([screen], [], [], secrets.randbelow(PORTION_MILLISECONDS) / 1000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finally:
        os.close(screen)
    found = installation.check()
    assert (found["readable"], found["unreadable"]) == (keychains, 0)
    return int(found["old"])


def _read_until(screen: int, *, after: int) -> None:
    seen = ""
    while not any(int(done) >= after for done in PROGRESS.findall(seen)):
        seen = seen[-200:] + os.read(screen, 4096).decode(errors="replace")


def finish(installation: Installation, *, keychains: int) -> None:
    installation.run("manage.py", "keyvault", "rewrap")
    assert installation.check() == {"readable": keychains, "unreadable": 0, "old": 0}
    assert json.loads(installation.run("manage.py", "keyvault", "status", "--json"))
