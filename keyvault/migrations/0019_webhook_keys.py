"""A webhook's signing key before, addresses that were removed, and an index for what is old."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds them. Older code tells a removed address nothing, as it is switched off, and cannot sign
    with a key of a later version: replace one when every process runs the new code."""

    dependencies = [("keyvault", "0018_tokens_by_two")]

    operations = [
        migrations.AddField(
            model_name="webhookendpoint",
            name="key_version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="webhookendpoint",
            name="sealed_old_key",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="webhookendpoint",
            name="old_key_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="webhookendpoint",
            name="removed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="keyvault_we_created_6974f8_idx"),
        ),
    ]
