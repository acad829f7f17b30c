from django.db import migrations

TEXTS = {
    "verifications_verification": ("scan_ref", "varchar(36)"),
    "verifications_datakey": ("owner", "varchar(100)"),
}


def collate(collation):
    """The keys of verifications are found by their scan refs: both lie alike. SQLite's do."""

    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            for table, (column, kind) in TEXTS.items():
                schema_editor.execute(
                    f'ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} COLLATE "{collation}"'
                )

    return run


class Migration(migrations.Migration):

    dependencies = [
        ("verifications", "0026_saved_views"),
    ]

    operations = [
        migrations.RunPython(collate("C"), collate("default")),
    ]
