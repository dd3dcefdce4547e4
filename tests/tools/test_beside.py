"""Command lines beside each other, and a throw-away PostgreSQL: nothing outlives them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
BESIDE = (sys.executable, "tools/beside.py")
POSTGRES = (sys.executable, "tools/postgres.py")
FOR_EVER = "tail -f /dev/null"


def test_every_line_runs_and_is_shown_in_one_piece() -> None:
    lines = ("echo first", "echo second; echo to stderr >&2", "echo third")
    done = subprocess.run(
        [*BESIDE, *lines], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    assert sorted(done.stdout.splitlines()) == ["first", "second", "third", "to stderr"]
    assert "second\nto stderr\n" in done.stdout


@pytest.mark.parametrize("lines", [("exit 3", "true", "exit 4"), ("true", "exit 3", "exit 4")])
def test_the_first_failure_is_the_exit_code(lines: tuple[str, ...], tmp_path: Path) -> None:
    last = tmp_path / "last"
    done = subprocess.run([*BESIDE, *lines, f"touch {last}"], cwd=ROOT, check=False)
    assert done.returncode == 3
    assert last.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_whatever_the_lines_have_started(
    number: signal.Signals, tmp_path: Path
) -> None:
    fifo, script = tmp_path / "fifo", tmp_path / "line.py"
    os.mkfifo(fifo)
    # Whoever lives holds the pipe open, so its end is the end of all of them, also of one that does
    # not heed Ctrl-C.
    script.write_text(
        "import signal, subprocess, sys\n"
        "with open(sys.argv[1], 'w') as fifo:\n"
        "    heedless = 'trap \"\" INT; echo up; tail -f /dev/null'\n"
        "    subprocess.Popen(heedless, shell=True, stdout=fifo)\n"
        "    signal.pause()\n"
    )
    line = f"{sys.executable} {script} {fifo}"
    process = subprocess.Popen([*BESIDE, line, line], cwd=ROOT)
    with fifo.open() as alive:
        assert [alive.readline(), alive.readline()] == ["up\n", "up\n"]
        process.send_signal(number)
        assert alive.read() == ""
    assert process.wait() == 130


def test_a_signal_ends_the_command_and_then_its_postgresql() -> None:
    with subprocess.Popen(
        [*POSTGRES, "sh", "-c", f'echo "$DATABASE_URL"; exec {FOR_EVER}'],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        url = next(iter(process.stdout or ()))
        (folder,) = parse_qs(urlsplit(url.strip()).query)["host"]
        assert Path(folder).is_dir()
        process.terminate()
    assert process.returncode == 128 + signal.SIGTERM
    assert not Path(folder).exists()
