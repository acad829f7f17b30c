from django.core.management import call_command
from django.db import migrations

ROLES = {"Viewer": 10, "Member": 20, "Moderator": 30, "Admin": 40}


def seed_roles(apps, schema_editor):
    Role = apps.get_model("accounts", "Role")
    for name, rank in ROLES.items():
        Role.objects.get_or_create(rank=rank, defaults={"name": name})


def create_cache_table(apps, schema_editor):
    """Sign-in throttles live there; it belongs to the schema as much as any table."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.RunPython(seed_roles, migrations.RunPython.noop),
        migrations.RunPython(create_cache_table, migrations.RunPython.noop),
    ]
