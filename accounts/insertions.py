"""New rows of models that are written again and again: their SQL is written once, not each time.

As bulk_create() they know no signals, which nothing here listens to.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, BooleanField, CharField, IntegerField, Model, TextField
from django.db.transaction import mark_for_rollback_on_error  # type: ignore[attr-defined]

from accounts.cursors import prepared_cursor

# Rows of one statement: of more there would be too many parameters, and statements to remember.
PORTION = 100


def insert(*rows: Model) -> None:
    """All of one model. A key that the database counts up is theirs afterwards."""
    _write(rows, "")


def insert_missing(*rows: Model) -> bool:
    """Leaves alone what the database has already; whether all of them were new.

    Only where they were does each know the key that the database has counted up.
    """
    return _write(rows, " ON CONFLICT DO NOTHING")


def _write(rows: Sequence[Model], otherwise: str) -> bool:
    connection: Any = connections[DEFAULT_DB_ALIAS]
    portions = [rows[first : first + PORTION] for first in range(0, len(rows), PORTION)]
    written = [
        _insertion(connection.vendor, type(portion[0]), len(portion), otherwise).write(
            portion, connection
        )
        for portion in portions
    ]
    return all(written)


# Values that go into a column as they are: most of them.
PLAIN = {CharField: str, TextField: str, IntegerField: int, BooleanField: bool}


def _plain(field: Any) -> type | None:
    column = field.target_field if field.is_relation else field
    return next((plain for kind, plain in PLAIN.items() if isinstance(column, kind)), None)


class Insertion:
    """INSERT of so many rows of a model."""

    def __init__(self, model: type[Model], number: int, otherwise: str) -> None:
        meta = model._meta
        self.is_counted = isinstance(meta.pk, AutoField)
        self.fields = [
            (field, _plain(field))
            for field in meta.local_concrete_fields
            if field is not meta.auto_field
        ]
        self.values = attrgetter(*(field.attname for field, _ in self.fields))
        columns = ", ".join(_quoted(field.column) for field, _ in self.fields)
        row = f"({', '.join(['%s'] * len(self.fields))})"
        rows = ", ".join([row] * number)
        self.sql = f"INSERT INTO {_quoted(meta.db_table)} ({columns}) VALUES {rows}"  # noqa: S608
        self.sql += otherwise
        if self.is_counted:
            self.sql += f" RETURNING {_quoted(meta.pk.column)}"

    def write(self, rows: Sequence[Model], connection: Any) -> bool:
        """Whether all were written."""
        params: list[Any] = []
        for row in rows:
            if not row._state.adding:
                raise TypeError(f"{row!r} was written before")
            # What was assigned before it had a key has one by now.
            row._prepare_related_fields_for_save("insert")  # type: ignore[attr-defined]
            params += [
                value
                if value is None or type(value) is plain
                else field.get_db_prep_save(value, connection)
                for (field, plain), value in zip(self.fields, self.values(row), strict=True)
            ]
        # Whoever catches what the database refuses does not go on in the same transaction.
        with mark_for_rollback_on_error(connection.alias), prepared_cursor(self.sql) as cursor:
            cursor.execute(self.sql, params)
            keys = cursor.fetchall() if self.is_counted else ()
            number = len(keys) if self.is_counted else cursor.rowcount
        if number != len(rows):
            return False
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias
        for row, (key,) in zip(rows, keys, strict=False):
            row.pk = key
        return True


def _quoted(name: str | None) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name or "")


@lru_cache(maxsize=512)
def _insertion(vendor: str, model: type[Model], number: int, otherwise: str) -> Insertion:
    return Insertion(model, number, otherwise)
