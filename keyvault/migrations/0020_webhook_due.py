"""An index of the events that are on their way yet, among the many that have arrived."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds it."""

    dependencies = [("keyvault", "0019_webhook_keys")]

    operations = [
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(due_at__isnull=False),
                fields=["endpoint", "due_at"],
                name="webhook_due",
            ),
        ),
    ]
