"""Which messages may go out now, and that one worker alone takes each.

A queue may be long and go nowhere for weeks, while its endpoint is off. So whose turn it is is
asked of each open endpoint, and no statement is led along what waits for another one.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import (
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Now

from verifications.models import UNSETTLED, DeliveryState, WebhookDelivery, WebhookEndpoint

# Longer than a slow name server and the time limit together.
LEASE = timedelta(seconds=60)

Key = uuid.UUID


def due(most: int, *, without: Collection[int] = ()) -> list[tuple[Key, int]]:
    """Messages that may go out now, longest due first, each with its endpoint.

    To an open endpoint, and none before it still waits. That stays true of what was found: a
    message is queued behind those that are there, and only the last can be sent again.
    """
    found: list[tuple[datetime, Key, int]] = []
    for first, endpoint in _with_something_due(without):
        if len(found) == most and first >= found[-1][0]:
            break
        rows = _due_at(endpoint).values_list("due_at", "pk", "endpoint")
        found = sorted([*found, *rows[:most]])[:most]
    return [(key, endpoint) for _, key, endpoint in found]


def _with_something_due(without: Collection[int]) -> list[tuple[datetime, int]]:
    """Open endpoints, each with the moment since which something is due there, longest first."""
    rows = open_endpoints().exclude(pk__in=without)
    return sorted(_firsts(rows, _due_at(OuterRef("pk"))))


def _due_at(endpoint: int | OuterRef) -> QuerySet[WebhookDelivery]:
    """Of each verification no more than the message that is next."""
    older = WebhookDelivery.objects.filter(
        UNSETTLED,
        verification=OuterRef("verification"),
        endpoint=OuterRef("endpoint"),
        sequence__lt=OuterRef("sequence"),
    )
    return _due().filter(~Exists(older), endpoint=endpoint).order_by("due_at")


def claim(key: Key) -> WebhookDelivery | None:
    """Takes the message for this worker alone; None: another worker or an undo was quicker.

    One conditional update of the row itself, so that a message is either withdrawn or sent.
    """
    until = ExpressionWrapper(Now() + LEASE, output_field=DateTimeField())
    if not _due().filter(pk=key).update(claimed_until=until):
        return None
    return WebhookDelivery.objects.select_related("endpoint", "verification").get(pk=key)


def _due() -> QuerySet[WebhookDelivery]:
    """By the database's clock, and no worker's.

    No join and no other table: all of it must stand on the row that the update locks.
    """
    return _free().filter(due_at__lte=Now())


def _free() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(
        UNSETTLED, Q(claimed_until=None) | Q(claimed_until__lte=Now())
    )


def open_endpoints() -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(is_active=True, removed_at=None)


def is_empty() -> bool:
    """Whether nothing waits that could ever go out as endpoints are switched now."""
    theirs = WebhookDelivery.objects.filter(UNSETTLED, endpoint=OuterRef("pk"))
    return not _firsts(open_endpoints(), theirs)


def close_removed() -> int:
    """Nobody will take what waits for an endpoint that was removed."""
    removed = WebhookEndpoint.objects.filter(removed_at__isnull=False)
    theirs = _firsts(removed, _free().filter(endpoint=OuterRef("pk")))
    # Asked twice a second: an update locks all of SQLite, even one of nothing.
    if not theirs:
        return 0
    idle = _free().filter(endpoint__in=[endpoint for _, endpoint in theirs])
    return idle.update(state=DeliveryState.GIVEN_UP, settled_at=Now(), claimed_until=None)


def _firsts(
    endpoints: QuerySet[WebhookEndpoint], theirs: QuerySet[WebhookDelivery]
) -> list[tuple[datetime, int]]:
    """Of each endpoint since when the first of these messages is due; not of those without any.

    In the order of the index: whether there is any is asked of PostgreSQL at the price of all.
    """
    first = Subquery(theirs.order_by("due_at").values("due_at")[:1])
    found = endpoints.values_list(first, "pk")
    return [(since, endpoint) for since, endpoint in found if since]
