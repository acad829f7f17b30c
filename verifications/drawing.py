"""The language of our pages: Jinja2, and its filters. None of them asks the database.

What is constant is written as a constant with a filter, {{ "i-menu"|icon }}: Jinja2 works it out
once, when it compiles the template.
"""

import logging
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

import jinja2
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms import BoundField
from django.template.defaultfilters import capfirst, pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, json_script
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, _escape_inner  # type: ignore[attr-defined]

from verifications import frame, looks
from verifications.statuses import Status

logger = logging.getLogger(__name__)

# What is itself in an address.
PLAIN = re.compile(r"[0-9A-Za-z_-]*")
LINE_END = re.compile(r"\r\n|\r|\n")


def environment(**options: Any) -> jinja2.Environment:
    """What a template names and nobody gave is an error, but not for people at work: they get
    the page without it, and the log tells us.
    """
    options["undefined"] = (
        jinja2.StrictUndefined
        if settings.DEBUG or settings.TESTING
        else jinja2.make_logging_undefined(logger, base=jinja2.ChainableUndefined)
    )
    drawn = Environment(trim_blocks=True, lstrip_blocks=True, **options)
    # An error is told without a request.
    drawn.globals |= {"messages": (), "now": timezone.now, "shell": frame.NOBODY}
    drawn.filters |= FILTERS
    return drawn


def escaped(value: Any) -> str:
    """What `markupsafe.escape` says, without making an object that says it needs no more of it."""
    if type(value) is str:
        return _escape_inner(value)
    if type(value) is Markup:
        return value
    if hasattr(value, "__html__"):
        return value.__html__()  # type: ignore[no-any-return]
    return _escape_inner(str(value))


class Writer(CodeGenerator):
    """What is written into a page goes there at once: `escaped` is enough, and takes a quarter of
    the time. A list writes a thousand values.
    """

    def visit_Template(self, node: Any, frame: Any = None) -> None:  # noqa: N802 - its name
        self.writeline(f"from {__name__} import escaped")
        super().visit_Template(node, frame)

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("escaped(" + (finalize.src or ""))


class Environment(jinja2.Environment):
    code_generator_class = Writer


# Text that is HTML already: `Markup` asks what it is given before it makes the same of it.
html = partial(str.__new__, Markup)


def typed(field: BoundField) -> object:
    """What stands in a field of a form: what was typed, or what it begins with."""
    value = field.value()
    return "" if value is None else value


def lines(text: str) -> str:
    """Text whose lines stay lines."""
    return html(LINE_END.sub("<br>", _escape_inner(text)))


@lru_cache(maxsize=1024)
def url(name: str, *args: object) -> str:
    return reverse(name, args=args)


def verification_url(scan_ref: str) -> str:
    """What `url` gives, at a tenth of its price: a list asks fifty times."""
    before, after = _around_scan_ref()
    return f"{before}{scan_ref if PLAIN.fullmatch(scan_ref) else quote(scan_ref)}{after}"


@lru_cache(maxsize=1)
def _around_scan_ref() -> list[str]:
    return reverse("verification_detail", args=["-"]).rsplit("-", 1)


def when(at: datetime) -> str:
    """A time to the minute; a pointer on it shows it in full."""
    iso, brief, full = looks.times(at)
    return html(f'<time datetime="{iso}" title="{full}">{brief}</time>')


def exactly(at: datetime) -> str:
    """A time to the second."""
    iso, exact = looks.seconds(at)
    return html(f'<time datetime="{iso}">{exact}</time>')


def static(path: str) -> str:
    return staticfiles_storage.url(path)


@lru_cache(maxsize=256)
def icon(name: str, more: str = "") -> str:
    """A drawing beside words, hidden from readers; with more classes."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        f" {more}" if more else "",
        static("img/icons.svg"),
        name,
    )


@lru_cache(maxsize=64)
def badge(status: str, suspected: bool = False, large: bool = False) -> str:
    """Where a verification stands."""
    known = Status(status)
    stands = format_html(
        '<span class="badge {}{}">{}{}</span>',
        looks.tone(known),
        " badge-large" if large else "",
        icon(looks.shape(known)),
        known.label,
    )
    if not suspected:
        return stands
    return format_html(
        '{} <span class="badge tone-warn {}">{}Suspected</span>',
        stands,
        "badge-large" if large else "badge-bare",
        icon("s-suspected"),
    )


@jinja2.pass_environment
def kept(environment: jinja2.Environment, name: str, it: object) -> str:
    """A part of a page that says nothing but `it`, drawn once for all who are shown the same.

    It stays in memory: nothing that tells of a person, or of what one searched for.
    """
    return _drawn(environment.get_template(name), it)


@lru_cache(maxsize=256)
def _drawn(template: jinja2.Template, it: object) -> str:
    return html(template.render(it=it))


@lru_cache(maxsize=1024)
def document(kind: str, country: str) -> str:
    """What kind of document, of which country: of as many as there are codes."""
    if not (kind or country):
        return Markup('<span class="muted">None yet</span>')
    name = looks.label(country, "country")
    of = Markup('<abbr class="country" title="{}">{}</abbr> ').format(name, looks.shown(country))
    what = Markup("<bdi>{}</bdi>").format(looks.shown(looks.label(kind, "doc_type")))
    return Markup("").join([of] * bool(country) + [what] * bool(kind))


FILTERS: dict[str, Callable[..., object]] = {
    "badge": badge,
    "capitalize": str.capitalize,
    "capfirst": capfirst,
    "clock": looks.clock,
    "day": looks.day,
    "document": document,
    "duration": looks.duration,
    "exact": looks.exact,
    "exactly": exactly,
    "full_day": looks.full_day,
    "finding_shape": looks.finding_shape,
    "finding_tone": looks.finding_tone,
    "icon": icon,
    "iso": looks.iso,
    "json_script": json_script,
    "kept": kept,
    "label": looks.label,
    "lines": lines,
    "long_day": looks.long_day,
    "meaning": looks.meaning,
    "minute": looks.minute,
    "number": "{:,}".format,
    "pluralize": pluralize,
    "shape": looks.shape,
    "shown": looks.shown,
    "spoken": looks.spoken,
    "static": static,
    "tone": looks.tone,
    "typed": typed,
    "url": url,
    "verification_url": verification_url,
    "weekday": looks.weekday,
    "when": when,
    "written": looks.written,
}
