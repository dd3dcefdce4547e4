"""Start the whole of Latchkey for a try-out: simulator, worker, application, demo data.

Called by `make run`. PORT, SIMULATOR_PORT and DATA_DIR come from the environment. Ctrl-C or SIGTERM
stops all of it; so does the end of any one part.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LAST_DEMO = ".demo-of-the-last-start.json"
START_SECONDS = 60
STOP_SECONDS = 10


class StartError(Exception):
    """A part did not start; the text names the next step."""


class Stop(BaseException):
    """A signal asked for the end."""


def _heed_no_more() -> None:
    """Let nothing come between the wish to stop and the end of every part."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # a handler's shape
    _heed_no_more()
    raise Stop


class Site:
    """The parts of a running Latchkey, started in order and stopped in reverse."""

    def __init__(self) -> None:
        self.port = _port("PORT", 8000)
        self.simulator_port = _port("SIMULATOR_PORT", 8001)
        self.data_dir = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
        self.url = f"http://127.0.0.1:{self.port}"
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            "LATCHKEY_OPERATOR_NAME": "Example Apps",
            **os.environ,
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "SIMULATOR_PORT": str(self.simulator_port),
            "PROMETHEUS_MULTIPROC_DIR": str(self.data_dir / "metrics"),
        }

    def start(self) -> None:
        """Bring everything up; the demo's facts are written last."""
        for port in (self.port, self.simulator_port, self.simulator_port + 1):
            _require_free(port)
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self.data_dir / "metrics", ignore_errors=True)
        (self.data_dir / "metrics").mkdir()
        # Whoever waits for demo.json must not find the last start's, so `make run` has put it
        # aside before anything else; its accounts are kept.
        demo, last = self.data_dir / "demo.json", self.data_dir / LAST_DEMO
        if demo.exists():
            demo.replace(last)
        earlier = last.read_bytes() if last.exists() else b""

        _say("Preparing the database and the keyring")
        self._manage("migrate", "--verbosity", "0")
        self._manage("createcachetable", "--verbosity", "0")
        if not (self.data_dir / "keyring.json").exists():
            self._manage("keyvault", "init")
        self._manage("collectstatic", "--noinput", "--verbosity", "0")

        _say("Starting the simulator, the worker and the application")
        simulator = [sys.executable, "-m", "simulator", "--cluster", "both"]
        simulator += ["--port", str(self.simulator_port)]
        self._spawn("simulator", *simulator, "--state", str(self.data_dir / "simulator.json"))
        self._await(f"http://127.0.0.1:{self.simulator_port}/_sim/stats", "simulator")
        self._spawn("worker", sys.executable, "manage.py", "worker")
        granian = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
        granian += ["--port", str(self.port), "--workers", "2", "--blocking-threads", "4"]
        self._spawn("application", *granian, "--log-level", "warning", "config.wsgi:application")
        self._await(f"{self.url}/readyz", "application")
        self._manage("demo", "--first-run", stdin=earlier)
        last.unlink(missing_ok=True)

    def watch(self) -> str:
        """Wait until a part ends; returns its name."""
        while True:
            for name, part in self._parts.items():
                if part.poll() is not None:
                    return name
            time.sleep(0.2)

    def stop(self) -> None:
        """End every part, the last started first; a start that failed leaves the demo's facts."""
        last = self.data_dir / LAST_DEMO
        if last.exists():
            last.replace(self.data_dir / "demo.json")
        running = [part for part in reversed(self._parts.values()) if part.poll() is None]
        for part in running:
            part.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for part in running:
            try:
                part.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(part.pid, signal.SIGKILL)
                part.wait()

    def _manage(self, *arguments: str, stdin: bytes = b"") -> None:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=self._environment, input=stdin, process_group=0
        )
        if done.returncode != 0:
            message = f"manage.py {arguments[0]} failed; its words stand above."
            raise StartError(message)

    def _spawn(self, name: str, *command: str) -> None:
        # A session of its own: Ctrl-C reaches this process alone, which then stops the rest.
        self._parts[name] = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, start_new_session=True
        )

    def _await(self, url: str, name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._parts[name].poll() is not None:
                message = f"The {name} ended at once; its words stand above."
                raise StartError(message)
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # our own http address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        message = f"The {name} does not answer on {url}."
        raise StartError(message)


def _port(name: str, otherwise: int) -> int:
    text = os.environ.get(name) or str(otherwise)
    if not text.isdecimal() or not 1 <= int(text) <= 65534:  # noqa: PLR2004  # us1 is the next
        message = f"{name} must be a port number from 1 to 65534, not {text!r}."
        raise StartError(message)
    return int(text)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            message = (
                f"Port {port} is taken. Is Latchkey running already? "
                "Choose others: make run PORT=8100 SIMULATOR_PORT=8101"
            )
            raise StartError(message) from None


def _show(site: Site) -> None:
    facts = json.loads((site.data_dir / "demo.json").read_text())
    store = facts["merchant"]["store_id"]
    lease = (
        f"curl -s -X POST {site.url}/api/v1/stores/{store}/leases "
        f"-H 'Authorization: Bearer {facts['backend_token']}' "
        "-H 'Content-Type: application/json' -d '{\"permits\": 1}'"
    )
    good, weak = facts["good_key"], facts["weak_key"]
    lines = [
        "",
        f"Latchkey runs at        {site.url}",
        f"Merchant                {facts['merchant']['email']}  {facts['merchant']['password']}",
        f"Staff ({site.url}/staff/)  {facts['staff']['email']}  {facts['staff']['password']}",
        f"  its one-time codes    {facts['staff']['totp_secret']} (for an app that makes them)",
        f"A pair that works       {good['key']}  {good['secret']}",
        f"Lacks {weak['missing']:<18}{weak['key']}  {weak['secret']}",
        f"Backend token           {facts['backend_token']}",
        "Lease a key:",
        f"  {lease}",
        f"All of this also stands in {site.data_dir / 'demo.json'}. Ctrl-C stops everything.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text} …\n")


def main() -> int:
    """Run until stopped; returns the process's exit code."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    site = None
    try:
        site = Site()
        site.start()
        _show(site)
        sys.stderr.write(f"The {site.watch()} ended by itself; stopping the rest.\n")
    except StartError as error:
        sys.stderr.write(f"{error}\n")
    except Stop:
        _say("\nStopping")
        return 0
    finally:
        _heed_no_more()
        if site is not None:
            site.stop()
    return 1


if __name__ == "__main__":
    sys.exit(main())
