"""Run command lines, two at a time: python tools/beside.py LINE [LINE …].

A line starts as soon as there is a place for it. What the first prints is shown as it comes; what
another prints, when it has ended. Ctrl-C or SIGTERM stops all of them, with whatever they started.
The exit code is that of the first line that failed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

AT_ONCE = 2
STOP_SECONDS = 30
STOPPED = 130


class Stop(BaseException):
    """A signal asked for the end."""


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # a handler's shape
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stop


class Lines:
    """Command lines that run, each in a process group of its own."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []
        self._is_over = False

    def run(self, line: str, *, is_shown: bool) -> int:
        """Run one line to its end; returns its exit code."""
        with tempfile.TemporaryFile() as kept:
            output = None if is_shown else kept
            process = subprocess.Popen(
                ["sh", "-c", line],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output and subprocess.STDOUT,
                process_group=0,
            )
            self._running.append(process)
            if self._is_over:
                self.end()
            code = process.wait()
            self._running.remove(process)
            kept.seek(0)
            sys.stdout.buffer.write(kept.read())
            sys.stdout.flush()
        return abs(code)

    def end(self) -> None:
        """Ask each to end, then see to it that nothing of it is left."""
        self._is_over = True
        ending = list(self._running)
        for process in ending:
            _send(signal.SIGINT, process)
        for process in ending:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            _send(signal.SIGKILL, process)


def _send(number: signal.Signals, process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def main() -> int:
    """Run the lines of the command line; returns the exit code."""
    texts = sys.argv[1:]
    if not texts or texts[0] in {"-h", "--help"}:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if texts else 2
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    lines = Lines()
    with ThreadPoolExecutor(AT_ONCE) as places:
        try:
            codes = [
                places.submit(lines.run, text, is_shown=index == 0)
                for index, text in enumerate(texts)
            ]
            return next(filter(None, [code.result() for code in codes]), 0)
        except Stop:
            places.shutdown(wait=False, cancel_futures=True)
            lines.end()
            return STOPPED


if __name__ == "__main__":
    sys.exit(main())
