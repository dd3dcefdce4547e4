import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.cli import main, parse_options
from simulator.limits import DEFAULT_LIMITS, Limit
from simulator.running import RunningSimulator
from simulator.server import WindowKind
from tests.simulator.stand_in import KEY, SECRET, fetch, steer

COMMAND = (sys.executable, "-m", "simulator")


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A simulator in a process of its own, and the addresses that it announced."""
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, re.findall(r"http://[\d.:]+", process.stdout.readline())
        finally:
            process.kill()


def test_the_defaults_are_the_vendors() -> None:
    options = parse_options([])
    assert options.ports == {"eu1": 8001}
    assert (options.windows, options.limits) == (WindowKind.FIXED, DEFAULT_LIMITS)
    assert options.state_file is None


def test_both_clusters_take_two_ports() -> None:
    assert parse_options(["--cluster", "both", "--port", "9000"]).ports == {
        "eu1": 9_000,
        "us1": 9_001,
    }
    assert parse_options(["--cluster", "both", "--port", "0"]).ports == {"eu1": 0, "us1": 0}


def test_every_option_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    options = parse_options(
        ["--cluster", "us1", "--windows", "sliding", "--limits", "5/10", "--state", str(file)]
    )
    assert options.ports == {"us1": 8_001}
    assert options.windows is WindowKind.SLIDING
    assert (options.limits, options.state_file) == ((Limit(5, 10),), file)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], "is not a port"),
        (["--port", "65536"], "is not a port"),
        (["--port", "-1"], "is not a port"),
        (["--port", "65535", "--cluster", "both"], "both clusters need two ports"),
        (["--cluster", "eu2"], "invalid choice: 'eu2'"),
        (["--windows", "rolling"], "invalid choice: 'rolling'"),
        (["--limits", "20"], "'20' is not REQUESTS/SECONDS"),
        (["--limits", "0/1"], "holds a zero"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_a_bad_argument_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    for option in ("--port", "--cluster", "--windows", "--limits", "--state"):
        assert option in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(number: signal.Signals) -> None:
    with started("--port", "0") as (process, (url,)):
        steer(url, "keys", {"key": KEY, "secret": SECRET})
        steer(url, "faults", {"path": "", "kind": "slow", "seconds": 0.01})
        assert fetch(url, "/en/shop.json").status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_both_clusters_run_in_one_process_and_keep_their_keys(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--cluster", "both", "--state", str(tmp_path / "keys.jsonl"))
    with started(*arguments) as (_, (_, us1)):
        steer(us1, "keys", {"key": KEY, "secret": SECRET})
    with started(*arguments) as (_, (eu1, us1)):
        assert fetch(eu1, "/en/shop.json").status == 401
        assert fetch(us1, "/en/shop.json").status == 200


def test_a_port_that_is_taken_is_named(
    simulator: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    port = simulator.url_eu1.rpartition(":")[2]
    assert main(["--port", port]) == 1
    told = f"simulator: Port {port} of 127.0.0.1 cannot be used: Address already in use.\n"
    assert capsys.readouterr() == ("", told)


def test_a_damaged_state_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text("nonsense\n")
    assert main(["--state", str(path)]) == 1
    assert capsys.readouterr() == ("", f"simulator: The state file {path} is damaged.\n")
