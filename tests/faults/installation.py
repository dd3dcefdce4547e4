"""A whole Latchkey of its own, started as processes, so that they can be killed, cut and filled."""

import contextlib
import http.client
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.output import Output

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def free_port(count: int = 1) -> int:
    """The first of some ports in a row that nobody listens on."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            for step in range(1, count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port + step))
            return port


def wait_for(condition: Callable[[], bool], *, what: str, seconds: float = START_SECONDS) -> None:
    """Return as soon as something is so; fail when it does not come about.

    The condition asks another process each time, which takes it a while.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            message = f"after {seconds} s still not: {what}"
            raise AssertionError(message)


class Installation:
    """The parts of one Latchkey.

    Attributes:
        folder: its DATA_DIR.
        port: where the first application listens.
        variables: further environment variables of everything that is started.
        facts: what `demo --first-run` wrote.
        parts: what was started and has not been ended yet.
        output: what each part printed.
    """

    def __init__(self, folder: Path, *, database_url: str = "", **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.simulator_port = free_port(2)
        self.database_url = database_url
        self.variables = variables
        self.facts: dict[str, Any] = {}
        self._shop_id: int | None = None
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.output: dict[str, Output] = {}

    def prepare(self) -> None:
        """Make database, keyring and demo data; leaves nothing running."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for command in (
            "migrate -v0",
            "createcachetable -v0",
            "keyvault init",
            "collectstatic -v0 --noinput",
        ):
            self.manage(*command.split())
        self.start_simulator()
        self.manage("demo", "--first-run")
        self.read_facts()
        self.stop()

    def copied_from(self, other: "Installation") -> "Installation":
        """Take over another one's data, which must not be running."""
        shutil.copytree(other.folder, self.folder, dirs_exist_ok=True)
        self.read_facts()
        return self

    def read_facts(self) -> None:
        self.facts = json.loads((self.folder / "demo.json").read_text())

    @property
    def environment(self) -> dict[str, str]:
        metrics = self.folder / "metrics"
        metrics.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "SIMULATOR_PORT": str(self.simulator_port),
            "DATABASE_URL": self.database_url,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "PYTHONUNBUFFERED": "1",
            **self.variables,
        }

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            check=False,
            cwd=ROOT,
            env=self.environment,
            input="",
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode != 0:
            message = f"manage.py {arguments[0]}: {done.stderr[-3000:]}"
            raise AssertionError(message)
        return done

    def shell(self, code: str) -> str:
        """Run Python beside the application; what it prints."""
        return self.manage("shell", "--no-imports", "-v0", "-c", code).stdout.strip()

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        part = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert part.stdout is not None
        self.parts[name] = part
        self.output[name] = Output(part.stdout)
        return part

    def start_simulator(self) -> None:
        command = [sys.executable, "-m", "simulator", "--cluster", "both"]
        command += [
            "--port",
            str(self.simulator_port),
            "--state",
            str(self.folder / "simulator.json"),
        ]
        self.start("simulator", *command)
        self.output["simulator"].wait_for("Simulator ready", seconds=START_SECONDS)

    def start_web(self, name: str = "web", *, workers: int = 1, port: int = 0) -> None:
        port = port or self.port
        command = [sys.executable, "-m", *_server_command(port=port, workers=workers)]
        self.start(name, *command)
        self.output[name].wait_for("Started worker-1", seconds=START_SECONDS)
        wait_for(lambda: self.is_ready(port) or self.has_ended(name), what=f"{name} is ready")
        if self.has_ended(name):
            message = f"{name} ended at once: {self.log_of(name)[-3000:]}"
            raise AssertionError(message)

    def start_worker(self, name: str = "worker") -> subprocess.Popen[bytes]:
        return self.start(name, sys.executable, "manage.py", "worker")

    def is_ready(self, port: int = 0) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/readyz", port=port, timeout=2).status == 200
        return False

    def has_ended(self, name: str) -> bool:
        return self.parts[name].poll() is not None

    def log_of(self, name: str) -> str:
        return self.output[name].text

    def children_of(self, name: str) -> list[int]:
        return _children(self.parts[name].pid)

    def kill(self, name: str) -> None:
        """End a part and its children as a power cut would."""
        part = self.parts.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)
        part.wait()

    def terminate(self, name: str) -> int:
        part = self.parts.pop(name)
        part.terminate()
        try:
            return part.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(part.pid, signal.SIGKILL)
            return part.wait()

    def stop(self) -> None:
        for name in reversed(list(self.parts)):
            self.terminate(name)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        token: str = "",
        port: int = 0,
        timeout: float = 15,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; a body is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=content, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()

    def lease(self, store: str = "", *, permits: int = 1, **options: Any) -> Answer:
        store = store or self.facts["merchant"]["store_id"]
        return self.request(
            "POST",
            f"/api/v1/stores/{store}/leases",
            body={"permits": permits, **options},
            token=self.facts["backend_token"],
        )

    def tell_simulator(self, what: str, facts: dict[str, Any]) -> None:
        address = f"http://127.0.0.1:{self.simulator_port}/_sim/{what}"
        content = json.dumps(facts).encode()
        request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10):
            pass

    def new_pair(self) -> dict[str, str]:
        """A pair of the demo merchant's shop that the simulator knows and the vault does not."""
        pair = {"key": secrets.token_hex(16), "secret": secrets.token_hex(16)}
        self.tell_simulator("keys", {**pair, "shop_id": self.shop_id(), "language": ["en", "nl"]})
        return pair

    def shop_id(self) -> int:
        if self._shop_id is None:
            store = self.facts["merchant"]["store_id"]
            code = "from onboarding.models import Store; print(Store.objects.get(pk=%r).shop_id)"
            self._shop_id = int(self.shell(code % store))
        return self._shop_id

    def rss_mib(self, name: str) -> float:
        """Memory of a part and its children."""
        return _rss_mib(self.parts[name].pid)


def _server_command(*, port: int, workers: int) -> list[str]:
    """What the unit starts in production, with readable words for its log."""
    unit = (ROOT / "deploy" / "systemd" / "latchkey-web@.service").read_text()
    line = unit.split("\nExecStart=", 1)[1].split("\nRestart=", 1)[0].replace("\\\n", " ")
    values = {"%i": str(port), "${WEB_WORKERS}": str(workers), "${WEB_THREADS}": "256"}
    words = [values.get(word, word) for word in shlex.split(line.split(" -m ", 1)[1])]
    at = words.index("--log-config")
    return [*words[:at], "--log-level", "info", *words[at + 2 :]]


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return own / 1024 + sum(_rss_mib(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
