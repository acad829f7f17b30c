from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('verifications', '0011_seal'),
    ]

    operations = [
        migrations.RemoveIndex('verification', 'verification_by_number'),
        migrations.RemoveField('verification', 'document_number'),
        migrations.AddIndex('verification', models.Index(fields=['partner', 'number_hash'], name='verification_by_number')),
        migrations.RemoveField('callbackbody', 'raw'),
        migrations.RemoveField('deliverybody', 'raw'),
        migrations.RemoveField('attemptanswer', 'raw'),
        migrations.RemoveField('decisiontext', 'message_to_applicant'),
        migrations.RemoveField('decisiontext', 'internal_note'),
        migrations.RemoveField('note', 'text'),
        migrations.RemoveField('photo', 'source'),
        migrations.AlterField('callbackbody', 'sealed', models.BinaryField()),
        migrations.AlterField('deliverybody', 'sealed', models.BinaryField()),
        migrations.AlterField('attemptanswer', 'sealed', models.BinaryField()),
        migrations.AlterField('decisiontext', 'sealed', models.BinaryField()),
        migrations.AlterField('note', 'sealed', models.BinaryField()),
    ]
