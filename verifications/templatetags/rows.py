"""Rows of applicants. Their template is drawn once for each shape, then filled (`parts`): drawing
it anew for each of fifty rows takes twenty times as long.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django import template
from django.template import Context, Node
from django.template.base import FilterExpression, Parser, Token
from django.urls import reverse
from django.utils import timezone

from verifications import codes
from verifications.models import ReviewType
from verifications.plan import Row
from verifications.templatetags.parts import fill
from verifications.templatetags.verifications import (
    duration,
    label,
    moment_at,
    moment_in_full,
    shown,
)
from verifications.waiting import Waiting

register = template.Library()

REVIEWS = dict(ReviewType.choices)


class Rows(Node):
    def __init__(self, draw: Callable[[Any], Iterator[str]], rows: FilterExpression) -> None:
        self.draw, self.rows = draw, rows

    def render(self, context: Context) -> str:
        return "".join(self.draw(self.rows.resolve(context)))


@register.tag
def rows(parser: Parser, token: Token) -> Rows:
    """{% rows page.rows %}"""
    _, given = token.split_contents()
    return Rows(drawn, parser.compile_filter(given))


@register.tag
def waiting_rows(parser: Parser, token: Token) -> Rows:
    """{% waiting_rows page.queue %}"""
    _, given = token.split_contents()
    return Rows(drawn_waiting, parser.compile_filter(given))


def _addresses() -> Callable[[str], str]:
    before, after = reverse("verification_detail", args=["-"]).rsplit("-", 1)
    return lambda scan_ref: f"{before}{quote(scan_ref)}{after}"


def drawn_waiting(given: Iterable[Waiting]) -> Iterator[str]:
    address = _addresses()
    for one in given:
        row = one.verification
        shape = {
            "status": row.status,
            "tags": tuple(shown(label(tag.code, tag.wire_family)) for tag in one.tags),
            "is_named": bool(row.name),
            "is_late": one.is_late,
        }
        blanks = {
            "url": address(row.scan_ref),
            "name": shown(row.name),
            "since": duration(one.since),
        }
        yield fill("verifications/_waiting.html", shape, blanks)


def drawn(given: Iterable[Row]) -> Iterator[str]:
    zone = timezone.get_current_timezone()
    now = timezone.localtime(timezone=zone)
    address = _addresses()
    for row in given:
        shape = {
            "status": row.status,
            "suspected": row.suspected,
            "review": REVIEWS.get(row.review_type, ""),
            "is_named": bool(row.name),
            "has_country": bool(row.document_country),
            "has_document": bool(row.document_type),
            "has_tags": bool(row.tag_count),
        }
        blanks = {"url": address(row.scan_ref), **_texts(row, row.started_at.astimezone(zone), now)}
        yield fill("verifications/_row.html", shape, blanks)


def _texts(row: Row, at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "name": shown(row.name),
        "client_id": shown(row.client_id),
        "scan_ref": row.scan_ref,
        "short_ref": row.scan_ref[:8],
        "country": shown(row.document_country),
        "country_name": codes.find(row.document_country, "country").label,
        "document": shown(codes.find(row.document_type, "doc_type").label),
        "tag_count": row.tag_count,
        "at": at.isoformat(timespec="seconds"),
        "at_in_full": moment_in_full(at),
        "at_in_short": moment_at(at, now),
    }
