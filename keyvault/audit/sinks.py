"""Where checkpoints are kept outside of the database, so that a rolled-back one is found."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TAIL_BYTES = 1 << 16


class FileSink:
    """A file of one JSON object a line, appended to and synced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> dict[str, Any] | None:
        """The last whole line, or None when there is none.

        A line that a crash cut short is passed over: the sealer writes that checkpoint again.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL_BYTES))
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            if (checkpoint := _parse(line)) is not None:
                return checkpoint
        return None

    def append(self, checkpoints: Sequence[dict[str, object]]) -> None:
        """Appends checkpoints and waits for the disk.

        Raises:
            OSError: they are not written; the next run of the sealer tries again.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(checkpoint) + "\n" for checkpoint in checkpoints)
        with self._path.open("ab") as file:
            if file.tell() and not self._ends_in_newline():
                lines = "\n" + lines
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def _ends_in_newline(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        checkpoint = json.loads(line)
    except ValueError:
        return None
    is_ours = isinstance(checkpoint, dict) and checkpoint.get("format") == "latchkey-checkpoint"
    return checkpoint if is_ours and line.endswith(b"\n") else None
