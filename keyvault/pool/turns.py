"""Whose turn it is: with a store, and to write to SQLite.

Threads of a process that borrow from one store would all read the same best key, and all but one
would lose the race to write it. So they take turns.

SQLite has one writer and pays for each commit with an fsync. It would look again and again, with
growing pauses, and might let somebody starve. Here threads queue for a lock and processes for a
file, and whoever gets the turn writes what all threads of its process have ready, in one
transaction: eight leases cost one fsync.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.sqlite3.creation import DatabaseCreation

from keyvault.pool.gathering import Gathering

_lock: Final = threading.Lock()
# Two stores may share one: they then wait for each other, which harms nothing.
_stores: Final = tuple(threading.Lock() for _ in range(1024))
# Open as long as the process runs.
_descriptors: Final[dict[str, int]] = {}


@contextmanager
def turn_with_store(keychain_id: UUID, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Waits for other threads that borrow from the store.

    Whoever holds a connection does not wait: those who have the turn may need it.

    Args:
        keychain_id: the store.
        on_wait: called before it waits.
    """
    if holds_connection():
        yield
        return
    lock = _stores[hash(keychain_id) % len(_stores)]
    if not lock.acquire(blocking=False):
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def holds_connection() -> bool:
    """Whether this thread has one of few connections, or the turn to write."""
    is_open = connection.vendor == "postgresql" and connection.connection is not None
    return is_open or connection.in_atomic_block


def hang_up() -> None:
    """Gives this thread's connection back; so it may wait for others who need one."""
    connection.close()


@contextmanager
def short_transaction() -> Iterator[None]:
    """A transaction; on SQLite one for which threads and processes queue.

    Whoever is in a transaction holds SQLite's lock already and must not wait for a turn.
    """
    is_in_turn = connection.vendor == "postgresql" or connection.in_atomic_block
    with nullcontext() if is_in_turn else _turn(), transaction.atomic():
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
    return _writes.ask(work)


def _commit(writes: list[Callable[[], bool]]) -> list[bool | Exception]:
    try:
        with _turn(), transaction.atomic():
            return [write() for write in writes]
    except Exception:  # noqa: BLE001  # whose fault it was turns out one by one
        return [_commit_alone(write) for write in writes]


def _commit_alone(write: Callable[[], bool]) -> bool | Exception:
    try:
        with _turn(), transaction.atomic():
            return write()
    except Exception as error:  # noqa: BLE001  # raised by the thread that wrote it
        return error


_writes: Final = Gathering(_commit)


@contextmanager
def _turn() -> Iterator[None]:
    """Waits for other threads and processes; a database in memory has no other processes."""
    name = str(connection.settings_dict["NAME"])
    with _lock, nullcontext() if DatabaseCreation.is_in_memory_db(name) else _locked(name):
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
