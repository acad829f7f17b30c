"""Queries that are asked again and again: their SQL is written once, not each time.

Django takes several times as long to write the SQL of a page's query as the database to answer it.
Here a queryset is built once, with slots, and then asked with what fills them:

    NAME = Statement(lambda: Partner.objects.filter(pk=Slot("pk")).values_list("name"))
    NAME.rows(pk=7)
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models import Expression, Field, QuerySet
from django.db.transaction import TransactionManagementError

from accounts.cursors import prepared_cursor
from accounts.instances import Maker

# Codes, days and the like.
CONSTANT = re.compile(r"[\w .:/+-]*")


class Slot(Expression):
    """Stands in a filter for a value that is not known yet."""

    def __init__(self, name: str, field: Field | None = None) -> None:
        super().__init__(output_field=field)
        self.name, self.given = name, field

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def filled(self, values: dict[str, Any]) -> Any:
        value = values[self.name]
        return self.given.get_db_prep_value(value, connection) if self.given else value


class Numbers(Slot):
    """Stands in OneOf for numbers that are not known yet."""

    kind = "bigint"

    def filled(self, values: dict[str, Any]) -> Any:
        return _as_one(values[self.name])


class Texts(Numbers):
    """Stands there for texts."""

    kind = "text"


class OneOf(models.Lookup):
    """IN by a single parameter: a thousand of them cost Django ten times what they cost to run."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        slot = isinstance(self.rhs, Numbers)
        numbers, kind = (self.rhs, self.rhs.kind) if slot else (_as_one(self.rhs), Numbers.kind)
        if connection.vendor == "postgresql":
            # Whose length is unknown counts as ten. Of hundreds, a planner without statistics
            # would expect the whole table.
            return f"{column} = ANY(ARRAY(SELECT unnest(%s::{kind}[])))", [*params, numbers]
        return f"{column} IN (SELECT value FROM json_each(%s))", [*params, numbers]  # noqa: S608


def _as_one(values: Sequence[int] | Sequence[str]) -> Any:
    return values if connection.vendor == "postgresql" else json.dumps(values)


def _with_constants(sql: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
    """The statement with its plain constants written out, and what is left to be filled in.

    SQLite takes an index that has a condition only where the statement has it too, written out.
    """
    given, left = iter(params), []

    def written(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return found[0]
        value = next(given)
        literal = _literal(value)
        if literal is None:
            left.append(value)
        return literal or found[0]

    return re.sub("%[%s]", written, sql), left


def _literal(value: Any) -> str | None:
    """None: not one that needs no quoting."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(int(value))
    is_plain = isinstance(value, str) and CONSTANT.fullmatch(value)
    return f"'{value}'" if is_plain else None


# What comes from the driver as it should be, or nearly so; Django looks closer, at each value.
COMES_AS = {"BooleanField": bool, "IntegerField": int, "DateTimeField": datetime}


def _reader(converters: Sequence[Any], expression: Any) -> Callable[[Any], Any]:
    """What Django's converters make of a column's value. Of a list on SQLite they took as long as
    it takes to find its rows.
    """

    def read(value: Any) -> Any:
        for converter in converters:
            value = converter(value, expression, connection)
        return value

    field = expression.output_field
    kind = COMES_AS.get(field.get_internal_type())
    if kind is None or hasattr(field, "from_db_value"):
        return read
    if kind is datetime:
        # Kept in UTC, without saying so. replace() takes five times as long.
        utc = datetime.combine
        return lambda at: (
            utc(at, at.time(), UTC) if type(at) is datetime and at.tzinfo is None else read(at)
        )
    return lambda value: value if type(value) is kind else read(value)


class Written:
    """SQL as this engine understands it, and how what it answers becomes values."""

    def __init__(self, queryset: QuerySet) -> None:
        self.locks = queryset.query.select_for_update
        self.compiler = queryset.query.get_compiler(connection=connection)
        self.sql, self.params = _with_constants(*self.compiler.as_sql())
        columns = [column for column, _, _ in self.compiler.select]
        converters = self.compiler.get_converters(columns)
        self.readers = [(place, _reader(*one)) for place, one in converters.items()]

    def rows(self, values: dict[str, Any]) -> list[Sequence[Any]]:
        if self.locks and connection.get_autocommit():
            raise TransactionManagementError("A lock that ends with its statement guards nothing.")
        params = [one.filled(values) if isinstance(one, Slot) else one for one in self.params]
        with prepared_cursor(self.sql) as cursor:
            cursor.execute(self.sql, params)
            found = cursor.fetchall()
        if self.readers:
            found = [*map(list, found)]
            for place, read in self.readers:
                for row in found:
                    row[place] = read(row[place])
        return found

    @cached_property
    def maker(self) -> Maker:
        return Maker(self.compiler.klass_info, self.compiler.select)  # type: ignore[arg-type]

    def instances(self, values: dict[str, Any]) -> list[Any]:
        rows = self.rows(values)
        made = [self.maker.made(row) for row in rows]
        for name, column in self.compiler.annotation_col_map.items():
            for one, row in zip(made, rows, strict=True):
                setattr(one, name, row[column])
        return made


class Statement:
    """What `queryset` gives. Nothing but what fills its slots may differ from time to time, and it
    is best found the same way whatever fills them: PostgreSQL plans it once, which for a page's
    query takes longer than to find its rows.
    """

    def __init__(self, queryset: Callable[[], QuerySet]) -> None:
        self.queryset = queryset
        self.by_engine: dict[str, Written] = {}

    @property
    def written(self) -> Written:
        engine = connection.vendor
        if engine not in self.by_engine:
            self.by_engine[engine] = self.write()
        return self.by_engine[engine]

    def write(self) -> Written:
        return Written(self.queryset())

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """Of a queryset of values_list()."""
        return self.written.rows(values)

    def instances(self, **values: Any) -> list[Any]:
        """With what select_related() and annotate() bring along."""
        return self.written.instances(values)


def gathered(rows: Sequence[Any], name: str) -> list[Any]:
    """What a relation to many brought along, a row of the answer for each, in order of its key."""
    found = (vars(row).get(name) for row in rows)
    by_key = {one.pk: one for one in found if one is not None}
    return [by_key[key] for key in sorted(by_key)]


def prefetched(row: Any, relation: str, found: list[Any]) -> None:
    """What stands in the relation is known, as after prefetch_related()."""
    queryset = getattr(row, relation).all()
    queryset._result_cache, queryset._prefetch_done = found, True
    vars(row).setdefault("_prefetched_objects_cache", {})[relation] = queryset
