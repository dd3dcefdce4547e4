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


def test_whoever_reads_no_further_gets_no_traceback() -> None:
    stores = [{"id": n, "state": "ok", "name": "Bakery"} for n in range(5)]
    body = json.dumps({"stores": stores, "next": None}).encode()
    page = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    reading, writing = os.pipe()
    os.close(reading)
    with answering(page) as server:
        ran = subprocess.run(
            [sys.executable, "-m", "latchkey.cli", "stores"],
            cwd=Path(__file__).resolve().parents[2] / "client",
            env={**os.environ, "LATCHKEY_URL": server.url, "LATCHKEY_TOKEN": "lk_x"},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (0, "")
