"""No index says only what another one says too: each costs every write."""

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

import pytest
from django.apps import apps
from django.db import connection

TABLES = [
    model._meta.db_table
    for app in ("accounts", "verifications")
    for model in apps.get_app_config(app).get_models()
]
ON_POSTGRESQL = """
SELECT indexrelid::regclass::text, indisunique, COALESCE(pg_get_expr(indpred, indrelid), ''),
       ARRAY(SELECT pg_get_indexdef(indexrelid, place, true)
             FROM generate_series(1, indnkeyatts) place)
FROM pg_index WHERE indrelid = %s::regclass
"""


class Index(NamedTuple):
    name: str
    is_unique: bool
    condition: str
    columns: list[str]


def _indexes(table: str) -> Iterator[Index]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(ON_POSTGRESQL, [table])
            yield from map(Index._make, cursor.fetchall())
            return
        cursor.execute(f'PRAGMA index_list("{table}")')
        for _, name, is_unique, *_ in cursor.fetchall():
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [name])
            condition = (cursor.fetchone()[0] or "").partition(" WHERE ")[2]
            cursor.execute(f'PRAGMA index_xinfo("{name}")')
            columns = [str(column) for _, _, column, _, _, is_key in cursor.fetchall() if is_key]
            yield Index(name, bool(is_unique), condition, columns)


def _adds_nothing(one: Index, other: Index) -> bool:
    """A smaller one, of fewer rows, adds something, and so does one that forbids doubles."""
    begins_alike = other.columns[: len(one.columns)] == one.columns
    return begins_alike and not one.is_unique and one.condition == other.condition


@pytest.mark.parametrize("table", TABLES)
def test_no_index_is_the_beginning_of_another(db: None, table: str) -> None:
    pairs = permutations(_indexes(table), 2)
    assert not [f"{it.name}: {its.name}" for it, its in pairs if _adds_nothing(it, its)]
