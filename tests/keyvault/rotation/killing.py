"""An installation whose rotation is killed, and what must be true of it afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


class Installation:
    """Commands on a data folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "DATA_DIR": str(folder)}
        self._environment.pop("DATABASE_URL", None)
        self._environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        self.run("manage.py", "migrate", "--verbosity=0")
        self.run("manage.py", "keyvault", "init")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
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


def _kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def kill_and_check(installation: Installation, *, keychains: int, seconds: float) -> None:
    _kill_after(installation.start("manage.py", "keyvault", "rotate"), seconds)
    found = installation.check()
    assert (found["readable"], found["unreadable"]) == (keychains, 0)


def finish(installation: Installation, *, keychains: int) -> None:
    installation.run("manage.py", "keyvault", "rewrap")
    assert installation.check() == {"readable": keychains, "unreadable": 0, "old": 0}
    assert json.loads(installation.run("manage.py", "keyvault", "status", "--json"))
