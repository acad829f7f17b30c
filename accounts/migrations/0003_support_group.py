from django.db import migrations


def seed_group(apps, schema_editor):
    """Who is in it passes the door of Django admin; what may be done there stands in the code."""
    apps.get_model("auth", "Group").objects.get_or_create(name="Support")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles_and_cache"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(seed_group, migrations.RunPython.noop)]
