"""What a template may call, and that whatever it is given comes out as text."""

import logging
import re
from dataclasses import replace
from typing import Any

import jinja2
import pytest
from django.conf import LazySettings, settings
from django.http import QueryDict
from django.template import engines
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from accounts.models import User
from tests.verifications import rows
from verifications import drawing, listing
from verifications.forms import FilterForm
from verifications.statuses import Status
from verifications.walk import Row

PAYLOADS = ["<script>alert(1)</script>", '" onx=y', "' x='", "&lt;", "{{ 7 }}", "</bdi>"]


ROW = Row(
    pk=1,
    started_at=rows.NOON,
    scan_ref="ref",
    name="Alma Veske",
    client_id="client-1",
    status="APPROVED",
    suspected=False,
    review_type="AUTOMATIC",
    document_type="PASSPORT",
    document_country="LT",
    tag_count=1,
)


def test_the_list_takes_a_row_apart_in_its_order() -> None:
    source = (settings.BASE_DIR / "templates/verifications/list.html").read_text()
    assert f"{{% for {', '.join(Row._fields)} in rows %}}" in source


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize(
    "field", ["name", "client_id", "scan_ref", "document_country", "document_type"]
)
def test_whatever_a_row_holds_is_text(ada: User, field: str, payload: str) -> None:
    page = listing.build(ada.memberships.get(), {}, QueryDict(), rows.NOON.date())
    page = replace(page, rows=[ROW._replace(**{field: payload})])
    shown = render_to_string("verifications/list.html", {"page": page, "export": ""})
    assert str(escape(payload)) in shown
    assert "<script>alert" not in shown
    assert shown.count("<tr>") == shown.count("</tr>") == 2
    assert " onx=" not in shown.replace("&#34; onx=", "")


class Proxy:
    """Says of itself what it is in HTML."""

    def __html__(self) -> str:
        return "<b>"


@given(st.text() | st.integers() | st.none() | st.dates() | st.text().map(Markup))
@example(Proxy())
@example(gettext_lazy("<b>"))
def test_what_goes_into_a_page_is_escaped_as_by_the_library(value: object) -> None:
    assert drawing.escaped(value) == str(escape(value))


def test_what_is_written_in_a_macro_or_kept_for_later_is_escaped_once() -> None:
    template: Any = engines["jinja2"].from_string(
        "{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{% set y %}<u>{{ x }}</u>{% endset %}"
        "{{ m(x) }}{{ y }}{{ x ~ x }}{{ x|upper }}"
    )
    assert template.render({"x": "<"}) == "<i>&lt;</i><u>&lt;</u>&lt;&lt;&lt;"


def test_a_part_that_is_kept_is_drawn_once_and_anew_for_something_else() -> None:
    asked: list[str] = []
    environment: Any = drawing.environment(
        autoescape=True, loader=jinja2.DictLoader({"part": "{{ it|noted }}"})
    )
    environment.filters["noted"] = lambda text: asked.append(text) or text
    page = environment.from_string('{{ "part"|kept(it) }}')
    assert [page.render(it=text) for text in ("<a>", "<a>", "b")] == ["&lt;a&gt;", "&lt;a&gt;", "b"]
    assert asked == ["<a>", "b"]


def test_nothing_that_tells_of_a_person_is_kept() -> None:
    folder = settings.BASE_DIR / "templates"
    written = "".join(it.read_text(encoding="utf-8") for it in folder.rglob("*.html"))
    kept = set(re.findall(r"\|kept\(([^)]*)\)", written))
    assert kept == {"shell.sections", "figures.chart", "page.figures.rankings", '""'}


@pytest.mark.parametrize("ref", ["a", "a b", "ü", "a%2Fb", "a?b#c", "..", "<b>"])
def test_the_quick_address_of_a_verification_is_the_address(ref: str) -> None:
    assert drawing.verification_url(ref) == reverse("verification_detail", args=[ref])


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("suspected", [False, True])
def test_a_badge_says_where_it_stands(status: Status, suspected: bool) -> None:
    badge = drawing.badge(status.value, suspected)
    assert status.label in badge
    assert ("Suspected" in badge) == suspected


@pytest.mark.parametrize("template", ["{{ no }}", "{{ it.no }}", "{% if no %}{% endif %}"])
def test_a_name_that_nobody_gave_fails_in_tests(template: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        engines["jinja2"].from_string(template).render({"it": {}})


def test_a_name_that_nobody_gave_costs_people_at_work_nothing_but_the_name(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TESTING = settings.DEBUG = False
    environment: Any = drawing.environment(autoescape=True)
    with caplog.at_level(logging.WARNING):
        for named in ("nothing", "nothing.at.all", "it.nothing[0]"):
            template = environment.from_string(f"a{{{{ {named} }}}}b")
            assert template.render(it={}) == "ab"
    assert "nothing" in caplog.text


def test_what_is_constant_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    environment: Any = drawing.environment(autoescape=True)
    environment.filters["icon"] = lambda name: asked.append(name) or name
    template = environment.from_string('{{ "i-menu"|icon }}')
    assert [template.render() for _ in range(3)] == ["i-menu"] * 3
    assert asked == ["i-menu"]


def test_a_field_says_the_first_of_its_errors_as_a_sentence() -> None:
    form = FilterForm(QueryDict("from=soon"), people=[], reasons=[], today=rows.NOON.date())
    parts: Any = engines["jinja2"]
    parts = parts.env.get_template("components.html").module
    assert parts.first_error(form["from_"]) == "From is not a date between 1900 and 2100."
    assert parts.first_error(form["to"]) == ""
