"""What the statements of a page do to their tables, as the engine itself tells it.

PostgreSQL runs them under EXPLAIN ANALYZE: every scan tells how many rows it came to, those among
them that a filter threw away. A look that found nothing counts as a row.

SQLite counts no rows. Its plan tells of scans and sorts, and its virtual machine takes steps: about
sixteen to look at a row and hand it out, four to pass by one, 23 more to number it. So `rows` is an
estimate there, under which four times as many may hide that were only passed by.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.db import connection

from accounts.cursors import Prepared

MOST_ROWS = 1000
# A page, and the row by which the next one is known.
MOST_SORTED = 51
STEPS_A_ROW, STEPS_AT_ONCE = 16, 8
# Tables that hold few rows may be read as a whole, where so many are looked at anyway.
SMALL = 3000

# SQL, what fills it, and whether it is planned once for all that may fill it.
Statement = tuple[str, Any, bool]


@dataclass
class Told:
    """Of one statement: rows that it came to, tables that it read as a whole, rows sorted."""

    sql: str
    rows: int = 0
    scanned: set[str] = field(default_factory=set)
    sorted: int = 0
    # Indexes that were read from their beginning, though the place to begin was known.
    late: set[str] = field(default_factory=set)
    plan: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join((self.sql, *self.plan))


class Explained:
    """Asks about each statement once, however many pages ask it."""

    def __init__(self, most_rows: int = MOST_ROWS, most_sorted: int = MOST_SORTED) -> None:
        self.most_rows, self.most_sorted = most_rows, most_sorted
        self.told: dict[str, Told] = {}
        self.large = _large_tables()
        self.pages = 0

    def objections(self, page: str, ask: Callable[[], Any]) -> list[str]:
        """What is wrong with the statements that `ask` leads to; nothing: all is well."""
        with _noted() as statements:
            ask()
        self.pages += 1
        told = [self._tell(statement) for statement in statements]
        wrong = [
            f"{page}: {what}\n{it}"
            for it in told
            for what, holds in {
                f"reads all of {it.scanned & self.large}": it.scanned & self.large,
                f"sorts {it.sorted:,} rows": it.sorted > self.most_sorted,
                f"begins too early along {it.late}": it.late,
            }.items()
            if holds
        ]
        rows = sum(it.rows for it in told)
        if rows > self.most_rows:
            most = max(told, key=lambda it: it.rows)
            wrong.append(
                f"{page}: comes to {rows:,} rows, and by one statement {most.rows:,}\n{most}"
            )
        return wrong

    def _tell(self, statement: Statement) -> Told:
        key = repr(statement)
        if key not in self.told:
            tell = _by_postgresql if connection.vendor == "postgresql" else _by_sqlite
            self.told[key] = tell(*statement)
        return self.told[key]


@contextmanager
def _noted() -> Iterator[list[Statement]]:
    statements: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("SELECT", "WITH", "(SELECT")):
            statements.append((sql, params, isinstance(context["cursor"].cursor, Prepared)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def _large_tables() -> set[str]:
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:

        def is_large(table: str) -> bool:
            cursor.execute(f'SELECT 1 FROM "{table}" LIMIT 1 OFFSET {SMALL}')  # noqa: S608
            return cursor.fetchone() is not None

        return set(filter(is_large, tables))


def forget_statistics() -> None:
    """As a database knows nothing that was restored a moment ago. Needs a superuser."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_statistic")
        cursor.execute("UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0")


def _by_postgresql(sql: str, params: Any, is_prepared: bool) -> Told:
    asked, explain = sql, "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF)"
    with connection.cursor() as cursor:
        if is_prepared:
            cursor.execute(f"PREPARE explained AS {_numbered(sql)}")
            sql = f"EXECUTE explained({', '.join(['%s'] * len(params))})".replace("()", "")
        cursor.execute(f"{explain} {sql}", params or None)
        (answer,) = cursor.fetchone()
        if is_prepared:
            cursor.execute("DEALLOCATE explained")
    ((whole),) = json.loads(answer) if isinstance(answer, str) else answer
    told = Told(asked)
    _add_node(told, whole["Plan"], 0)
    return told


def _numbered(sql: str) -> str:
    slots = (f"${place}" for place in count(1))
    return re.sub("%[%s]", lambda it: next(slots) if it[0] == "%s" else "%", sql)


def _add_node(told: Told, node: dict[str, Any], depth: int) -> None:
    kind, table, loops = node["Node Type"], node.get("Relation Name", ""), node["Actual Loops"]
    thrown = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    rows = max(node["Actual Rows"] + thrown, 1) * loops
    told.plan.append(f"{'  ' * depth}{kind} {table} {node.get('Index Name', '')} {rows}")
    if table:
        told.rows += rows
        if kind == "Seq Scan" and loops:
            told.scanned.add(table)
    told.late |= _begun_too_early(node)
    if "Sort" in kind:
        below = next(it for it in node["Plans"] if it["Parent Relationship"] == "Outer")
        told.sorted = max(told.sorted, below["Actual Rows"])
    for each in node.get("Plans", ()):
        _add_node(told, each, depth + 1)


def _begun_too_early(node: dict[str, Any]) -> set[str]:
    """Only where all columns before the place are given does the engine begin at the place."""
    name, cond = node.get("Index Name", ""), node.get("Index Cond", "")
    place = re.search(r"ROW\((\w+), ", cond)
    if not place:
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
        columns = cursor.fetchone()[0].partition("(")[2].split(", ")
    before = [column.split()[0] for column in columns]
    before = before[: before.index(place[1])]
    return set() if all(re.search(rf"\b{column}\b", cond) for column in before) else {name}


def _by_sqlite(sql: str, params: Any, is_prepared: bool) -> Told:
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += STEPS_AT_ONCE

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = [line for *_, line in cursor.fetchall()]
        connection.connection.set_progress_handler(count, STEPS_AT_ONCE)
        try:
            cursor.execute(sql, params)
            cursor.fetchall()
        finally:
            connection.connection.set_progress_handler(None, 0)
    told = Told(sql, steps // STEPS_A_ROW, plan=[*plan, f"{steps:,} steps"])
    aliases = {alias: table for table, alias in re.findall(r'"(\w+)" ([A-Z]+\d+)\b', sql)}
    for line in plan:
        # Of a walk along an index the rows tell whether it went far.
        if scanned := re.match(r"SCAN (\w+)\b(?! USING)", line):
            told.scanned.add(aliases.get(scanned[1], scanned[1]))
        if line.startswith("USE TEMP B-TREE"):
            told.sorted = told.rows
    return told
