"""Many rows at once: COPY on PostgreSQL, executemany on SQLite.

Indexes, uniqueness, foreign keys and guards are put aside meanwhile, put back and compared with
what was there: what the database would have refused, it refuses then.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.core.management.color import no_style
from django.db import connection
from django.db.models import NOT_PROVIDED, Field, Model
from django.db.models.fields import AutoFieldMixin

from accounts import guards


class Writer:
    """Collects the rows of one table and writes them in portions."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        fields: list[Field] = [f for f in model._meta.concrete_fields if not f.generated]
        # A default of the database's own is the database's to fill in.
        self.fields = [f for f in fields if f.db_default is NOT_PROVIDED]
        self.defaults = [_default(field) for field in self.fields]
        self.values: list[Callable[[Any], Any]] = [_value(field) for field in self.fields]
        self.number = 0
        self.waiting: list[tuple[Any, ...]] = []

    def add(self, row: dict[str, Any]) -> None:
        self.number += 1
        self.waiting.append(
            tuple(
                value(row[field.attname] if field.attname in row else default(self.number))
                for field, default, value in zip(
                    self.fields, self.defaults, self.values, strict=True
                )
            )
        )

    def write(self) -> None:
        table = connection.ops.quote_name(self.model._meta.db_table)
        columns = ", ".join(connection.ops.quote_name(field.column) for field in self.fields)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for row in self.waiting:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(self.fields))
                insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
                cursor.executemany(insert, self.waiting)
        self.waiting = []


def _default(field: Field) -> Callable[[int], Any]:
    """By the number of the row, which is also its key where the database would number it."""
    if isinstance(field, AutoFieldMixin):
        return lambda number: number
    if callable(field.default) and field.default not in (list, dict):
        return lambda number: field.get_default()
    fixed = field.get_default()
    return lambda number: fixed


def _value(field: Field) -> Callable[[Any], Any]:
    """As the driver of this database takes it."""
    if field.get_internal_type() == "JSONField":
        return lambda value: None if value is None else json.dumps(value)
    if connection.vendor == "postgresql":
        return lambda value: value
    return _for_sqlite


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, date):
        return value.isoformat()
    return value.hex if isinstance(value, UUID) else value


@contextmanager
def everything_aside(models: list[type[Model]]) -> Iterator[None]:
    """Lifts what slows a load down, then puts it back and compares."""
    tables = [model._meta.db_table for model in models]
    _settings_for_loading()
    aside = _indexes(tables)
    guards.lift(connection)
    for drop, _ in aside:
        run(drop)
    yield
    for _, create in reversed(aside):
        run(create)
    guards.install(connection)
    _check(tables, aside)
    _settings_as_before(models)


def run(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _indexes(tables: list[str]) -> list[tuple[str, str]]:
    """Statement that drops, statement that creates: first to go, last to come."""
    names = ", ".join(f"'{table}'" for table in tables)
    if connection.vendor == "sqlite":
        found = run(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            f" AND tbl_name IN ({names}) ORDER BY name"
        )
        return [(f'DROP INDEX "{name}"', sql) for name, sql in found]
    # Foreign keys (f), other tables' too, go before the uniqueness (u, p) that they may rest on.
    constraints = run(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        f" WHERE contype IN ('f', 'u', 'p') AND conrelid::regclass::text IN ({names})"
        f" OR contype = 'f' AND confrelid::regclass::text IN ({names})"
        " ORDER BY contype <> 'f', conname"
    )
    indexes = run(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        f" AND tablename IN ({names}) AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u', 'x')) ORDER BY indexname"
    )
    return [
        (
            f'ALTER TABLE {table} DROP CONSTRAINT "{name}"',
            f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}',
        )
        for table, name, definition in constraints
    ] + [(f'DROP INDEX "{name}"', create) for name, create in indexes]


def _check(tables: list[str], aside: list[tuple[str, str]]) -> None:
    if sorted(_indexes(tables)) != sorted(aside):
        raise ValueError("The indexes and constraints are not those that were put aside.")
    if missing := guards.missing(connection):
        raise ValueError(f"Guards are missing: {missing}")
    if connection.vendor == "sqlite" and (broken := run("PRAGMA foreign_key_check")):
        raise ValueError(f"Foreign keys lead nowhere: {broken[:5]}")


def _settings_for_loading() -> None:
    if connection.vendor == "sqlite":
        # A crash in the middle costs the whole file: it is built again.
        run("PRAGMA foreign_keys = OFF")
        run("PRAGMA synchronous = OFF")
        run("PRAGMA cache_size = -262144")
    else:
        run("SET statement_timeout = 0")
        run("SET lock_timeout = 0")
        run("SET idle_in_transaction_session_timeout = 0")
        run("SET synchronous_commit = off")
        run("SET work_mem = '256MB'")
        run("SET maintenance_work_mem = '1GB'")


def _settings_as_before(models: list[type[Model]]) -> None:
    """New rows are numbered on; the next connection has the program's own settings."""
    for sql in connection.ops.sequence_reset_sql(no_style(), models):
        run(sql)
    connection.close()


def settle() -> None:
    """PostgreSQL's planner and visibility map know the rows, as they do after a night."""
    if connection.vendor == "postgresql":
        run("SET statement_timeout = 0")
        run("VACUUM ANALYZE")
    else:
        run("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
