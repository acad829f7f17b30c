import uuid

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('verifications', '0013_sealed_endpoints'),
    ]

    operations = [
        migrations.RemoveField('webhookendpoint', 'signing_key'),
        migrations.RemoveField('webhookendpoint', 'former_key'),
        migrations.RemoveField('webhookendpoint', 'headers'),
        migrations.AlterField('webhookendpoint', 'mark', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
        migrations.AddConstraint('webhookendpoint', models.CheckConstraint(condition=models.Q(('sealed_signing_key', b''), _negated=True), name='endpoint_has_signing_key')),
    ]
