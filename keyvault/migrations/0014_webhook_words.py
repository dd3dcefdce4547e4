from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("keyvault", "0013_duty_runs"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="webhookdelivery",
            options={"verbose_name_plural": "webhook deliveries"},
        ),
    ]
