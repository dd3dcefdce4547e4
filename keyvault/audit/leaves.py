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
SQLite and PostgreSQL. The database builds it, and joins whole runs of entries: a hundred thousand
are verified in a fraction of a second, which rows of Python objects would not allow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

NEWLINES: Final = 9
# Between the entries of a run; `record` lets no control character into a column.
SEPARATOR: Final = b"\x1e"

_COLUMNS: Final = {
    "sqlite": (
        "'latchkey-entry-v1\n' || e.id || '\n'"
        " || e.at || '\n' || e.action || '\n' || e.actor || '\n' || ifnull(e.keychain_id, '')"
        " || '\n' || e.subject || '\n' || e.facts || '\n' || e.request_id || '\n' || e.nonce"
    ),
    "postgresql": (
        "'latchkey-entry-v1\n' || e.id || '\n'"
        # Of "infinity", which nobody but an intruder writes, to_char makes a NULL.
        " || coalesce(to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), e.at::text)"
        " || '\n' || e.action || '\n' || e.actor"
        " || '\n' || coalesce(encode(uuid_send(e.keychain_id), 'hex'), '') || '\n' || e.subject"
        " || '\n' || e.facts || '\n' || e.request_id"
        " || '\n' || encode(uuid_send(e.nonce), 'hex')"
    ),
}
_AS_BYTES: Final = {"sqlite": "CAST({} AS BLOB)", "postgresql": "convert_to({}, 'UTF8')"}
_TEXTS: Final = (
    "at",
    "action",
    "actor",
    "keychain_id",
    "subject",
    "facts",
    "request_id",
    "nonce",
)
_FORMED: Final = (
    "printf('latchkey-entry-v1" + "\n%%s" * NEWLINES + f"', e.id, e.{', e.'.join(_TEXTS)})"
)
# Only a keychain may be NULL; elsewhere a NULL takes its row out of the sum, so that it is found.
_SIZE: Final = "length(e.id) + ifnull(length(CAST(e.keychain_id AS BLOB)), 0) + " + " + ".join(
    f"length(CAST(e.{text} AS BLOB))" for text in _TEXTS if text != "keychain_id"
)
_FRAME_BYTES: Final = len("latchkey-entry-v1") + NEWLINES + len(SEPARATOR)
# A run of entries, joined, and how many bytes it must have. SQLite's printf is faster than || by a
# third but ends a text at its first NUL, which the size betrays; PostgreSQL keeps no NUL at all.
_RUN: Final = {
    "sqlite": (
        f"CAST(group_concat({_FORMED}, '{SEPARATOR.decode()}') AS BLOB), "
        f"sum({_SIZE}) + count(*) * {_FRAME_BYTES} - {len(SEPARATOR)}"
    ),
    "postgresql": (
        f"convert_to(string_agg({_COLUMNS['postgresql']}, chr(30) ORDER BY e.id), 'UTF8'), NULL"
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
        f"SELECT e.id, {_entry()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " JOIN keyvault_auditpending p ON p.entry_id = e.id ORDER BY e.id LIMIT %s"
    )
    return _rows(sql, [limit])


@dataclass(frozen=True, slots=True)
class Run:
    """Entries with neighbouring ids, as the database joined them.

    Attributes:
        expected: how many there must be.
        count: how many there are.
        joined: their canonical forms.
        size: how many bytes those must have; None where nothing can cut a text short.
    """

    expected: int
    count: int
    joined: bytes
    size: int | None

    def entries(self) -> list[bytes] | None:
        """The canonical forms; None when one is missing, or holds what no entry may."""
        # Each entry brings nine newlines: as many over all means that none holds one of its own.
        if self.count != self.expected or self.joined.count(b"\n") != NEWLINES * self.expected:
            return None
        if self.size is not None and len(self.joined) != self.size:
            return None
        entries = self.joined.split(SEPARATOR)
        return entries if len(entries) == self.expected else None


def run_of(*, first: int, last: int) -> Run:
    """A run of ids in their order. One query that gives one row.

    SQLite joins rows in the order of its scan, which is that of the ids.

    Args:
        first: the lowest id.
        last: the highest.
    """
    sql = (
        f"SELECT count(*), {_RUN[connection.vendor]} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " WHERE e.id BETWEEN %s AND %s"
    )
    ((count, joined, size),) = _rows(sql, [first, last])
    return Run(last - first + 1, count, joined or b"", size)


def leaves_between(*, first: int, last: int) -> dict[int, bytes]:
    """The canonical forms of the entries that there are in a range of ids. One query."""
    sql = (
        f"SELECT e.id, {_entry()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " WHERE e.id BETWEEN %s AND %s"
    )
    return dict(_rows(sql, [first, last]))


def leaves_of_keychain(keychain_id: UUID) -> Iterator[Row]:
    """The entries of one keychain by id. One query, read to its end."""
    key = keychain_id.hex if connection.vendor == "sqlite" else keychain_id
    sql = (
        f"SELECT e.id, {_entry()} FROM keyvault_auditentry e"  # noqa: S608  # constants only
        " WHERE e.keychain_id = %s ORDER BY e.id"
    )
    yield from _rows(sql, [key])


def _columns() -> str:
    return _COLUMNS[connection.vendor]


def _entry() -> str:
    return _AS_BYTES[connection.vendor].format(_columns())


def _rows(sql: str, parameters: list[Any]) -> list[Any]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
    connection.ensure_connection()
    # Binary: bytea in text form costs twice as many bytes and a decoding.
    with connection.connection.cursor(binary=True) as cursor:
        return cursor.execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
