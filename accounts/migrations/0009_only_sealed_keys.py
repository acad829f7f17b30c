from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_sealed_secrets'),
    ]

    operations = [
        migrations.RemoveConstraint('partner', 'partner_has_callback_key'),
        migrations.RemoveField('partner', 'callback_key'),
        migrations.AddConstraint('partner', models.CheckConstraint(condition=models.Q(('sealed_key', b''), _negated=True), name='partner_has_callback_key')),
    ]
