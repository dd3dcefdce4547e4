"""Each sink's own row remembers what went to it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("keyvault", "0006_delivery")]

    operations = [
        migrations.AddField(
            model_name="auditsealer",
            name="sent",
            field=models.BigIntegerField(default=0),
        ),
    ]
