"""One log of permits: a lease is one row of time and count. Nothing was leased before."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

TOKEN_KEY = models.ForeignKey(
    db_index=False,
    null=True,
    on_delete=django.db.models.deletion.PROTECT,
    related_name="leases",
    to="keyvault.backendtoken",
)


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0003_audit_triggers")]

    operations = [
        migrations.DeleteModel(name="Grant"),
        migrations.DeleteModel(name="Lease"),
        migrations.DeleteModel(name="BackendToken"),
        migrations.AddField(
            model_name="backend",
            name="has_all_stores",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="BackendToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prefix", models.CharField(max_length=16)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("scopes", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "backend",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="keyvault.backend",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PoolKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.BigIntegerField(default=0)),
                ("windows", models.JSONField(default=list)),
                ("high_water_us", models.BigIntegerField(default=0)),
                ("next_free_us", models.BigIntegerField(default=0)),
                ("batch_free_us", models.BigIntegerField(default=0)),
                ("cooled_until_us", models.BigIntegerField(default=0)),
                ("foreign_seen_us", models.BigIntegerField(default=0)),
                ("headroom", models.IntegerField(default=0)),
                ("interactive_load", models.FloatField(default=0)),
                (
                    "credential",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pool_key",
                        to="keyvault.credential",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("permits", models.PositiveSmallIntegerField()),
                ("counted", models.PositiveIntegerField()),
                ("is_batch", models.BooleanField(default=False)),
                ("granted_us", models.BigIntegerField()),
                ("use_by_us", models.BigIntegerField()),
                ("expires_us", models.BigIntegerField()),
                ("settled_us", models.BigIntegerField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=12)),
                (
                    "key",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leases",
                        to="keyvault.poolkey",
                    ),
                ),
                ("token", TOKEN_KEY),
            ],
            options={
                "indexes": [
                    models.Index(fields=["key", "use_by_us"], name="keyvault_log_of_a_key")
                ],
            },
        ),
    ]
