"""Alerts for staff, and credentials that are decoys."""

import keyvault.models.audit
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0007_audit_sinks")]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("decrypt-rate", "more secrets opened than usual"),
                            ("honeytoken", "a decoy credential was used"),
                            ("two-merchants", "one API key at two merchants"),
                            ("tampered", "a sealed record does not open"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(max_length=80)),
                ("facts", keyvault.models.audit.CanonicalJSONField(default=dict)),
                ("at", models.DateTimeField(db_index=True)),
                ("quiet_until", models.DateTimeField()),
                ("handled_at", models.DateTimeField(null=True)),
                ("handled_by", models.CharField(blank=True, max_length=80)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["kind", "subject", "quiet_until"],
                        name="keyvault_al_kind_quiet_idx",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="credential",
            name="is_honeytoken",
            field=models.BooleanField(default=False),
        ),
    ]
