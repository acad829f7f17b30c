"""Seeded rows in a database of their own, kept until the builder or a migration changes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from accounts import sealing
from accounts.models import Partner
from tests.bench import build, bulk
from tests.bench.figures import say

BUILDER = ("names", "drawing", "tables", "words", "bulk", "copies", "build")


class NotOurs(Exception):
    """The database holds something that no builder of ours has put there."""


def fingerprint(rows: int) -> str:
    """Of what decides how the rows look: how many, the builder, the migrations, the master key."""
    told = hashlib.sha256(f"{rows} {sealing.masters()[0]}".encode())
    for name in BUILDER:
        told.update((Path(__file__).parent / f"{name}.py").read_bytes())
    for migration in sorted(MigrationLoader(None).disk_migrations):
        told.update("/".join(migration).encode())
    return told.hexdigest()[:12]


def prepare(rows: int, *, keep: bool = False, anew: bool = False) -> None:
    """Lets the default connection's database hold these rows: those of an earlier time, or new.

    `keep`: also where they are not what would be built today. Raises NotOurs.
    """
    mark = _mark()
    if mark and not anew and (keep or mark == fingerprint(rows)):
        say(f"{connection.vendor}: kept what stands there")
        _catch_up()
        return
    if not mark and not anew and _is_in_use():
        raise NotOurs("This database holds something else: --anew would empty it.")
    _empty()
    call_command("migrate", verbosity=0)
    build.build(rows)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_mark (fingerprint varchar(12))")
        cursor.execute("INSERT INTO bench_mark VALUES (%s)", [fingerprint(rows)])


def _catch_up() -> None:
    """Migrations that came after the rows."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        if connection.vendor == "postgresql":
            bulk.run("SET statement_timeout = 0")
        call_command("migrate", verbosity=0)
        bulk.settle()


def _mark() -> str:
    if "bench_mark" not in connection.introspection.table_names():
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint FROM bench_mark")
        return cursor.fetchone()[0]


def _is_in_use() -> bool:
    tables = connection.introspection.table_names()
    return Partner._meta.db_table in tables and Partner.objects.exists()


def _empty() -> None:
    if connection.vendor == "sqlite":
        connection.close()
        for end in ("", "-wal", "-shm"):
            Path(f"{connection.settings_dict['NAME']}{end}").unlink(missing_ok=True)
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    connection.close()


@contextmanager
def beside(rows: int, *, keep: bool = False) -> Iterator[BaseDatabaseWrapper]:
    """All that asks the default connection asks a database next to it, which holds these rows."""
    usual = connections["default"]
    there = usual.copy()
    name = str(usual.settings_dict["NAME"])
    stem, dot, ending = name.partition(".sqlite3")
    there.settings_dict["NAME"] = f"{stem}_{rows}{dot}{ending}"
    if there.vendor == "postgresql":
        _create(there.settings_dict["NAME"])
    connections["default"] = there
    try:
        prepare(rows, keep=keep)
        yield there
    finally:
        there.close()
        connections["default"] = usual


def _create(name: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f'CREATE DATABASE "{name}"')
