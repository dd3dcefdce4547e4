"""Processes that a benchmark starts and stops: the site, the bare view, OpenBao, the vendor."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
START_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(
    url: str, *, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One request; refusals are answers too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {})  # noqa: S310  # ours
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # ours
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextlib.contextmanager
def running(
    command: list[str], *, url: str, environment: dict[str, str], folder: Path
) -> Iterator[None]:
    """A process, from when it answers until the end of the block."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait(url, process=process)
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _wait(url: str, *, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            call(url)
            return
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"{process.args!r} did not start"
            raise RuntimeError(message)
        time.sleep(0.1)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for one server's data."""
    path = Path(tempfile.mkdtemp(prefix="latchkey-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(data: Path, *, database_url: str | None = None, **more: str) -> dict[str, str]:
    """What the site reads, and nothing of the caller's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LATCHKEY_") and name not in {"DATABASE_URL", "DATA_DIR"}
    }
    found = {**kept, "DATA_DIR": str(data), "PYTHONPATH": str(ROOT), **more}
    if database_url is not None:
        found["DATABASE_URL"] = database_url
    (data / "static").mkdir(exist_ok=True)
    return found


def manage(arguments: list[str], *, environment: dict[str, str]) -> str:
    """What a command prints."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def prepared(
    *, environment: dict[str, str], stores: int, keys: Sequence[int], limits: str
) -> dict[str, Any]:
    """A site's database: {"token", "stores", "pairs"}; see `benchmarks.stock`."""
    if not Path(environment["DATA_DIR"], "keyring.json").exists():
        manage(["manage.py", "keyvault", "init"], environment=environment)
    printed = manage(
        [
            "-m",
            "benchmarks.stock",
            f"--stores={stores}",
            f"--keys={','.join(map(str, keys))}",
            f"--limits={limits}",
        ],
        environment=environment,
    )
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return found


def granian(application: str, *, port: int, workers: int = 2) -> list[str]:
    """The recommended server."""
    return [
        str(BIN / "granian"),
        "--interface=wsgi",
        f"--workers={workers}",
        "--blocking-threads=16",
        "--host=127.0.0.1",
        f"--port={port}",
        "--no-ws",
        "--log-level=warning",
        application,
    ]


@contextlib.contextmanager
def openbao() -> Iterator[tuple[str, str]]:
    """OpenBao with raft storage, a file audit and one secret: its address and a token."""
    with folder() as data:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        (data / "raft").mkdir()
        (data / "bao.hcl").write_text(
            f'storage "raft" {{ path = "{data}/raft" node_id = "one" }}\n'
            f'listener "tcp" {{ address = "127.0.0.1:{port}" tls_disable = true }}\n'
            f'audit "file" "file" {{ options = {{ file_path = "{data}/audit.log" }} }}\n'
            f'api_addr = "{address}"\ncluster_addr = "http://127.0.0.1:{free_port()}"\n'
            "disable_mlock = true\n"
        )
        command = [str(BIN / "bao"), "server", f"-config={data}/bao.hcl"]
        with running(
            command, url=f"{address}/v1/sys/health", environment=dict(os.environ), folder=data
        ):
            yield address, _bao_ready(address)


def _bao_ready(address: str) -> str:
    shares = {"secret_shares": 1, "secret_threshold": 1}
    init = json.loads(call(f"{address}/v1/sys/init", body=shares)[1])
    call(f"{address}/v1/sys/unseal", body={"key": init["keys"][0]})
    token = str(init["root_token"])
    headers = {"X-Vault-Token": token}
    deadline = time.monotonic() + START_SECONDS
    mount = {"type": "kv", "options": {"version": "2"}}
    while call(f"{address}/v1/sys/mounts/secret", body=mount, headers=headers)[0] >= 300:
        if time.monotonic() > deadline:
            message = "OpenBao did not become active"
            raise RuntimeError(message)
        time.sleep(0.2)
    pair = {"key": secrets.token_hex(16), "secret": secrets.token_hex(16)}
    while (
        call(f"{address}/v1/secret/data/store", body={"data": pair}, headers=headers)[0] >= 300
        and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    return token
