import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('keyvault', '0001_initial'),
        ('onboarding', '0006_cases'),
    ]

    operations = [
        migrations.CreateModel(
            name='Replacement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('retires_at', models.DateTimeField(db_index=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('new', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='replaces', to='keyvault.credential')),
                ('old', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replaced_by', to='keyvault.credential')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replacements', to='onboarding.store')),
            ],
        ),
        migrations.AddConstraint(
            model_name='replacement',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('old',), name='onboarding_one_open_replacement'),
        ),
        migrations.AddField(
            model_name='submission',
            name='replaces',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replacing_submissions', to='keyvault.credential'),
        ),
    ]
