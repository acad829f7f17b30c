"""The bench's short form: what noise cannot blur. The rest of the figures is `make bench`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction

from tests.bench import browser, cases, elsewhere, place, writes
from tests.bench.cases import Case
from tests.bench.place import Place

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the short form is of SQLite"),
]

FEW, MANY = 10_000, 100_000
# Names are looked up first, and a rare answer is looked for in several steps.
MORE = 6
# A transaction inside that of the test is a savepoint; by itself it is none.
AROUND = ("SAVEPOINT", "RELEASE")
Counts = dict[str, int]
OURS = [case for case in cases.CASES if case.behind == "ours"]
# The others may find nothing at one size, where the tags of no rows are not asked for.
ALIKE = [case.name for case in OURS if case.group in ("list", "details", "home")]
OTHERS = [case.name for case in OURS if case.name not in ALIKE]


@contextmanager
def _at(rows: int, blocker: Any) -> Iterator[Place]:
    """What is written there is taken back, hence the connection must outlive the requests."""
    application = WSGIHandler()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with blocker.unblock(), elsewhere.beside(rows), transaction.atomic():
        yield place.here(rows, application, application)
        transaction.set_rollback(True)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _counts(at: Place) -> Counts:
    return {case.name: _count(at, case) for case in OURS}


def _count(at: Place, case: Case) -> int:
    at.ours.get(case.address(at))
    with browser.counted() as statements:
        answer = at.ours.get(case.address(at))
    assert answer.status == 200, case.name
    return len(statements)


@pytest.fixture(scope="module")
def counts(django_db_setup: None, django_db_blocker: Any) -> dict[int, Counts]:
    found = {}
    for rows in (FEW, MANY):
        with _at(rows, django_db_blocker) as at:
            found[rows] = _counts(at)
    return found


@pytest.mark.parametrize("name", ALIKE)
def test_a_page_asks_as_much_of_many_rows_as_of_few(
    db: None, counts: dict[int, Counts], name: str
) -> None:
    assert counts[FEW][name] == counts[MANY][name]


@pytest.mark.parametrize("name", OTHERS)
def test_a_filter_or_search_asks_little_more_than_the_list(
    db: None, counts: dict[int, Counts], name: str
) -> None:
    assert counts[MANY][name] <= counts[MANY]["list, page 1"] + MORE


def test_thirty_events_ask_as_much_as_one(db: None, counts: dict[int, Counts]) -> None:
    assert counts[MANY]["details, 1 event"] == counts[MANY]["details, 30 events"]


@pytest.mark.parametrize(
    ("work", "most"),
    [(writes.statements_of_a_denial, 11), (writes.statements_of_an_intake, 17)],
    ids=["denial", "intake"],
)
def test_what_is_written_takes_few_statements(
    db: None, django_db_blocker: Any, work: Callable[[Place], list[str]], most: int
) -> None:
    with _at(MANY, django_db_blocker) as at:
        statements = [one for one in work(at) if not one.startswith(AROUND)]
    assert len(statements) <= most, "\n".join(statements)
