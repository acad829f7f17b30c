"""Endpoints with what waits for them, and who changed one, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Membership, names_of
from verifications.deliveries import words
from verifications.models import TRYING, UNSETTLED, WebhookDelivery, WebhookEndpoint

# Of one endpoint, messages of one kind.
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Line:
    """How many wait, and how many of them were tried in vain; empty: none."""

    endpoint: WebhookEndpoint
    said: words.Said
    waiting: str
    failing: str
    # While a former key signs along.
    former_key_until: datetime | None


@dataclass(frozen=True)
class Change:
    """Who was first, `who` empty for the system, and what stands now where it is not as typed."""

    who: str
    at: datetime | None
    differences: list[tuple[str, str]]


def find(memberships: Iterable[Membership], pk: int) -> WebhookEndpoint | None:
    """One that stands, of the partners that these memberships speak for."""
    partners = [membership.partner_id for membership in memberships]
    rows = WebhookEndpoint.objects.filter(partner__in=partners, removed_at=None)
    return rows.select_related("partner").filter(pk=pk).first()


def lines(membership: Membership) -> list[Line]:
    rows = WebhookEndpoint.objects.filter(partner=membership.partner_id, removed_at=None)
    return [_line(row) for row in sorted(_with_queues(rows), key=attrgetter("name", "pk"))]


def line(endpoint: WebhookEndpoint) -> Line:
    return _line(_with_queues(WebhookEndpoint.objects).get(pk=endpoint.pk))


def _line(row: Any) -> Line:
    until = row.former_key_until
    is_over = until is None or until <= timezone.now()
    waiting, failing = _counted(row.waiting), _counted(row.failing)
    return Line(row, words.of_endpoint(row), waiting, failing, None if is_over else until)


class CountOf(Subquery):
    """How many rows it has; give it no more than may be counted."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _with_queues(rows: Any) -> QuerySet:
    theirs = WebhookDelivery.objects.filter(partner=OuterRef("partner"), endpoint=OuterRef("pk"))
    waiting, failing = (
        CountOf(theirs.filter(kind).order_by().values("pk")[: MOST_COUNTED + 1])
        for kind in (UNSETTLED, TRYING)
    )
    return rows.annotate(waiting=waiting, failing=failing)  # type: ignore[no-any-return]


def _counted(number: int) -> str:
    if number > MOST_COUNTED:
        return f"more than {MOST_COUNTED:,}"
    return f"{number:,}" if number else ""


def latest_change(endpoint: WebhookEndpoint, typed: dict[str, Any]) -> Change:
    """Since a form was drawn, for somebody who typed this meanwhile."""
    entries = AuditEntry.objects.filter(subject=endpoint.audit_subject)
    entry = entries.filter(kind=Kind.ENDPOINT_CHANGED).order_by("-at", "-pk").first()
    actor = entry.actor if entry else None
    stands = {name: getattr(endpoint, name) for name in typed if name != "headers"}
    stands["headers"] = endpoint.known_headers
    return Change(
        who=names_of([actor]).get(actor, "") if actor else "",
        at=entry.at if entry else None,
        differences=[
            (name, _worded(stands[name])) for name, value in typed.items() if stands[name] != value
        ],
    )


def _worded(value: Any) -> str:
    """Of a dictionary the keys: values of headers are secrets."""
    return value if isinstance(value, str) else ", ".join(value) or "none"
