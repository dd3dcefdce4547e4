"""What staff did about an alert, and whether they were told at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds both; older code goes on inserting alerts without them."""

    dependencies = [("keyvault", "0014_webhook_words")]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="handled_note",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="alert",
            name="told_at",
            field=models.DateTimeField(null=True),
        ),
    ]
