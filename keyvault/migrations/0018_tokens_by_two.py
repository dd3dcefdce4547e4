"""Tokens that wait for a second person, who made each, and when it was used last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds them; older code goes on making tokens without, and finds one that waits to be over."""

    dependencies = [("keyvault", "0017_audit_without_loans")]

    operations = [
        migrations.AddField(
            model_name="backendtoken",
            name="made_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="backendtoken",
            name="waiting_days",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="backendtoken",
            name="form_id",
            field=models.UUIDField(null=True, unique=True),
        ),
        migrations.AddField(
            model_name="backendtoken",
            name="last_used_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="backendtoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("waiting_days", None),
                    ("expires_at__lte", models.F("created_at")),
                    _connector="OR",
                ),
                name="keyvault_waiting_token_opens_nothing",
            ),
        ),
    ]
