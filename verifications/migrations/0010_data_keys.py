import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_audit_by_time'),
        ('verifications', '0009_fill_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner', models.CharField(help_text='scan/ and a scan ref, or what else it is.', max_length=100)),
                ('wrapped', models.BinaryField()),
                ('master', models.CharField(help_text='Which master key it is wrapped under.', max_length=16)),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.partner')),
            ],
            options={
                'indexes': [models.Index(fields=['master', 'id'], name='data_key_by_master')],
                'constraints': [models.UniqueConstraint(fields=('partner', 'owner'), name='data_key_once_an_owner')],
            },
        ),
        migrations.AddField('callbackbody', 'owner', models.CharField(default='', help_text='Whose data key opens it.', max_length=100), preserve_default=False),
        migrations.AddField('callbackbody', 'sealed', models.BinaryField(null=True)),
        migrations.AddField('deliverybody', 'sealed', models.BinaryField(null=True)),
        migrations.AddField('attemptanswer', 'sealed', models.BinaryField(null=True)),
        migrations.AddField('decisiontext', 'sealed', models.BinaryField(null=True)),
        migrations.AddField('note', 'sealed', models.BinaryField(null=True)),
        migrations.AddField('photo', 'sealed_source', models.BinaryField(default=bytes, help_text='The link, which opens the picture to anybody; empty once stored.')),
        migrations.AddField('verification', 'number_hash', models.CharField(blank=True, help_text='Keyed: the document number is found by equality.', max_length=64)),
    ]
