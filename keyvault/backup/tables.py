"""Tables to files and back, for either database, without its own tools.

On PostgreSQL a file holds COPY's text; on SQLite a JSON list a row, bytes as {"bytes": "<base64>"}.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection

# The wrapped DEKs stand in the key file; the rest is nobody's loss.
LEFT_OUT = {"keyvault_wrappeddek", "django_session", "latchkey_cache"}
# Made by `migrate` itself.
BY_MIGRATE = ("django_migrations",)
ROWS_AT_ONCE = 500


def backed_up_tables() -> list[str]:
    """Every table of the installed applications that a backup holds, in a fixed order."""
    models = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models} - LEFT_OUT - set(BY_MIGRATE))  # noqa: SLF001  # Django's documented model API


def dump_table(table: str, path: Path, *, columns: Sequence[str]) -> int:
    """Writes one table to a file.

    Returns:
        How many rows it has.
    """
    name, wanted = connection.ops.quote_name(table), _quoted(columns)
    with connection.cursor() as cursor, path.open("wb") as file:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} ({wanted}) TO STDOUT") as copy:
                return sum(file.write(row) > 0 for row in copy)
        cursor.execute(f"SELECT {wanted} FROM {name}")  # noqa: S608  # our own tables
        count = 0
        for row in cursor.fetchall():
            file.write(json.dumps([_outward(value) for value in row]).encode() + b"\n")
            count += 1
    return count


def load_table(table: str, path: Path, *, columns: Sequence[str]) -> None:
    """Puts the rows of a file into an empty table of the same columns."""
    name, wanted = connection.ops.quote_name(table), _quoted(columns)
    with connection.cursor() as cursor, path.open("rb") as file:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} ({wanted}) FROM STDIN") as copy:
                while chunk := file.read(1 << 16):
                    copy.write(chunk)
            return
        rows = ([_inward(value) for value in json.loads(line)] for line in file)
        for portion in _portions(rows):
            marks = ", ".join(["%s"] * len(portion[0]))
            sql = f"INSERT INTO {name} ({wanted}) VALUES ({marks})"  # noqa: S608  # our own tables
            cursor.executemany(sql, portion)


def columns_of(table: str) -> list[str]:
    """The columns of a table as the database has them."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in described]


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(connection.ops.quote_name(column) for column in columns)


def _portions(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while portion := list(islice(rows, ROWS_AT_ONCE)):
        yield portion


def _outward(value: Any) -> Any:  # noqa: ANN401  # whatever a column holds
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value if isinstance(value, int | float | str | None) else str(value)


def _inward(value: Any) -> Any:  # noqa: ANN401  # whatever a column holds
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
