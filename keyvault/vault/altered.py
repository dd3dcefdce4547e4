"""Rows that no code of ours can have written: another type, or an id that is none.

SQLite puts anything into any column for who owns its file, and then Django cannot read the row. So
whoever reads all rows reads the sound ones, and names the others. PostgreSQL keeps to its types,
but its times reach further than Python's.
"""

from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Field, Model, QuerySet

from keyvault.audit.mistyped import TIMES

Row = TypeVar("Row", bound=Model)

# SQLite's own functions end a text at its first NUL; its length in bytes does not.
_ASCII: Final = (
    "typeof({0}) = 'text' AND length({0}) = length(CAST({0} AS BLOB)) AND {0} NOT GLOB '*[^ -~]*'"
)
_COUNT: Final = "typeof({0}) = 'integer' AND {0} >= 0"
# By the type of the column: a UUID stands in 32 characters.
_SQLITE: Final = {
    "char": f"{_ASCII} AND length({{0}}) = 32 AND {{0}} NOT GLOB '*[^0-9a-f]*'",
    "varchar": _ASCII,
    "text": "typeof({0}) = 'text' AND latchkey_is_utf8(CAST({0} AS BLOB))",
    "datetime": f"{_ASCII} AND {{0}} GLOB '????-*' AND datetime({{0}}) IS NOT NULL",
    "BLOB": "typeof({0}) = 'blob'",
    "bool": _COUNT,
    "bigint": _COUNT,
    "integer unsigned": _COUNT,
}
_POSTGRESQL: Final = {
    "timestamp with time zone": f"{{0}} {TIMES}",
}
# What people type in may be any text.
_TYPED: Final = ("label", "name", "last_four")


def sound(rows: QuerySet[Row], *names: str) -> QuerySet[Row]:
    """Those rows whose columns, or at least the named ones, hold what they are for."""
    return rows.extra(where=list(_rules_of(rows.model, names).values()))  # noqa: S610  # constants


def altered_rows(model: type[Model], *names: str) -> list[str]:
    """The other rows of a table, each in a sentence that tells what to do. One query."""
    rules = _rules_of(model, names)
    if not rules:
        return []
    table = model._meta.db_table  # noqa: SLF001  # Django's documented model API
    place = "rowid" if connection.vendor == "sqlite" else model._meta.pk.column  # noqa: SLF001  # as above
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {place}, {', '.join(rules.values())} FROM {table}"  # noqa: S608  # our own tables
            f" WHERE NOT ({' AND '.join(rules.values())}) ORDER BY {place}"
        )
        found = cursor.fetchall()
    return [
        f"Row {row} of {table} was altered: {', '.join(_broken(rules, kept))} cannot be read. "
        "Put right what stands there, or restore a backup."
        for row, *kept in found
    ]


def _broken(rules: dict[str, str], kept: list[int]) -> list[str]:
    return [column for column, is_kept in zip(rules, kept, strict=True) if not is_kept]


def _rules_of(model: type[Model], names: tuple[str, ...]) -> dict[str, str]:
    """What must be true of each column."""
    if connection.vendor == "sqlite":
        _add_function()
    fields = model._meta.concrete_fields  # noqa: SLF001  # Django's documented model API
    wanted = [field for field in fields if not names or field.name in names]
    return {field.column: rule for field in wanted if (rule := _rule_of(field))}


def _add_function() -> None:
    """Only once to a connection: SQLite refuses to replace it while rows are being read."""
    connection.ensure_connection()
    is_there = "SELECT 1 FROM pragma_function_list WHERE name = 'latchkey_is_utf8'"
    if not connection.connection.execute(is_there).fetchone():
        connection.connection.create_function("latchkey_is_utf8", 1, _is_utf8, deterministic=True)


def _is_utf8(raw: bytes | None) -> bool:
    """What SQLite itself never asks, and Python's driver stumbles over."""
    try:
        (raw or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _rule_of(field: "Field[Any, Any]") -> str:
    column = f'"{field.model._meta.db_table}"."{field.column}"'  # noqa: SLF001  # as above
    kind = str(field.db_type(connection)).partition("(")[0]
    if connection.vendor == "sqlite":
        rule = _SQLITE["text" if field.name in _TYPED else kind]
    else:
        rule = _POSTGRESQL.get(kind, "")
    return rule and f"({rule.format(column)}{f' OR {column} IS NULL' if field.null else ''})"
