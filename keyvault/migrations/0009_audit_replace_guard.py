"""On SQLite the audit record could be changed by INSERT OR REPLACE: it fires no DELETE trigger.

PostgreSQL has no such statement, and its ON CONFLICT DO UPDATE is an UPDATE to the triggers.
"""

from django.db import migrations

# Each table's unique columns; an id that is still to be given reads as -1 here, which none has.
GUARDED = (
    ("keyvault_auditentry", ("id",)),
    ("keyvault_auditcheckpoint", ("id", "previous")),
)

SQLITE = [
    f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
    f"WHEN {' OR '.join(f'NEW.{name} IN (SELECT {name} FROM {table})' for name in names)} "
    "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"
    for table, names in GUARDED
]
SQLITE_REVERSE = [f"DROP TRIGGER IF EXISTS {table}_no_replace" for table, _ in GUARDED]


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE:
            schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE_REVERSE:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0008_alerts")]

    operations = [migrations.RunPython(create, drop)]
