"""Tables to files and back, for either database, without its own tools.

On PostgreSQL a file holds COPY's text; on SQLite a JSON list a row, bytes as {"bytes": "<base64>"}.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
        # A plus takes the column's type away: what stands there comes as it is, altered or not.
        as_it_is = ", ".join(f"+{connection.ops.quote_name(column)}" for column in columns)
        with _any_text():
            cursor.execute(f"SELECT {as_it_is} FROM {name}")  # noqa: S608  # our own tables
            lines = (json.dumps([_outward(value) for value in row]) for row in cursor)
            return sum(file.write(line.encode() + b"\n") > 0 for line in lines)


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
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {name} ({wanted}) VALUES ({marks})"  # noqa: S608  # our own tables
        for portion in _portions(rows):
            cursor.executemany(sql, portion)


def columns_of(table: str) -> list[str]:
    """The columns of a table as the database has them."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in described]


def strays() -> list[str]:
    """Rows that a restore would refuse, since what they belong to is gone; each in a sentence.

    PostgreSQL never holds any; SQLite holds what was put in with its foreign keys off.
    """
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        found = cursor.fetchall()
    return [
        f"Row {row} of {table} belongs to no row of {parent}: such a backup cannot be restored."
        for table, row, parent, _ in found
        if table not in LEFT_OUT
    ]


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(connection.ops.quote_name(column) for column in columns)


def _portions(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while portion := list(islice(rows, ROWS_AT_ONCE)):
        yield portion


@contextmanager
def _any_text() -> Iterator[None]:
    """Texts of SQLite that are no UTF-8, so altered, come as bytes."""
    connection.connection.text_factory = _text_or_bytes
    try:
        yield
    finally:
        connection.connection.text_factory = str


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _outward(value: Any) -> Any:  # noqa: ANN401  # whatever a column holds
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _inward(value: Any) -> Any:  # noqa: ANN401  # whatever a column holds
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
