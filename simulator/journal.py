"""The state file: keys kept over a restart, without a plain key or secret in it.

JSON lines, mode 0600. The first line holds version and salt, each further line one key as it was
after a change; the last line of a key wins. A line that a crash cut short is the last one and is
left out. Opening rewrites the file with one line a key, through a temporary file and a rename.

    {"version":1,"salt":"5f…"}
    {"key_hash":"91…","secret_hash":"0c…","last_four":"77ab","cluster":"eu1","shop_id":300001,…}
"""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulator.answers import to_json
from simulator.keys import ApiKey, KeyBook, new_salt

VERSION = 1


class JournalError(Exception):
    """The state file cannot be used; the message says why."""


def open_journal(path: Path) -> KeyBook:
    """Open or create a state file and give its keys; later changes are written to it.

    Raises:
        JournalError: It cannot be read or written, or it is no state file.
    """
    try:
        salt, keys = _read(path) if path.exists() else (new_salt(), [])
        _rewrite(path=path, salt=salt, keys=keys)
    except OSError as error:
        message = f"The state file {path} cannot be used: {error.strerror}."
        raise JournalError(message) from error
    return KeyBook(salt=salt, known=keys, record=_Appender(path))


class _Appender:
    """Adds one line for each change; a line that does not fit is taken back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, api_key: ApiKey) -> None:
        line = to_json(api_key.as_record()) + b"\n"
        with self._path.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                _write_all(file.fileno(), line)
            except OSError:
                file.truncate(end)
                raise


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _read(path: Path) -> tuple[bytes, list[ApiKey]]:
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        head = json.loads(lines[0])
        if head["version"] != VERSION:
            message = f"The state file {path} has another version."
            raise JournalError(message)
        salt = bytes.fromhex(head["salt"])
        keys = [_read_key(json.loads(line)) for line in lines[1:]]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        message = f"The state file {path} is damaged."
        raise JournalError(message) from error
    return salt, list({key.key_hash: key for key in keys}.values())


def _read_key(record: dict[str, Any]) -> ApiKey:
    return ApiKey(**{**record, "languages": tuple(record["languages"])})


def _rewrite(*, path: Path, salt: bytes, keys: Iterable[ApiKey]) -> None:
    lines = [to_json({"version": VERSION, "salt": salt.hex()})]
    lines += (to_json(key.as_record()) for key in keys)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"\n".join(lines) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
