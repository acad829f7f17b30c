"""The list of deliveries as a page, in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Membership
from verifications import keyset
from verifications.deliveries import words
from verifications.endpoint_forms import TROUBLE, DeliveryFilterForm
from verifications.models import WebhookDelivery, WebhookEndpoint

POSITIONS = ("after", "before")


@dataclass(frozen=True)
class Line:
    delivery: WebhookDelivery
    said: words.Said


@dataclass(frozen=True)
class Refusal:
    label: str
    text: str
    query: str


@dataclass(frozen=True)
class Listing:
    form: DeliveryFilterForm
    refusals: list[Refusal]
    lines: list[Line]
    newer: str
    older: str
    first: str
    is_first: bool
    is_filtered: bool


def build(membership: Membership, query: QueryDict, now: datetime) -> Listing:
    """A question that cannot be understood gives no rows and the form that says why."""
    form = DeliveryFilterForm(query, endpoints=_endpoint_choices(membership))
    page = keyset.Page([], None, None)
    asked = form.cleaned_data if form.is_valid() else {}
    if form.is_valid():
        rows = _matching(membership, asked).select_related("endpoint", "verification")
        page = keyset.page(rows, "queued_at", keyset.Turn(asked["after"], asked["before"]))
    return Listing(
        form=form,
        refusals=_refusals(form),
        lines=[Line(row, words.of_delivery(row, now)) for row in page.rows],
        newer=_question(query, before=page.newer) if page.newer else "",
        older=_question(query, after=page.older) if page.older else "",
        first=_question(query),
        is_first=not any(asked.get(name) for name in POSITIONS),
        is_filtered=any(value for name, value in asked.items() if name not in POSITIONS),
    )


def _endpoint_choices(membership: Membership) -> list[tuple[str, str]]:
    rows = WebhookEndpoint.objects.filter(partner=membership.partner_id).order_by("name", "pk")
    return [(str(row.pk), f"{row.name} (removed)" if row.removed_at else row.name) for row in rows]


def _matching(membership: Membership, asked: dict[str, Any]) -> QuerySet[WebhookDelivery]:
    rows = WebhookDelivery.objects.filter(partner=membership.partner_id)
    if asked["q"]:
        rows = rows.filter(verification__scan_ref=asked["q"])
    if asked["state"] == TROUBLE:
        rows = rows.in_trouble()
    elif asked["state"]:
        rows = rows.filter(state=asked["state"])
    if asked["code"] == "none":
        rows = rows.filter(last_code=None, attempts__gt=0)
    elif asked["code"]:
        rows = rows.filter(last_code=int(asked["code"]))
    return rows.filter(endpoint=int(asked["endpoint"])) if asked["endpoint"] else rows


def _refusals(form: DeliveryFilterForm) -> list[Refusal]:
    return [
        Refusal(str(field.label), str(error), _question(form.query, field.html_name))
        for field in form
        for error in field.errors
    ]


def _question(query: QueryDict, *without: str, **added: object) -> str:
    """The query string from its first page on, without these keys and with those."""
    asked = QueryDict(mutable=True)
    for key, values in query.lists():
        if any(values) and key not in (*POSITIONS, *without):
            asked.setlist(key, values)
    for key, value in added.items():
        asked[key] = str(value)
    return asked.urlencode()
