"""Partners' callback keys and the secrets of second factors, wrapped under the master key."""

import base64
import json

from django.db import migrations, models

from accounts import sealing

# What allauth keeps in clear unless it is told otherwise.
SECRETS = {'totp': 'secret', 'recovery_codes': 'seed'}
PLACE = sealing.Place('mfa_authenticator', 'data', '')


def wrap(apps, schema_editor):
    for partner in apps.get_model('accounts', 'Partner').objects.all():
        place = sealing.Place('accounts_partner', 'sealed_key', partner.key, partner.key)
        partner.sealed_key = sealing.wrap(json.dumps(partner.callback_key).encode(), place)
        partner.callback_key = 'wrapped'
        partner.save(update_fields=['sealed_key', 'callback_key'])
    for factor in apps.get_model('mfa', 'Authenticator').objects.filter(type__in=SECRETS):
        name = SECRETS[factor.type]
        if name in factor.data:
            wrapped = sealing.wrap(factor.data[name].encode(), PLACE)
            factor.data[name] = base64.b64encode(wrapped).decode()
            factor.save(update_fields=['data'])


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_budgets'),
        ('mfa', '0003_authenticator_type_uniq'),
    ]

    operations = [
        migrations.AddField('partner', 'sealed_key', models.BinaryField(default=b''), preserve_default=False),
        migrations.RunPython(wrap, migrations.RunPython.noop, elidable=True),
    ]
