"""Who is told of a decision and when, or why nobody is: in one place for every page that says it.

Looks at what it is given; `open_endpoints` is the one question, for a page before a decision.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from django.db.models import QuerySet

from accounts.models import Partner
from accounts.statements import Slot, Statement
from verifications import looks, outcomes
from verifications.models import Decision, DeliveryState, WebhookDelivery, WebhookEndpoint
from verifications.webhooks import outbox

OFF = "its endpoint is off"


def _open() -> QuerySet[WebhookEndpoint]:
    endpoints = WebhookEndpoint.objects.filter(partner=Slot("partner"), removed_at=None)
    return endpoints.only("events", "is_active").order_by("pk")


OPEN = Statement(_open)


def open_endpoints(partner: Partner) -> list[WebhookEndpoint]:
    """That want to be told of decisions; one that is off keeps its queue."""
    rows = OPEN.instances(partner=partner.pk)
    return [row for row in rows if outbox.wants(row, outcomes.EVENT)]


def ahead(partner: Partner, endpoints: Sequence[WebhookEndpoint], when: str = "") -> str:
    """Before a decision; `when` as the page puts it, else counted from the decision."""
    seconds = partner.undo_seconds
    when = when or (f"{seconds} s later" if seconds else "at once")
    return _sentence(partner, endpoints, when)


def after(partner: Partner, decision: Decision, deliveries: Sequence[WebhookDelivery]) -> str:
    """While it can be taken back: by what was queued for it."""
    own = [row.endpoint for row in deliveries if row.decision_id == decision.pk]
    return _sentence(partner, own, "after that")


def _sentence(partner: Partner, endpoints: Sequence[WebhookEndpoint], when: str) -> str:
    off = sum(not endpoint.is_active for endpoint in endpoints)
    if not endpoints:
        return f"Nobody is told: {partner.name} has no endpoint for decisions."
    if off == len(endpoints):
        return f"{partner.name} is told once its endpoint is switched on again."
    more = " What goes to an endpoint that is off waits." if off else ""
    return f"{partner.name} is told {when}.{more}"


class Told(NamedTuple):
    """Whether the partner's systems know where the verification stands."""

    text: str
    tone: str


def told(deliveries: Sequence[WebhookDelivery]) -> Told:
    """By the newest message to each address that was not withdrawn. What was given up because
    nobody wanted it any more is not missed.
    """
    newest: dict[int, WebhookDelivery] = {}
    for delivery in sorted(deliveries, key=attrgetter("sequence")):
        is_missed = delivery.state != DeliveryState.GIVEN_UP or not delivery.endpoint.removed_at
        if delivery.state != DeliveryState.WITHDRAWN and is_missed:
            newest[delivery.endpoint_id] = delivery
    states = {delivery.state for delivery in newest.values()}
    if DeliveryState.GIVEN_UP in states:
        return Told("Partner not told: given up", "tone-bad")
    if waiting := [row for row in newest.values() if row.state == DeliveryState.WAITING]:
        return _waits(waiting)
    if not newest:
        return Told("Nothing was sent", "tone-idle")
    last = max(row.settled_at or row.queued_at for row in newest.values())
    return Told(f"Partner told {_moment(last)}", "tone-good")


def _waits(waiting: Sequence[WebhookDelivery]) -> Told:
    going = [row for row in waiting if row.endpoint.is_active]
    if any(row.attempts for row in going):
        return Told("Partner not told yet: trying again", "tone-warn")
    if len(going) < len(waiting):
        return Told(f"Partner not told yet: {OFF}", "tone-warn")
    return Told(f"Goes out {_moment(min(row.due_at for row in going))}", "tone-info")


def due(delivery: WebhookDelivery) -> str:
    """When a message that waits goes out, or why it does not."""
    if not delivery.endpoint.is_active:
        return f"Waits: {OFF}"
    return f"{'Next try' if delivery.attempts else 'Goes out'} {_moment(delivery.due_at)}"


def _moment(at: datetime) -> str:
    return f"{looks.exact(at)} UTC"
