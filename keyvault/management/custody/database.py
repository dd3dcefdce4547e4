"""Whether the database is there and whole, asked before anything is changed."""

from pathlib import Path

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from keyvault.errors import VaultError


def require_database() -> None:
    """Makes sure that the database has every table of this release.

    Raises:
        VaultError: it does not exist, or some of its migrations have not been applied.
        DatabaseError: it does not answer; see `advice`.
    """
    if is_absent():
        message = (
            f"there is no database {_name()}. Look whether DATA_DIR and DATABASE_URL are right; "
            "for a new installation run: manage.py migrate"
        )
        raise VaultError(message)
    executor = MigrationExecutor(connection)
    pending = [step for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if pending:
        message = (
            f"the database {_name()} lacks {len(pending)} migrations of this release, the first "
            f"is {pending[0]}. Nothing was done. Run: manage.py migrate"
        )
        raise VaultError(message)


def is_absent() -> bool:
    """Whether there is not even a file; asking SQLite itself would make an empty one."""
    path = connection.settings_dict["NAME"]
    return connection.vendor == "sqlite" and isinstance(path, Path) and not path.exists()


def advice(error: DatabaseError) -> str:
    """What to do about a database that does not answer as it should."""
    return (
        f"the database {_name()} does not answer as expected ({error}). If a table or column is "
        "missing, run: manage.py migrate. If it cannot be reached, look whether it runs and "
        "DATABASE_URL or DATA_DIR is right. If its file cannot be opened or written, look who owns "
        "it and its folder, and whether the disk is full. If it is damaged, restore a backup"
    )


def _name() -> str:
    given = connection.settings_dict
    host = f" on {given['HOST']}" if given["HOST"] else ""
    return f"{given['NAME']}{host}"
