import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('keyvault', '0015_alerts_handled'),
    ]

    operations = [
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('credential', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='hold', serialize=False, to='keyvault.credential')),
                ('reason', models.CharField(max_length=20)),
                ('since', models.DateTimeField(auto_now_add=True)),
                ('denied', models.PositiveIntegerField(default=0)),
            ],
        ),
    ]
