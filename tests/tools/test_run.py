"""`make run` as its user meets it: started, used, stopped, started again, refused."""

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The line that tools/run.py prints last.
READY = "Ctrl-C stops everything."

pytestmark = pytest.mark.slow


def _free_ports() -> list[int]:
    """A port for the site and two for the simulator, below those that the system hands out."""
    while True:
        first = 10_000 + secrets.randbelow(20_000)
        ports = [first, first + 1, first + 2]
        with ExitStack() as stack, suppress(OSError):
            for port in ports:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return ports


@contextmanager
def running(environment: dict[str, str]) -> Iterator[str]:
    """Start everything; gives what was printed until all was ready."""
    process = subprocess.Popen(
        [sys.executable, "tools/run.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        printed = ""
        for line in process.stdout or ():
            printed += line
            if READY in line:
                break
        assert READY in printed
        yield printed
    finally:
        # Ctrl-C twice, as by somebody in a hurry, or passed on by make besides.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    port, simulator_port, _ = _free_ports()
    mine = {
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(port),
        "SIMULATOR_PORT": str(simulator_port),
    }
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**kept, **mine}


def _ask(url: str, *, body: object = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def _lease(facts: dict[str, Any]) -> Any:
    url = f"{facts['url']}/api/v1/stores/{facts['merchant']['store_id']}/leases"
    return _ask(url, body={"permits": 3}, Authorization=f"Bearer {facts['backend_token']}")


def test_a_leased_key_gets_products_and_a_second_start_keeps_everything(
    environment: dict[str, str],
) -> None:
    data_dir = Path(environment["DATA_DIR"])
    with running(environment) as printed:
        facts = json.loads((data_dir / "demo.json").read_text())
        credential = _lease(facts)["credential"]
        pair = f"{credential['key']}:{credential['secret']}"
        products = _ask(
            f"{credential['base_url']}{credential['language']}/products.json",
            Authorization=f"Basic {base64.b64encode(pair.encode()).decode()}",
        )
        for fact in (facts["url"], facts["backend_token"], facts["good_key"]["secret"]):
            assert fact in printed

    assert products["products"]
    assert (data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
    held = [facts["good_key"]["secret"], facts["weak_key"]["secret"], credential["secret"]]
    held += [facts["backend_token"], facts["merchant"]["password"], facts["staff"]["password"]]
    for path in data_dir.rglob("*"):
        if path.is_file() and path.name != "demo.json":
            content = path.read_bytes()
            assert not [secret for secret in held if secret.encode() in content], path

    with running(environment):
        again = json.loads((data_dir / "demo.json").read_text())
        assert again == facts
        assert _lease(again)["credential"]["key"] == credential["key"]


def test_after_the_end_nothing_listens(environment: dict[str, str]) -> None:
    with running(environment):
        pass

    for name, step in (("PORT", 0), ("SIMULATOR_PORT", 0), ("SIMULATOR_PORT", 1)):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(environment[name]) + step)) != 0


def _failed_start(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "tools/run.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_taken_port_is_named_with_the_way_out(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["PORT"])))
        taken.listen()

        told = _failed_start(environment)

    assert environment["PORT"] in told
    assert "make run PORT=" in told


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused_in_words(environment: dict[str, str], port: str) -> None:
    assert "PORT must be a port number" in _failed_start({**environment, "PORT": port})


def test_a_damaged_keyring_stops_the_start(environment: dict[str, str]) -> None:
    data_dir = Path(environment["DATA_DIR"])
    data_dir.mkdir()
    keyring = data_dir / "keyring.json"
    keyring.write_text("{}")
    keyring.chmod(0o600)

    told = _failed_start(environment)

    assert "keyring" in told
    assert keyring.read_text() == "{}"


def test_a_start_that_fails_leaves_the_facts_of_the_last_one(environment: dict[str, str]) -> None:
    data_dir = Path(environment["DATA_DIR"])
    data_dir.mkdir()
    (data_dir / "demo.json").write_text('{"kept": true}')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["PORT"])))
        taken.listen()

        done = subprocess.run(["make", "run"], cwd=ROOT, env=environment, check=False)

    assert done.returncode != 0
    assert json.loads((data_dir / "demo.json").read_text()) == {"kept": True}
