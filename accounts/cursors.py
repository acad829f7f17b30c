"""How statements that are asked again and again reach their database: what was worked out for one
of them the first time is kept, by PostgreSQL with the connection, for SQLite by us.
"""

import select
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

# Statements that a connection to PostgreSQL remembers, and as many for SQLite.
MOST_PREPARED = 500


class Prepared(psycopg.Cursor):
    """Django's own cursors write values into the statement. This one sends them beside it, so that
    PostgreSQL plans it once and not each time, and takes the answer as it is, not as text. Like
    those it keeps what it asks, for Django's log of statements.
    """

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.format = psycopg.pq.Format.BINARY

    def execute(self, query: Any, params: Any = None, **how: Any) -> "Prepared":
        return super().execute(query, params, prepare=True)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)
        return self._query

    def close(self) -> None:
        """After each use: it forgets what it was asked and answered, and is used again."""
        self._reset()


class Marked(SQLiteCursorWrapper):
    """Django looks for the places of values in a statement each time that it is asked."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        return _marked(query)


@lru_cache(maxsize=MOST_PREPARED)
def _marked(sql: str) -> str:
    """As SQLite marks them."""
    return SQLiteCursorWrapper.convert_query(None, sql)  # type: ignore[arg-type]


class Unread(psycopg.adapt.Loader):
    """JSON as text: Django's fields read it themselves. Before it stands the format's number."""

    format = psycopg.pq.Format.BINARY

    def load(self, data: Any) -> str:
        return bytes(data[1:]).decode()


def begin(connection: Any, **_: Any) -> None:
    """What a new connection has to know, where it is one to PostgreSQL."""
    if connection.vendor == "postgresql":
        raw = connection.connection
        raw.adapters.register_loader("jsonb", Unread)
        # Only what is asked to be prepared is; and of that, all that our pages ask.
        raw.prepare_threshold, raw.prepared_max = 1_000_000_000, MOST_PREPARED
        raw.cursors = {}


def prepared_cursor(sql: str) -> Any:
    """For this very statement, whose answer is to be read before it is asked again. On PostgreSQL
    it is kept with the connection: it knows by then how to write its values and read its answers.
    """
    # Looked up once: `connection` looks for it again with each name.
    here: Any = connections[DEFAULT_DB_ALIAS]
    if here.vendor != "postgresql":
        here.ensure_connection()
        return here._prepare_cursor(here.connection.cursor(factory=Marked))
    _see_to(here)
    raw = here.connection
    if sql not in raw.cursors:
        if len(raw.cursors) == MOST_PREPARED:
            del raw.cursors[next(iter(raw.cursors))]
        raw.cursors[sql] = Prepared(raw)
    return here._prepare_cursor(raw.cursors[sql])


def _see_to(here: Any) -> None:
    """A connection that the server has ended is made anew. Django asks the server for that, once a
    request; it need not be asked while it has said nothing, as it does before it ends one.
    """
    if here.connection is not None and here.health_check_enabled and not here.health_check_done:
        here.health_check_done = not _has_spoken(here.connection)
        here.close_if_health_check_failed()
    here.ensure_connection()


def _has_spoken(raw: psycopg.Connection) -> bool:
    if raw.closed:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))
