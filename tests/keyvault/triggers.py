"""Taking the audit triggers away: as an attacker would, and for the flush after a test."""

import importlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django.plugin import blocking_manager_key

migration = importlib.import_module("keyvault.migrations.0003_audit_triggers")

TRANSACTIONAL = {"transactional_db", "live_server", "django_db_reset_sequences"}


@contextmanager
def untriggered() -> Iterator[None]:
    """The guards away; what notes new entries for the sealer stays."""
    sqlite = [sql for sql in migration.SQLITE_REVERSE if "pending" not in sql]
    postgresql = [sql for sql in migration.POSTGRESQL_REVERSE if "_append_only ON" in sql]
    _run(sqlite, postgresql)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """A test with real transactions ends with a flush, which the triggers would refuse."""
    if not _is_transactional(item):
        return (yield)
    blocker = item.config.stash[blocking_manager_key]
    with blocker.unblock():
        _run(migration.SQLITE_REVERSE, migration.POSTGRESQL_REVERSE)
    try:
        return (yield)
    finally:
        if nextitem is not None:  # else the database is gone by now
            with blocker.unblock():
                # Where a browser's event loop has ended meanwhile, this is another connection,
                # which has not heard yet that the triggers are away.
                connection.close()
                _run(migration.SQLITE, migration.POSTGRESQL)
                connection.close()


def _is_transactional(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    names = getattr(item, "fixturenames", ())
    return bool(marker and marker.kwargs.get("transaction")) or not TRANSACTIONAL.isdisjoint(names)


def _run(sqlite: list[str], postgresql: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in sqlite if connection.vendor == "sqlite" else postgresql:
            cursor.execute(statement)
