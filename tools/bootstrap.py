"""Make or refresh `.venv` from one of the hash-pinned locks in `requirements/`.

Usage: python3 tools/bootstrap.py {base,prod,dev} [--browser]

Needs python3 >= 3.11 and nothing else: standard library only, because it runs before anything is
installed. A stamp in `.venv` names the locks it was filled from, so a second run does nothing.
`--browser` also makes sure that a Chromium is there for the browser tests.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "latchkey-stamp"
LOCKS = ROOT / "requirements"
# Each lock holds everything of the ones before it.
SETS = ("base", "prod", "dev")
OLDEST_PYTHON = (3, 11)


def main() -> int:
    """Bring the environment up to date; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", choices=SETS, help="which lock to install")
    parser.add_argument("--browser", action="store_true", help="also find or install a Chromium")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        return _fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    try:
        if not _is_current(arguments.wanted):
            _install(arguments.wanted)
        if arguments.browser:
            _ensure_browser()
    except BootstrapError as error:
        return _fail(str(error))
    return 0


class BootstrapError(Exception):
    """Something is missing that this script cannot bring; the text names the next step."""


def _fingerprint(name: str) -> str:
    lock = (LOCKS / f"{name}.txt").read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{name} {version} {hashlib.sha256(lock).hexdigest()}"


def _is_current(wanted: str) -> bool:
    if not PYTHON.exists() or not STAMP.exists():
        return False
    enough = SETS[SETS.index(wanted) :]
    return STAMP.read_text().strip() in {_fingerprint(name) for name in enough}


def _install(wanted: str) -> None:
    _say(f"Preparing .venv ({wanted})")
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists():
        # Debian without python3-venv has no ensurepip, so the environment starts without pip.
        venv.create(VENV, with_pip=False, symlinks=True, clear=VENV.exists())
    lock = LOCKS / f"{wanted}.txt"
    if not (_install_uv() and _install_with_uv(lock)):
        _say("uv is not to be had here, plain pip takes over (slower)")
        _pip("install", "--require-hashes", "--no-deps", "-r", str(lock))
    temporary = STAMP.with_suffix(".new")
    temporary.write_text(_fingerprint(wanted) + "\n")
    temporary.replace(STAMP)


def _install_uv() -> bool:
    try:
        _pip("install", "--quiet", "--require-hashes", "-r", str(LOCKS / "uv.txt"))
    except subprocess.CalledProcessError:
        return False
    return True


def _install_with_uv(lock: Path) -> bool:
    # Warnings are off: a plain user's cache may stand on another disk than the environment.
    command = [
        *(str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)),
        *("--require-hashes", "--compile-bytecode", "--link-mode", "copy", "-r", str(lock)),
    ]
    try:
        return subprocess.run(command, check=False, cwd=ROOT).returncode == 0
    except OSError:
        return False


def _pip(*arguments: str) -> None:
    """Run a pip that installs into `.venv`: the system's own, else the one in ensurepip."""
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    system_pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if _works([*system_pip, "--version"]):
        subprocess.run([*system_pip, *arguments], check=True, env=quiet, cwd=ROOT)
        return
    if not _works([str(PYTHON), "-m", "pip", "--version"]) and not _works(
        [str(PYTHON), "-m", "ensurepip", "--default-pip"]
    ):
        text = "Neither pip nor ensurepip is here. On Debian or Ubuntu: apt-get install python3-pip"
        raise BootstrapError(text)
    subprocess.run([str(PYTHON), "-m", "pip", *arguments], check=True, env=quiet, cwd=ROOT)


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0


def _ensure_browser() -> None:
    if shutil.which("chromium") or _has_playwright_browser():
        return
    _say("Fetching a Chromium for the browser tests")
    if _works([str(PYTHON), "-m", "playwright", "install", "chromium"]):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(install, check=False, env=quiet, stdout=subprocess.DEVNULL)
    if not shutil.which("chromium"):
        text = (
            "The browser tests need Chromium. Run: apt-get install chromium (as root), or "
            ".venv/bin/python -m playwright install chromium"
        )
        raise BootstrapError(text)


def _has_playwright_browser() -> bool:
    look = (
        "import pathlib, sys; from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p:\n"
        "    sys.exit(not pathlib.Path(p.chromium.executable_path).exists())"
    )
    return _works([str(PYTHON), "-c", look])


def _say(text: str) -> None:
    sys.stderr.write(f"{text} …\n")


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
