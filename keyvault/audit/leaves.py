r"""The one canonical form of an entry, built by the database from its columns.

Ten lines of UTF-8 text, joined by "\n", none at the end:

    latchkey-entry-v1
    <id>
    <time in UTC, 2026-11-22 06:08:25.123456>
    <action>
    <actor>
    <keychain id, 32 hex digits, or nothing>
    <subject>
    <facts: JSON with sorted keys, no spaces, ASCII>
    <request id>
    <nonce, 32 hex digits>

Exactly nine newlines, so no byte can wander from one column to the next. The form is the same on
SQLite and PostgreSQL. The statements give it as bytes: a hundred thousand entries are verified a
second, which a row of Python objects would not allow.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.db import connection

NEWLINES: Final = 9

_COLUMNS: Final = {
    "sqlite": (
        "CAST('latchkey-entry-v1' || char(10) || e.id || char(10)"
        " || CASE length(e.at) WHEN 19 THEN e.at || '.000000' ELSE e.at END"
        " || char(10) || e.action || char(10) || e.actor"
        " || char(10) || coalesce(e.keychain_id, '') || char(10) || e.subject"
        " || char(10) || e.facts || char(10) || e.request_id || char(10) || e.nonce AS BLOB)"
    ),
    "postgresql": (
        "convert_to('latchkey-entry-v1' || chr(10) || e.id || chr(10)"
        " || to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        " || chr(10) || e.action || chr(10) || e.actor"
        " || chr(10) || coalesce(replace(e.keychain_id::text, '-', ''), '') || chr(10) || e.subject"
        " || chr(10) || e.facts || chr(10) || e.request_id"
        " || chr(10) || replace(e.nonce::text, '-', ''), 'UTF8')"
    ),
}

Row = tuple[int, bytes]


def pending_leaves(*, limit: int) -> list[Row]:
    """Committed entries that no checkpoint covers yet, by id. One query.

    Args:
        limit: the most entries.

    Returns:
        Pairs of id and canonical form.
    """
    sql = (
        f"SELECT e.id, {_columns()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " JOIN keyvault_auditpending p ON p.entry_id = e.id ORDER BY e.id LIMIT %s"
    )
    return _rows(sql, [limit])


def all_leaves(*, after: int = 0, step: int = 10_000) -> Iterator[list[Row]]:
    """Every entry by id, in portions; one query each.

    Args:
        after: start behind this id.
        step: entries in a portion.

    Yields:
        Lists of pairs of id and canonical form.
    """
    sql = (
        f"SELECT e.id, {_columns()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " WHERE e.id > %s ORDER BY e.id LIMIT %s"
    )
    while rows := _rows(sql, [after, step]):
        yield rows
        after = rows[-1][0]


def leaves_of_keychain(keychain_id: UUID) -> Iterator[Row]:
    """The entries of one keychain by id. One query, read to its end."""
    key = keychain_id.hex if connection.vendor == "sqlite" else keychain_id
    sql = (
        f"SELECT e.id, {_columns()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " WHERE e.keychain_id = %s ORDER BY e.id"
    )
    yield from _rows(sql, [key])


def _columns() -> str:
    return _COLUMNS[connection.vendor]


def _rows(sql: str, parameters: list[Any]) -> list[Row]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
    connection.ensure_connection()
    # Binary: bytea in text form costs twice as many bytes and a decoding.
    with connection.connection.cursor(binary=True) as cursor:
        return cursor.execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
