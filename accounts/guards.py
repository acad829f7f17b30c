"""Rules that the database keeps by trigger, alike on SQLite and PostgreSQL.

Append-only models refuse UPDATE, DELETE, TRUNCATE and REPLACE; a model may add rules of its own by
a `guards` attribute: name → (event, SQL condition that is refused, sentence); and by `follows` what
the database itself does after an insertion: name → SQL statement, in which NEW is the new row.
PostgreSQL's triggers are ENABLE ALWAYS: an ordinary one is skipped by a replica role.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from accounts.models import AppendOnly


class Guard(NamedTuple):
    name: str
    table: str
    event: str  # INSERT, UPDATE, DELETE or TRUNCATE
    refused_when: str
    sentence: str


class Follow(NamedTuple):
    name: str
    table: str
    statement: str


Rule = Guard | Follow


def _rules(model: type[Model], vendor: str) -> Iterator[Rule]:
    table = model._meta.db_table
    if issubclass(model, AppendOnly):
        sentence = f"{table} is append-only"
        yield Guard(f"{table}_no_update", table, "UPDATE", "TRUE", sentence)
        yield Guard(f"{table}_no_delete", table, "DELETE", "TRUE", sentence)
        if vendor == "postgresql":
            yield Guard(f"{table}_no_truncate", table, "TRUNCATE", "TRUE", sentence)
        else:
            key = model._meta.pk.column
            taken = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608
            yield Guard(f"{table}_no_replace", table, "INSERT", taken, sentence)
    for name, (event, refused_when, sentence) in getattr(model, "guards", {}).items():
        yield Guard(f"{table}_{name}", table, event, refused_when, sentence)
    for name, statement in getattr(model, "follows", {}).items():
        yield Follow(f"{table}_{name}", table, statement)


def declared(vendor: str) -> list[Rule]:
    return [rule for model in apps.get_models() for rule in _rules(model, vendor)]


def _create(rule: Rule, vendor: str) -> list[str]:
    name, table = rule.name, rule.table
    if isinstance(rule, Follow):
        when, each, does = "AFTER INSERT", "ROW", f"{rule.statement}; RETURN NULL;"
        on_sqlite = f"{when} ON {table} BEGIN {rule.statement}; END"
    else:
        when, refused = f"BEFORE {rule.event}", rule.refused_when
        each = "STATEMENT" if rule.event == "TRUNCATE" else "ROW"
        give_back = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(rule.event, "NEW")
        raised = f"RAISE EXCEPTION '{rule.sentence}' USING ERRCODE = '23514'"
        does = f"IF {refused} THEN {raised}; END IF; RETURN {give_back};"
        raised = f"SELECT RAISE(ABORT, '{rule.sentence}')"
        on_sqlite = f"{when} ON {table} WHEN {refused} BEGIN {raised}; END"
    if vendor == "sqlite":
        return [f"CREATE TRIGGER {name} {on_sqlite}"]
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does} END $$",
        f"CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
    ]


def _drop(rule: Rule, vendor: str) -> list[str]:
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {rule.name}"]
    return [
        f"DROP TRIGGER IF EXISTS {rule.name} ON {rule.table}",
        f"DROP FUNCTION IF EXISTS {rule.name}()",
    ]


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def install(connection: BaseDatabaseWrapper) -> None:
    tables = set(connection.introspection.table_names())
    for guard in declared(connection.vendor):
        if guard.table in tables:
            _run(connection, _drop(guard, connection.vendor) + _create(guard, connection.vendor))


def lift(connection: BaseDatabaseWrapper) -> None:
    """Takes the guards away: for migrations, and for tests that must empty tables."""
    for guard in declared(connection.vendor):
        _run(connection, _drop(guard, connection.vendor))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of declared guards that the database does not hold, or holds switched off."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {name for (name,) in cursor.fetchall()}
    return [g.name for g in declared(connection.vendor) if g.name[:63] not in present]


def lift_before_migrate(using: str, plan: list, **_: Any) -> None:
    """Where it breaks off they stay away, and a production does not start before the next one."""
    connection = connections[using]
    if not plan:
        return
    lift(connection)
    if connection.vendor == "sqlite":
        # Those of an earlier version, which this one declares no more.
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            _run(connection, [f'DROP TRIGGER "{name}"' for (name,) in cursor.fetchall()])


def install_after_migrate(using: str, **_: Any) -> None:
    install(connections[using])
