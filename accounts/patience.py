"""PostgreSQL breaks off whatever takes longer than a page may. A migration takes what it takes, and
so does a proof of all there is: of ten million rows some minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


@contextmanager
def granted() -> Iterator[None]:
    _run(DEFAULT_DB_ALIAS, "SET {} = 0")
    try:
        yield
    finally:
        end(DEFAULT_DB_ALIAS)


def begin(using: str, plan: list, **_: Any) -> None:
    if plan:
        _run(using, "SET {} = 0")


def end(using: str, **_: Any) -> None:
    """Back to what the settings say."""
    _run(using, "RESET {}")


def _run(using: str, statement: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for limit in LIMITS:
                cursor.execute(statement.format(limit))
