"""What who owns the database can do to a row, past all that Django would refuse."""

from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction


def alter(model: Any, column: str, value: str, *, key: UUID | str) -> bool:  # any model
    """Whether the database took it, which PostgreSQL refuses where it keeps to its types.

    Args:
        model: whose table.
        column: which column.
        value: SQL.
        key: of the row.
    """
    table, own = model._meta.db_table, model._meta.pk.column
    named = key.hex if isinstance(key, UUID) else key
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = {value} WHERE {own} = %s", [named])  # noqa: S608  # constants
    except DatabaseError:
        return False
    return connection.vendor == "sqlite"
