"""The audit record can only grow: triggers refuse the rest, and note what is to be sealed.

The statements are written out here, so that this migration does the same for ever.
"""

from django.db import migrations

GUARDED = ("keyvault_auditentry", "keyvault_auditcheckpoint")

SQLITE = [
    *(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"
        for table in GUARDED
        for verb in ("UPDATE", "DELETE")
    ),
    "CREATE TRIGGER keyvault_auditentry_pending AFTER INSERT ON keyvault_auditentry "
    "BEGIN INSERT INTO keyvault_auditpending (entry_id) VALUES (NEW.id); END",
]
SQLITE_REVERSE = [
    *(
        f"DROP TRIGGER IF EXISTS {table}_no_{verb}"
        for table in GUARDED
        for verb in ("update", "delete")
    ),
    "DROP TRIGGER IF EXISTS keyvault_auditentry_pending",
]

POSTGRESQL = [
    "CREATE FUNCTION keyvault_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE EXCEPTION 'the audit record is append-only'; END$$",
    "CREATE FUNCTION keyvault_audit_note_pending() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN INSERT INTO keyvault_auditpending (entry_id) VALUES (NEW.id); RETURN NULL; END$$",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION keyvault_audit_is_append_only()"
        for table in GUARDED
    ),
    "CREATE TRIGGER keyvault_auditentry_pending AFTER INSERT ON keyvault_auditentry "
    "FOR EACH ROW EXECUTE FUNCTION keyvault_audit_note_pending()",
]
POSTGRESQL_REVERSE = [
    *(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}" for table in GUARDED),
    "DROP TRIGGER IF EXISTS keyvault_auditentry_pending ON keyvault_auditentry",
    "DROP FUNCTION IF EXISTS keyvault_audit_is_append_only()",
    "DROP FUNCTION IF EXISTS keyvault_audit_note_pending()",
]


def create(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE_REVERSE if sqlite else POSTGRESQL_REVERSE:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0002_audit_chain")]

    operations = [migrations.RunPython(create, drop)]
