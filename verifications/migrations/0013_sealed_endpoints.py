"""Signing keys and headers of endpoints, wrapped under the master key."""

import json
import uuid

from django.db import migrations, models

from accounts import sealing


def wrap(apps, schema_editor):
    for endpoint in apps.get_model('verifications', 'WebhookEndpoint').objects.all():
        # One default was drawn for all rows.
        endpoint.mark = uuid.uuid4()
        for name in ('signing_key', 'former_key', 'headers'):
            column, value = f'sealed_{name}', getattr(endpoint, name)
            place = sealing.Place(
                endpoint._meta.db_table, column, str(endpoint.mark), str(endpoint.partner_id)
            )
            wrapped = sealing.wrap(json.dumps(value).encode(), place) if value else b''
            setattr(endpoint, column, wrapped)
        endpoint.signing_key, endpoint.former_key, endpoint.headers = 'wrapped', '', {}
        endpoint.save()


class Migration(migrations.Migration):

    dependencies = [
        ('verifications', '0012_only_sealed'),
    ]

    operations = [
        migrations.AddField('webhookendpoint', 'mark', models.UUIDField(default=uuid.uuid4, editable=False)),
        migrations.AddField('webhookendpoint', 'sealed_signing_key', models.BinaryField(default=b''), preserve_default=False),
        migrations.AddField('webhookendpoint', 'sealed_former_key', models.BinaryField(default=bytes)),
        migrations.AddField('webhookendpoint', 'sealed_headers', models.BinaryField(default=bytes)),
        migrations.RunPython(wrap, migrations.RunPython.noop, elidable=True),
    ]
