"""The triggers that let the record only grow, and whether each still stands as it was made.

A trigger that has its name and does nothing guards nothing, so what it does is compared as well.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection

from keyvault.audit.findings import Problem

_REFUSAL: Final = "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"
_NOTE: Final = "BEGIN INSERT INTO keyvault_auditpending (entry_id) VALUES (NEW.id);"
_ENTRIES: Final = "keyvault_auditentry"
_CHECKPOINTS: Final = "keyvault_auditcheckpoint"

# By name, what SQLite keeps of it: its whole text.
_SQLITE: Final = {
    **{
        f"{table}_no_{verb.lower()}": (
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {_REFUSAL}",
        )
        for table in (_ENTRIES, _CHECKPOINTS)
        for verb in ("UPDATE", "DELETE")
    },
    f"{_ENTRIES}_no_replace": (
        f"CREATE TRIGGER {_ENTRIES}_no_replace BEFORE INSERT ON {_ENTRIES} "  # noqa: S608  # constants only
        f"WHEN NEW.id IN (SELECT id FROM {_ENTRIES}) {_REFUSAL}",
    ),
    f"{_CHECKPOINTS}_no_replace": (
        f"CREATE TRIGGER {_CHECKPOINTS}_no_replace BEFORE INSERT ON {_CHECKPOINTS} "  # noqa: S608  # constants only
        f"WHEN NEW.id IN (SELECT id FROM {_CHECKPOINTS}) "
        f"OR NEW.previous IN (SELECT previous FROM {_CHECKPOINTS}) {_REFUSAL}",
    ),
    f"{_ENTRIES}_pending": (
        f"CREATE TRIGGER {_ENTRIES}_pending AFTER INSERT ON {_ENTRIES} {_NOTE} END",
    ),
}
# By name, what PostgreSQL keeps of it: table, kind (pg_trigger.tgtype), and its function's text.
_STATEMENT: Final = 2 + 8 + 16 + 32  # before DELETE, UPDATE or TRUNCATE, once to a statement
_ROW: Final = 1 + 4  # after INSERT, for each row
_RAISE: Final = "BEGIN RAISE EXCEPTION 'the audit record is append-only'; END"
_POSTGRESQL: Final = {
    f"{_ENTRIES}_append_only": (_ENTRIES, _STATEMENT, _RAISE),
    f"{_CHECKPOINTS}_append_only": (_CHECKPOINTS, _STATEMENT, _RAISE),
    f"{_ENTRIES}_pending": (_ENTRIES, _ROW, f"{_NOTE} RETURN NULL; END"),
}
# Only those that fire, always: neither switched off, nor on a condition, nor for some columns.
_FOUND: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tgname, relname, tgtype, prosrc FROM pg_trigger"
        " JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE tgqual IS NULL AND tgattr = ''::int2vector"
        " AND tgrelid IN (to_regclass('keyvault_auditentry'),"
        " to_regclass('keyvault_auditcheckpoint'))"
        " AND (tgenabled = 'A' OR"
        " tgenabled = 'O' AND current_setting('session_replication_role') <> 'replica')"
    ),
}
_MADE: Final[dict[str, Mapping[str, tuple[object, ...]]]] = {
    "sqlite": _SQLITE,
    "postgresql": _POSTGRESQL,
}


def missing_triggers() -> list[Problem]:
    """One problem for each trigger that is not there as it was made. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND[connection.vendor])
        found = {name: tuple(rest) for name, *rest in cursor.fetchall()}
    return [
        Problem("unguarded", f"the trigger {name} is missing or altered: the record can be changed")
        for name, made in _MADE[connection.vendor].items()
        if found.get(name) != made
    ]
