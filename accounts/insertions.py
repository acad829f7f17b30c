"""New rows of models that are written again and again: their SQL is written once, not each time.

As bulk_create() they know no signals, which nothing here listens to.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Model
from django.db.transaction import mark_for_rollback_on_error  # type: ignore[attr-defined]

from accounts.statements import prepared_cursor


def insert(*rows: Model) -> None:
    """All of one model. A key that the database counts up is theirs afterwards."""
    if rows:
        _insertion(connection.vendor, type(rows[0]), len(rows)).write(rows)


class Insertion:
    """INSERT of so many rows of a model."""

    def __init__(self, model: type[Model], number: int) -> None:
        meta = model._meta
        self.is_counted = isinstance(meta.pk, AutoField)
        self.fields = [
            field for field in meta.local_concrete_fields if field is not meta.auto_field
        ]
        columns = ", ".join(_quoted(field.column) for field in self.fields)
        row = f"({', '.join(['%s'] * len(self.fields))})"
        rows = ", ".join([row] * number)
        self.sql = f"INSERT INTO {_quoted(meta.db_table)} ({columns}) VALUES {rows}"  # noqa: S608
        if self.is_counted:
            self.sql += f" RETURNING {_quoted(meta.pk.column)}"

    def write(self, rows: Iterable[Model]) -> None:
        params: list[Any] = []
        for row in rows:
            if not row._state.adding:
                raise TypeError(f"{row!r} was written before")
            # What was assigned before it had a key has one by now.
            row._prepare_related_fields_for_save("insert")  # type: ignore[attr-defined]
            values = ((field, field.value_from_object(row)) for field in self.fields)
            params += [field.get_db_prep_save(value, connection) for field, value in values]
        # Whoever catches what the database refuses does not go on in the same transaction.
        with mark_for_rollback_on_error(connection.alias), prepared_cursor() as cursor:
            cursor.execute(self.sql, params)
            keys = cursor.fetchall() if self.is_counted else ()
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias
        for row, (key,) in zip(rows, keys, strict=False):
            row.pk = key


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


@lru_cache(maxsize=256)
def _insertion(vendor: str, model: type[Model], number: int) -> Insertion:
    return Insertion(model, number)
