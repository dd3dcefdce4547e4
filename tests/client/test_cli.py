"""`latchkey` on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.answering import answering

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.cli import main


@pytest.mark.parametrize("name", ["LATCHKEY_PRIVATE_KEY", "LATCHKEY_SIGNING_KEY"])
@pytest.mark.parametrize("value", ["zz", "no base64", "ab!="])
def test_a_key_that_is_no_base64_is_named_and_not_shown(
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LATCHKEY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LATCHKEY_TOKEN", "lk_x")
    monkeypatch.setenv(name, value)

    assert main(["stores"]) == 1

    told = capsys.readouterr().err
    assert name in told
    assert value not in told


def _page(names: list[str]) -> bytes:
    stores = [{"id": n, "state": "ok", "name": name} for n, name in enumerate(names)]
    body = json.dumps({"stores": stores, "next": None}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    return head + body


def _ran(url: str, stdout: int, **environment: str) -> subprocess.CompletedProcess[bytes]:
    known = {"LATCHKEY_URL": url, "LATCHKEY_TOKEN": "lk_x", **environment}
    return subprocess.run(
        [sys.executable, "-m", "latchkey.cli", "stores"],
        cwd=Path(__file__).resolve().parents[2] / "client",
        env={**os.environ, **known},
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


def test_whoever_reads_no_further_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with answering(_page(["Bakery"] * 5)) as server:
        ran = _ran(server.url, writing)
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (0, b"")


def test_where_nothing_can_be_written_is_said_in_one_line() -> None:
    with Path("/dev/full").open("wb") as full, answering(_page(["Bakery"])) as server:
        ran = _ran(server.url, full.fileno())

    assert (ran.returncode, ran.stderr) == (1, b"No space left on device\n")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "Café \ufffd[2J".encode()), ("ascii", b"Caf? ?[2J")]
)
def test_a_name_gives_a_terminal_no_orders(encoding: str, shown: bytes) -> None:
    with answering(_page(["Café \x1b[2J"])) as server:
        ran = _ran(server.url, subprocess.PIPE, PYTHONIOENCODING=encoding)

    assert (ran.returncode, ran.stdout) == (0, b"0  ok             " + shown + b"\n")


@pytest.mark.parametrize("every", ["0", "-1", "nan", "inf", "soon"])
def test_what_is_no_time_to_wait_is_refused_at_once(
    every: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tail", "s", f"--every={every}"])

    assert ended.value.code == 2
    assert "--every" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "code"), [("stores", 130), ("lease", 130), ("tail", 0)])
def test_an_interrupt_is_an_end_for_tail_alone(
    command: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_connection: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("http.client.HTTPConnection.connect", interrupt)
    monkeypatch.setenv("LATCHKEY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LATCHKEY_TOKEN", "lk_x")

    assert main([command, *(["s"] if command != "stores" else [])]) == code
