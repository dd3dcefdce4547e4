"""Reading one state of the database while others write."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_BEGIN = {
    # Deferred: unlike the transactions of the settings it takes no write lock.
    "sqlite": "BEGIN DEFERRED",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}


@contextmanager
def snapshot() -> Iterator[None]:
    """A read-only transaction in which every statement sees the same state.

    Joins a transaction that is open already, with the isolation that it has.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
