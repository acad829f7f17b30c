"""What the statements of a page do to their tables, as the engine itself tells it.

PostgreSQL runs them under EXPLAIN ANALYZE: every scan tells how many rows it came to, those among
them that a filter threw away. A look that found nothing counts as a row.

SQLite counts no rows. Its plan tells of scans and sorts, and its virtual machine takes steps: about
sixteen to look at a row and hand it out, four to pass by one. So `rows` is an estimate there, under
which four times as many may hide that were only passed by.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

MOST_ROWS = 1000
# A page, and the row by which the next one is known.
MOST_SORTED = 51
STEPS_A_ROW, STEPS_AT_ONCE = 16, 8
# Tables that hold few rows may be read as a whole.
SMALL = 1000

Statement = tuple[str, Any]


@dataclass
class Told:
    """Of one statement: rows that it came to, tables that it read as a whole, rows sorted."""

    sql: str
    rows: int = 0
    scanned: set[str] = field(default_factory=set)
    sorted: int = 0
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
            statements.append((sql, params))
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


def _by_postgresql(sql: str, params: Any) -> Told:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {sql}", params)
        (answer,) = cursor.fetchone()
    ((whole),) = json.loads(answer) if isinstance(answer, str) else answer
    told = Told(sql)
    _add_node(told, whole["Plan"], 0)
    return told


def _add_node(told: Told, node: dict[str, Any], depth: int) -> None:
    kind, table, loops = node["Node Type"], node.get("Relation Name", ""), node["Actual Loops"]
    thrown = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    rows = max(node["Actual Rows"] + thrown, 1) * loops
    told.plan.append(f"{'  ' * depth}{kind} {table} {node.get('Index Name', '')} {rows}")
    if table:
        told.rows += rows
        if kind == "Seq Scan" and loops:
            told.scanned.add(table)
    if "Sort" in kind:
        below = next(it for it in node["Plans"] if it["Parent Relationship"] == "Outer")
        told.sorted = max(told.sorted, below["Actual Rows"])
    for each in node.get("Plans", ()):
        _add_node(told, each, depth + 1)


def _by_sqlite(sql: str, params: Any) -> Told:
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
