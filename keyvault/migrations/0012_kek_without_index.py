"""A rotation writes every wrapped DEK: an index on its KEK cost more than it ever saved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Takes the index away."""

    dependencies = [("keyvault", "0011_signatures")]

    operations = [
        migrations.AlterField(
            model_name="wrappeddek",
            name="kek_id",
            field=models.CharField(max_length=100),
        ),
    ]
