"""Columns of a row that are set again and again: their SQL is written once, not each time."""

from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import Model
from django.db.transaction import mark_for_rollback_on_error  # type: ignore[attr-defined]

from accounts.cursors import prepared_cursor


def update(row: Model, *names: str) -> None:
    """As save(update_fields=names)."""
    connection = connections[DEFAULT_DB_ALIAS]
    _update(connection.vendor, type(row), names).write(row)


class Update:
    def __init__(self, model: type[Model], names: tuple[str, ...]) -> None:
        meta, quoted = model._meta, connections[DEFAULT_DB_ALIAS].ops.quote_name
        self.fields: list[Any] = [*(meta.get_field(name) for name in names), meta.pk]
        *columns, key = (quoted(field.column) for field in self.fields)
        changes = ", ".join(f"{column} = %s" for column in columns)
        self.sql = f"UPDATE {quoted(meta.db_table)} SET {changes} WHERE {key} = %s"  # noqa: S608

    def write(self, row: Model) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        row._prepare_related_fields_for_save("update", self.fields)  # type: ignore[attr-defined]
        values = ((field, field.value_from_object(row)) for field in self.fields)
        params = [field.get_db_prep_save(value, connection) for field, value in values]
        with mark_for_rollback_on_error(connection.alias), prepared_cursor(self.sql) as cursor:
            cursor.execute(self.sql, params)
            if cursor.rowcount != 1:
                raise DatabaseError(f"{row!r} is not there")


@lru_cache(maxsize=64)
def _update(vendor: str, model: type[Model], names: tuple[str, ...]) -> Update:
    return Update(model, names)
