"""Templates ask the database nothing: what a page shows is there before it is drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from django.conf import LazySettings
from django.db import connection
from django.template import engines

from accounts.models import Membership
from tests.fuzz.walk import Walker
from tests.fuzz.world import World, patterns, stay_here

# Drawn by django-allauth and Django's admin from querysets of their own.
NOT_OURS = ("accounts/", "admin/")


@pytest.fixture
def walker(db: None, settings: LazySettings, tmp_path: Path) -> Walker:
    settings.STORAGES, settings.DEMO = stay_here(str(tmp_path)), True
    world = World()
    world.store_photos()
    return Walker(world)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What templates ask while they are drawn."""
    seen: list[str] = []
    draw = jinja2.Template.render

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    def drawn(self: jinja2.Template, context: Any) -> str:
        with connection.execute_wrapper(note):
            return draw(self, context)

    monkeypatch.setattr(jinja2.Template, "render", drawn)
    return seen


def test_no_template_of_ours_asks_the_database(walker: Walker, asked: list[str]) -> None:
    drawn = 0
    for pattern in [one for one in patterns() if not one.startswith(NOT_OURS)]:
        for method in ("GET", "POST"):
            for role in ("admin", "viewer"):
                with walker.asked(role, method, walker.world.path(pattern)) as answer:
                    drawn += b"<!doctype html>" in answer.whole
                assert not asked, (pattern, method, role)
    assert drawn > 50


def test_a_template_that_asks_would_be_seen(asked: list[str], ada: Any) -> None:
    template = engines["jinja2"].from_string("{% for one in all %}{{ one }}{% endfor %}")
    template.render({"all": Membership.objects.all()})
    assert asked
