"""The list of deliveries as a page, in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from accounts.models import Membership
from verifications import keyset
from verifications.address import POSITIONS, Asked, quoted
from verifications.deliveries import words
from verifications.endpoint_forms import TROUBLE, DeliveryFilterForm
from verifications.models import DeliveryState, Verification, WebhookDelivery, WebhookEndpoint
from verifications.models.webhook import trouble


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
    # Where the search broke off before the page was full, and the link that goes on from there.
    searched_to: datetime | None
    searched_back: bool
    further: str


def build(membership: Membership, query: QueryDict, now: datetime) -> Listing:
    """A question that cannot be understood gives no rows and the form that says why."""
    mine = Verification.objects.filter(partner=membership.partner_id)
    endpoints = _endpoint_choices(membership)
    form = DeliveryFilterForm(query, endpoints=endpoints, called=mine.called)
    page = keyset.Page([], None, None)
    asked = form.cleaned_data if form.is_valid() else {}
    if form.is_valid():
        page = _page(membership, asked)
    back, question = bool(asked.get("before")), Asked(query)
    newer, older, further = page.links(back=back)
    onward = {"before" if back else "after": str(further)}
    return Listing(
        form=form,
        refusals=_refusals(form, question),
        lines=[Line(row, words.of_delivery(row, now)) for row in page.rows],
        newer=question.link(before=str(newer)) if newer else "",
        older=question.link(after=str(older)) if older else "",
        first=question.link(),
        is_first=not any(asked.get(name) for name in POSITIONS),
        is_filtered=any(value for name, value in asked.items() if name not in POSITIONS),
        searched_to=page.searched_to.moment if page.searched_to else None,
        searched_back=not back,
        further=question.link(**onward) if further else "",
    )


def _endpoint_choices(membership: Membership) -> list[tuple[str, str]]:
    rows = WebhookEndpoint.objects.filter(partner=membership.partner_id).order_by("name", "pk")
    return [(str(row.pk), f"{row.name} (removed)" if row.removed_at else row.name) for row in rows]


def _page(membership: Membership, asked: dict[str, Any]) -> keyset.Page:
    """By verification or by state there is an index; what else is asked for is looked at."""
    shown = WebhookDelivery.objects.select_related("endpoint", "verification")
    rows = WebhookDelivery.objects.filter(partner=membership.partner_id)
    branches, fits = [rows], Q()
    if asked["q"]:
        keys = [key for key, _ in asked["q"].found]
        branches = [WebhookDelivery.objects.filter(verification=key) for key in keys or [0]]
    if asked["state"] == TROUBLE:
        trying, given_up = Q(state=DeliveryState.WAITING), Q(state=DeliveryState.GIVEN_UP)
        branches = [it.filter(state) for it in branches for state in (trying, given_up)]
        fits &= trouble()
    elif asked["state"]:
        branches = [it.filter(state=asked["state"]) for it in branches]
    if asked["code"] == "none":
        fits &= Q(last_code=None, attempts__gt=0)
    elif asked["code"]:
        fits &= Q(last_code=int(asked["code"]))
    if asked["endpoint"]:
        fits &= Q(endpoint=int(asked["endpoint"]))
    return keyset.sought(
        shown, branches, fits, "queued_at", keyset.Turn(asked["after"], asked["before"])
    )


def _refusals(form: DeliveryFilterForm, question: Asked) -> list[Refusal]:
    refused = [
        Refusal(str(field.label), str(error), question.link(field.html_name))
        for field in form
        for error in field.errors
    ]
    if strange := form.strange:
        refused.append(Refusal(quoted(strange), form.refusal, question.link(*strange)))
    return refused
