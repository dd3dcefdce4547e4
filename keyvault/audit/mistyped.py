"""Columns of checkpoints that hold what Python cannot read: on SQLite any type, for who owns it.

On PostgreSQL, which keeps to its types, a time that no clock shows.

Such a row cannot even be read as a checkpoint, so it is looked for before anything else.
"""

from typing import Final

from django.db import connection

from keyvault.audit.findings import Problem

# The times of PostgreSQL that Python can hold in any time zone; not "infinity", for one.
TIMES: Final = "BETWEEN '0001-01-02' AND '9999-12-30'"

_BYTES: Final = ("previous", "root", "leaves", "signature")
_NUMBERS: Final = ("id", "first_entry", "last_entry", "count")
_TEXTS: Final = ("ranges", "key_id", "at")
_CHECKPOINT: Final = {
    "sqlite": " OR ".join(
        [f"typeof({column}) <> 'blob'" for column in _BYTES]
        + [f"typeof({column}) <> 'integer'" for column in _NUMBERS]
        + [f"typeof({column}) <> 'text' OR {column} GLOB '*[^ -~]*'" for column in _TEXTS]
        + ["datetime(at) IS NULL"]
    ),
    "postgresql": f"NOT at {TIMES}",
}
_WAITING: Final = {"sqlite": "typeof(entry_id) <> 'integer'", "postgresql": "false"}


def first_mistyped() -> Problem | None:
    """The first row that no code of ours can have written."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM keyvault_auditcheckpoint WHERE {_CHECKPOINT[connection.vendor]}"  # noqa: S608  # constants only
            " ORDER BY id LIMIT 1"
        )
        if row := cursor.fetchone():
            message = f"checkpoint {row[0]} is altered: a column holds what never stood there"
            return Problem("checkpoint", message, checkpoint_id=row[0])
        cursor.execute(
            f"SELECT count(*) FROM keyvault_auditpending WHERE {_WAITING[connection.vendor]}"  # noqa: S608  # as above
        )
        if cursor.fetchone()[0]:
            return Problem("inserted", "what waits for a checkpoint is altered: a text is in it")
    return None
