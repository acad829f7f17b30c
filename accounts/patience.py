"""PostgreSQL breaks off whatever takes longer than a page may. A migration takes what it takes: an
index of ten million rows some minutes.
"""

from typing import Any

from django.db import connections

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


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
