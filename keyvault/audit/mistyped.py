"""Columns of checkpoints that hold another type, which SQLite allows to who owns the database.

Such a row cannot even be read as a checkpoint, so it is looked for before anything else.
"""

from typing import Final

from django.db import connection

from keyvault.audit.findings import Problem

_BYTES: Final = ("previous", "root", "leaves", "signature")
_NUMBERS: Final = ("id", "first_entry", "last_entry", "count")
_TEXTS: Final = ("ranges", "key_id", "at")
_CHECKPOINT: Final = " OR ".join(
    [f"typeof({column}) <> 'blob'" for column in _BYTES]
    + [f"typeof({column}) <> 'integer'" for column in _NUMBERS]
    + [f"typeof({column}) <> 'text' OR {column} GLOB '*[^ -~]*'" for column in _TEXTS]
    + ["datetime(at) IS NULL"]
)


def first_mistyped() -> Problem | None:
    """The first row that no code of ours can have written; PostgreSQL keeps to its types."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM keyvault_auditcheckpoint WHERE {_CHECKPOINT}"  # noqa: S608  # constants only
            " ORDER BY rowid LIMIT 1"
        )
        if row := cursor.fetchone():
            message = f"checkpoint {row[0]} is altered: a column holds what never stood there"
            return Problem("checkpoint", message, checkpoint_id=row[0])
        cursor.execute(
            "SELECT count(*) FROM keyvault_auditpending WHERE typeof(entry_id) <> 'integer'"
        )
        if cursor.fetchone()[0]:
            return Problem("inserted", "what waits for a checkpoint is altered: a text is in it")
    return None
