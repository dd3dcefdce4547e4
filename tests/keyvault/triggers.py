"""Taking the audit triggers away: as an attacker would, and for the flush after a test."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

migration = importlib.import_module("keyvault.migrations.0003_audit_triggers")


def drop() -> None:
    _run(migration.SQLITE_REVERSE, migration.POSTGRESQL_REVERSE)


def create() -> None:
    _run(migration.SQLITE, migration.POSTGRESQL)


@contextmanager
def untriggered() -> Iterator[None]:
    """The guards away; what notes new entries for the sealer stays."""
    keep = "pending"
    sqlite = [sql for sql in migration.SQLITE_REVERSE if keep not in sql]
    postgresql = [sql for sql in migration.POSTGRESQL_REVERSE if "_append_only ON" in sql]
    _run(sqlite, postgresql)
    yield


def _run(sqlite: list[str], postgresql: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in sqlite if connection.vendor == "sqlite" else postgresql:
            cursor.execute(statement)
