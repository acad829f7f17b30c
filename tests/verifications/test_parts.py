"""Parts that are drawn once: what is filled in is text, and no shape is taken for another."""

import html
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template
from django.utils.safestring import SafeString

from tests.verifications import rows
from verifications.plan import Row
from verifications.templatetags import parts
from verifications.templatetags import rows as drawn_rows
from verifications.templatetags.parts import fill

PAYLOADS = [
    "<script>alert(1)</script>",
    '" onx=y',
    "' x='",
    "&lt;",
    "{{ 7 }}",
    "</bdi>",
    "\0name\0",
]

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


@pytest.fixture
def part(settings: Any, tmp_path: Path) -> Path:
    """A template of this test's own."""
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]
    return tmp_path / f"{tmp_path.name}.html"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_blank_is_filled_with_text(part: Path, payload: str) -> None:
    part.write_text('<p title="{{ word }}">{{ name }}</p>')
    drawn = fill(part.name, {"word": "a<b"}, {"name": payload})
    assert drawn == f'<p title="a&lt;b">{html.escape(payload)}</p>'


def test_a_shape_that_was_kept_is_not_drawn_again(part: Path) -> None:
    part.write_text("{{ word }} {{ name }}")
    assert fill(part.name, {"word": "a"}, {"name": "b"}) == "a b"
    part.write_text("changed {{ word }}")
    assert fill(part.name, {"word": "a"}, {"name": "c"}) == "a c"
    assert fill(part.name, {"word": "b"}, {"name": "c"}) == "b c"


def test_a_developer_sees_the_template_as_it_is(part: Path, settings: Any) -> None:
    settings.DEBUG = True
    for words in ("one", "two"):
        part.write_text(words)
        settings.TEMPLATES = [*settings.TEMPLATES]
        assert fill(part.name, {}, {}) == words


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("<b>", SafeString("<b>"))])
def test_what_is_equal_but_not_the_same_is_another_shape(
    part: Path, one: object, other: object
) -> None:
    part.write_text("{{ it }}")
    assert fill(part.name, {"it": one}, {}) != fill(part.name, {"it": other}, {})
    assert fill(part.name, {"it": one}, {}) != fill(part.name, {"it": other}, {})


def test_the_tags_give_what_the_template_says(part: Path) -> None:
    part.write_text("[{{ a }}{% if b %}!{% endif %} {{ c }}]")
    page = Template(f'{{% kept "{part.name}" a=x b=True blank c=y %}}')
    assert page.render(Context({"x": "<", "y": ">"})) == "[&lt;! &gt;]"
    with_class = Template('{% icon "i-menu" class=x %}').render(Context({"x": "wide"}))
    assert 'class="icon wide"' in with_class
    assert '#i-menu"' in with_class


@pytest.mark.parametrize("payload", PAYLOADS[:-1])
@pytest.mark.parametrize(
    "field", ["name", "client_id", "scan_ref", "document_country", "document_type"]
)
def test_whatever_a_row_holds_is_text(field: str, payload: str) -> None:
    (shown,) = drawn_rows.drawn([ROW._replace(**{field: payload})])
    expected = html.escape(payload)[:8] if field == "scan_ref" else html.escape(payload)
    assert expected in shown
    assert "<script" not in shown
    assert shown.count("<tr>") == shown.count("</tr>") == 1
    assert " onx=" not in shown.replace("&quot; onx=", "")


def test_no_row_keeps_an_applicant_in_memory() -> None:
    before = parts._drawn.cache_info().currsize
    for name in ("Alma", "Jonas", "Mira"):
        list(drawn_rows.drawn([ROW._replace(name=name)]))
    assert parts._drawn.cache_info().currsize <= before + 1
