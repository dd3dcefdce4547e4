"""`latchkey` on the command line."""

import sys
from pathlib import Path

import pytest

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
