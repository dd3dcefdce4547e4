"""What the sealer needs; nothing was sealed before this migration."""

import keyvault.models.audit
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="AuditPending",
            fields=[
                ("entry_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="AuditSealer",
            fields=[
                ("due_at", models.DateTimeField(db_index=True, null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("fence", models.PositiveBigIntegerField(default=0)),
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="KekUse",
            fields=[
                ("kek_id", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("wraps", models.BigIntegerField(default=0)),
                ("first_used_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="DenialCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("actor", models.CharField(max_length=80)),
                ("action", models.CharField(max_length=60)),
                ("minute", models.DateTimeField(db_index=True)),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("actor", "action", "minute"),
                        name="keyvault_one_denial_count_a_minute",
                    )
                ],
            },
        ),
        migrations.DeleteModel(name="AuditCheckpoint"),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("previous", models.BinaryField(unique=True)),
                ("first_entry", models.BigIntegerField(db_index=True)),
                ("last_entry", models.BigIntegerField(db_index=True)),
                ("count", models.PositiveIntegerField()),
                ("ranges", models.TextField()),
                ("root", models.BinaryField()),
                ("leaves", models.BinaryField()),
                ("at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=40)),
                ("signature", models.BinaryField()),
            ],
        ),
        migrations.RemoveField(model_name="auditentry", name="facts"),
        migrations.AddField(
            model_name="auditentry",
            name="facts",
            field=keyvault.models.audit.CanonicalJSONField(default=dict),
        ),
    ]
