"""Templates ask the database nothing: what a page shows is there before it is drawn."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
from django.conf import LazySettings
from django.db import connection
from django.template import engines
from jinja2 import nodes

from accounts.models import Membership
from tests.fuzz.walk import Walker
from tests.fuzz.world import World, patterns, stay_here

ROOT = Path(__file__).resolve().parent.parent
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


FORM = re.compile(rb'<form\b[^>]*method="post".*?</form>', re.DOTALL)


def test_every_form_says_for_which_partner_it_was_opened(walker: Walker) -> None:
    """Another tab may have chosen another one by the time it is sent."""
    own = f'name="opened_for" value="{walker.world.northbank.pk}"'.encode()
    forms = 0
    for pattern in [one for one in patterns() if not one.startswith(NOT_OURS)]:
        with walker.asked("admin", "GET", walker.world.path(pattern)) as answer:
            found = FORM.findall(answer.whole)
        assert all(own in form for form in found), pattern
        forms += len(found)
    assert forms > 80


def test_a_template_that_asks_would_be_seen(asked: list[str], ada: Any) -> None:
    template = engines["jinja2"].from_string("{% for one in all %}{{ one }}{% endfor %}")
    template.render({"all": Membership.objects.all()})
    assert asked


OURS = [path for room in ("accounts", "verifications") for path in (ROOT / room).rglob("*.py")]
# But for those in Django's own language.
THEIRS = ROOT / "templates" / "support"
TEMPLATES = [
    path
    for path in sorted((ROOT / "templates").rglob("*.*"))
    if path.is_file() and THEIRS not in path.parents
]
PROPERTIES = {"property", "cached_property"}


@cache
def names_of_methods() -> set[str]:
    """Of those that are methods wherever a class of ours has them."""
    methods, others = set(), set()
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for it in node.body:
                    if isinstance(it, ast.FunctionDef):
                        marks = {ast.unparse(mark) for mark in it.decorator_list}
                        (others if marks & PROPERTIES else methods).add(it.name)
                    elif isinstance(it, ast.AnnAssign | ast.Assign):
                        others |= {ast.unparse(target) for target in _targets(it)}
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                others |= {it.attr for it in _targets(node) if isinstance(it, ast.Attribute)}
    return methods - others


def _targets(node: ast.AnnAssign | ast.Assign) -> list[ast.expr]:
    return [node.target] if isinstance(node, ast.AnnAssign) else node.targets


def named_without_a_call(source: str) -> set[str]:
    """Attributes that a template names, but for those that it calls."""
    tree = engines["jinja2"].env.parse(source)  # type: ignore[attr-defined]
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    named = tree.find_all(nodes.Getattr)
    return {one.attr for one in named if id(one) not in called}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_names_a_method_that_it_does_not_call(path: Path) -> None:
    """It would be shown as Python shows it, and count as true whatever it gives."""
    assert not named_without_a_call(path.read_text()) & names_of_methods()


def test_a_method_that_is_not_called_would_be_seen() -> None:
    assert "get_outcome_display" not in names_of_methods()
    assert {"newest", "sent"} <= names_of_methods()
    told = "{% if page.newest %}{{ one.sent() }}{% endif %}{{ two.link }}"
    assert named_without_a_call(told) == {"newest", "link"}
