"""Whose turn it is to write to SQLite, which has one writer and pays for each commit with an fsync.

SQLite itself would look again and again, with growing pauses, and might let somebody starve. Here
threads queue for a lock and processes for a file, and whoever gets the turn writes what all threads
of its process have ready, in one transaction: eight leases cost one fsync.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.backends.sqlite3.creation import DatabaseCreation

_lock: Final = threading.Lock()
_ready: Final[deque["_Write"]] = deque()
# Open as long as the process runs.
_descriptors: Final[dict[str, int]] = {}


@dataclass(slots=True)
class _Write:
    work: Callable[[], bool]
    is_over: bool = False
    is_written: bool = False
    error: Exception | None = None


@contextmanager
def short_transaction() -> Iterator[None]:
    """A transaction; on SQLite one for which threads and processes queue.

    Whoever is in a transaction holds SQLite's lock already and must not wait for a turn.
    """
    is_in_turn = connection.vendor == "postgresql" or connection.in_atomic_block
    with nullcontext() if is_in_turn else _turn(), transaction.atomic():
        yield


@contextmanager
def _turn() -> Iterator[None]:
    with _lock, _turn_of_this_process():
        yield


def write_together(work: Callable[[], bool]) -> bool:
    """Runs a write in a transaction that it may share with those of other threads.

    Args:
        work: writes by `connection`, which is that of the thread whose turn it is.

    Returns:
        What it returns, once it is committed.

    Raises:
        Exception: what it raises; writes that were ready at the same time do not fail with it.
    """
    if connection.in_atomic_block:
        return work()
    mine = _Write(work)
    _ready.append(mine)
    with _lock:
        if not mine.is_over:
            _commit([_ready.popleft() for _ in range(len(_ready))])
    if mine.error is not None:
        raise mine.error
    return mine.is_written


def _commit(writes: list[_Write]) -> None:
    try:
        with _turn_of_this_process(), transaction.atomic():
            for write in writes:
                write.is_written = write.work()
    except Exception:  # noqa: BLE001  # whose fault it was turns out one by one
        for write in writes:
            _commit_alone(write)
    for write in writes:
        write.is_over = True


def _commit_alone(write: _Write) -> None:
    try:
        with _turn_of_this_process(), transaction.atomic():
            write.is_written = write.work()
    except Exception as error:  # noqa: BLE001  # raised by the thread that wrote it
        write.error = error


@contextmanager
def _turn_of_this_process() -> Iterator[None]:
    """Waits for other processes; those of a database in memory have none."""
    name = str(connection.settings_dict["NAME"])
    with nullcontext() if DatabaseCreation.is_in_memory_db(name) else _locked(name):
        yield


@contextmanager
def _locked(name: str) -> Iterator[None]:
    descriptor = _descriptors.get(name)
    if descriptor is None:
        descriptor = os.open(f"{name}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _descriptors[name] = descriptor
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
