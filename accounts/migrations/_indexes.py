"""Indexes that Django makes by itself, and that say what another one says too."""

from django.db import migrations


class WithoutIndex(migrations.AlterField):
    """Takes away the index of a foreign key, and nothing else: SQLite would rebuild the table."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model, field = self._of(app_label, from_state)
        for name in schema_editor._constraint_names(model, [field.column], index=True, unique=False):
            schema_editor.execute(schema_editor._delete_index_sql(model, name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        model, field = self._of(app_label, to_state)
        schema_editor.execute(schema_editor._create_index_sql(model, fields=[field]))

    def _of(self, app_label, state):
        model = state.apps.get_model(app_label, self.model_name)
        return model, model._meta.get_field(self.name)


def without_twins(app_label):
    """PostgreSQL has a second index of unique texts, for LIKE: nobody asks any of them that."""

    def drop(apps, schema_editor):
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            return
        for model in apps.get_app_config(app_label).get_models():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
                    " AND tablename = %s AND indexname LIKE %s",
                    [model._meta.db_table, r"%\_like"],
                )
                twins = [name for (name,) in cursor.fetchall()]
            for name in twins:
                schema_editor.execute(schema_editor._delete_index_sql(model, name))

    return migrations.RunPython(drop, migrations.RunPython.noop)
