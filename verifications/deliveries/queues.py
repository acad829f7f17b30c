"""Endpoints with what waits for them, and who changed one, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Membership, names_of
from verifications.deliveries import words
from verifications.models import DeliveryState, WebhookDelivery, WebhookEndpoint


@dataclass(frozen=True)
class Line:
    endpoint: WebhookEndpoint
    said: words.Said
    waiting: int
    failing: int
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
    queues = _queues(Q(partner=membership.partner_id))
    return [line(row, queues) for row in rows.order_by("name", "pk")]


def line(endpoint: WebhookEndpoint, queues: dict[int, tuple[int, int]] | None = None) -> Line:
    queues = _queues(Q(endpoint=endpoint)) if queues is None else queues
    waiting, failing = queues.get(endpoint.pk, (0, 0))
    until = endpoint.former_key_until
    is_over = until is None or until <= timezone.now()
    return Line(endpoint, words.of_endpoint(endpoint), waiting, failing, None if is_over else until)


def _queues(whose: Q) -> dict[int, tuple[int, int]]:
    """By endpoint: how many messages wait, and how many of them were tried in vain."""
    waiting = WebhookDelivery.objects.filter(whose, state=DeliveryState.WAITING).order_by()
    counted = waiting.values("endpoint").annotate(
        waiting=Count("pk"), failing=Count("pk", filter=Q(attempts__gt=0))
    )
    return {row["endpoint"]: (row["waiting"], row["failing"]) for row in counted}


def latest_change(endpoint: WebhookEndpoint, typed: dict[str, Any]) -> Change:
    """Since a form was drawn, for somebody who typed this meanwhile."""
    entries = AuditEntry.objects.filter(subject=f"endpoint:{endpoint.pk}")
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
