"""An installation whose rotation is killed, and what must be true of it afterwards."""

import json
import os
import pty
import re
import secrets
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PORTION_MILLISECONDS = 100
PROGRESS = re.compile(r"(\d+) of \d+")


class Installation:
    """Commands on a data folder of their own."""

    def __init__(self, folder: Path) -> None:
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

    def check(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.run("-m", "tests.keyvault.rotation.keychains", "check")
        )
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
