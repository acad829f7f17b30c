"""Verbs that are neither GET nor POST: none breaks anything, none changes anything."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry, Kind
from tests.accounts.test_matrix import CELLS, walker, world
from tests.fuzz.walk import FORM, Walker

__all__ = ["walker", "world"]

OTHERS = ("OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "FOO", "PROPFIND", "G\u0130T")
WRITE = re.compile(r'(INSERT|UPDATE|DELETE|REPLACE)\b.*?"(\w+)"', re.S)


@contextmanager
def writes() -> Iterator[list[tuple[str, str]]]:
    """What is written meanwhile: the verb of SQL and the table."""
    seen: list[tuple[str, str]] = []

    def note(execute: Callable, sql: str, *more: Any) -> Any:
        if found := WRITE.match(sql):
            seen.append((found[1], found[2]))
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        yield seen


def who(pattern: str) -> str:
    """Who may do most there."""
    return "support" if pattern.startswith("admin/") else "admin"


# Files: whoever asks for nothing of one takes nothing from their budget.
FILES = {
    "verifications/export.csv",
    "audit/export/",
    "verifications/<str:scan_ref>/report.pdf",
}


def test_head_of_a_file_is_refused_and_takes_nothing(walker: Walker) -> None:
    for pattern in FILES:
        path = walker.world.path(pattern)
        with writes() as written, walker.asked("admin", "HEAD", path) as answer:
            assert answer.status_code == 405, pattern
            assert ("INSERT", "accounts_auditentry") not in written


def test_head_is_answered_and_logged_as_get(walker: Walker) -> None:
    looks = 0
    for pattern in {*CELLS} - FILES:
        path, role = walker.world.path(pattern), who(pattern)
        told = []
        for method in ("GET", "HEAD"):
            with writes() as written, walker.asked(role, method, path) as answer:
                # The cache throws away what is old whenever it likes.
                kept = sorted(it for it in written if it[1] != "django_cache")
                told.append((answer.status_code, answer.get("Content-Type"), kept))
        assert told[0] == told[1], pattern
        assert answer.whole == b"", pattern
        looks += ("INSERT", "accounts_auditentry") in written
    assert looks > 2


def test_a_look_by_head_is_a_look(walker: Walker) -> None:
    path = walker.world.path("verifications/<str:scan_ref>/")
    with walker.asked("viewer", "HEAD", path):
        look = AuditEntry.objects.filter(kind=Kind.VIEWED).latest("pk")
        assert look.actor == walker.world.people["viewer"].pk


@pytest.mark.parametrize("role", ["anonymous", "who may do most"])
def test_no_other_verb_breaks_or_changes_anything(role: str, walker: Walker) -> None:
    body = {"content_type": FORM, "data": "agreed=1&email=nia@new.example&session=1&theme=dark"}
    for pattern in CELLS:
        asks = who(pattern) if role != "anonymous" else role
        path = walker.world.path(pattern)
        for method in OTHERS:
            with writes() as written, walker.asked(asks, method, path, **body) as answer:
                assert answer.status_code == 405, (method, pattern, answer.status_code)
                assert answer["Allow"], (method, pattern)
                assert written == [], (method, pattern)
