"""The outbox: rows written in the transaction of what they tell of, bytes frozen when queued."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.insertions import insert
from accounts.models import Partner
from accounts.statements import Slot, Statement, gathered
from verifications import vault
from verifications.models import (
    CallbackBody,
    Decision,
    DeliveryBody,
    DeliveryState,
    TagKind,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import Standing
from verifications.webhooks import payloads

# Receivers of old subscribe to one event for all.
LEGACY = "IDENTIFICATION"


@dataclass(frozen=True)
class Preview:
    """Exactly what would be queued: to whom, which bytes, and what is left out of them."""

    event: str
    endpoints: list[WebhookEndpoint]
    raw: bytes
    left_out: list[payloads.LeftOut]

    @property
    def digest(self) -> str:
        return _digest(self.raw)


def preview(
    verification: Verification, event: str, to: Standing, message_to_applicant: str = ""
) -> Preview:
    """For a verification that holds the outcome already, saved or not, and would go to `to`."""
    raw, left_out = _frozen(verification, to, message_to_applicant)
    endpoints = dict.fromkeys(letter.endpoint for letter in _letters(verification, event))
    return Preview(event, list(endpoints), raw, left_out)


def digest(verification: Verification, to: Standing, message_to_applicant: str) -> str:
    """Of the bytes in that preview."""
    return _digest(_frozen(verification, to, message_to_applicant)[0])


def queue(
    verification: Verification,
    event: str,
    *,
    decision: Decision | None = None,
    message_to_applicant: str = "",
) -> list[WebhookDelivery]:
    """One delivery for each endpoint that wants the event, in the caller's transaction.

    The caller holds the verification's lock: so the sequence counts up, each number once.
    A decision that can be undone waits for its time to run out.
    """
    letters = _letters(verification, event)
    if not letters:
        return []
    raw, _ = _frozen(verification, verification.standing, message_to_applicant)
    due_at = (decision and decision.undoable_until) or timezone.now()
    return _write(verification, letters, raw, due_at=due_at, decision=decision)


def queue_present_state(
    verification: Verification, endpoint: WebhookEndpoint, event: str, message_to_applicant: str
) -> WebhookDelivery:
    """What is true now, to one endpoint, whatever it subscribes to; under the caller's lock."""
    raw, _ = _frozen(verification, verification.standing, message_to_applicant)
    endpoints = _endpoints(verification.partner_id, verification.pk)
    letter = Letter(endpoints.get(pk=endpoint.pk), event)
    return _write(verification, [letter], raw, due_at=timezone.now(), decision=None)[0]


@transaction.atomic
def queue_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A body that tells of nobody, so that a partner can try its address and its key."""
    event = next(iter(endpoint.events), LEGACY)
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, partner_id=endpoint.partner_id, event=event, sequence=0
    )
    _sealed(delivery, _bytes(payloads.test())).save(force_insert=True)
    return delivery


def body_of(delivery: WebhookDelivery) -> bytes:
    """The bytes as they were queued. Raises payloads.Unsendable, in a sentence for people."""
    body = DeliveryBody.objects.filter(delivery=delivery).first()
    if body is None:
        raise payloads.Unsendable("Its body was erased.")
    body.delivery = delivery
    try:
        return vault.opened(body)
    except vault.DoesNotOpen:
        raise payloads.Unsendable("Its body cannot be opened.") from None


def withdraw(decision: Decision) -> bool:
    """Takes back what was queued for a decision, where no worker has touched any of it.

    False: it is too late, and the caller rolls back.
    """
    queued = WebhookDelivery.objects.filter(decision=decision)
    untouched = queued.filter(state=DeliveryState.WAITING, attempts=0, claimed_until=None)
    withdrawn = untouched.update(state=DeliveryState.WITHDRAWN, settled_at=Now())
    return withdrawn == queued.count()


class Letter(NamedTuple):
    """Whom to tell, under which name of the event."""

    endpoint: WebhookEndpoint
    event: str


def _letters(verification: Verification, event: str) -> list[Letter]:
    """To every endpoint that wants the event; one that is switched off keeps its queue."""
    endpoints = vars(verification).get("open_endpoints")
    if endpoints is None:
        asked = {"partner": verification.partner_id, "verification": verification.pk}
        endpoints = OPEN.instances(**asked)
    return [
        Letter(endpoint, name)
        for endpoint in endpoints
        for name in _names(event)
        if name in endpoint.events
    ]


def wants(endpoint: WebhookEndpoint, event: str) -> bool:
    return any(name in endpoint.events for name in _names(event))


def _names(event: str) -> Iterable[str]:
    """Under which an endpoint may want it."""
    return dict.fromkeys((event, LEGACY) if event.startswith(LEGACY) else (event,))


def with_endpoints(rows: QuerySet[Verification]) -> QuerySet[Verification]:
    """Each brings whom its partner wants told, in as many rows: see `brought()`."""
    is_open = Q(partner__endpoints__removed_at=None)
    endpoint = FilteredRelation("partner__endpoints", condition=is_open)
    rows = rows.annotate(endpoint=endpoint)  # type: ignore[no-redef]
    last = _last(OuterRef("endpoint__pk"), OuterRef("pk"))
    return rows.annotate(last=last).select_related("endpoint")  # type: ignore[misc]


def with_open(rows: QuerySet[Partner]) -> QuerySet[Partner]:
    """Each brings whom it wants told, in as many rows, for what it is told of the first time."""
    is_open = Q(endpoints__removed_at=None)
    rows = rows.annotate(endpoint=FilteredRelation("endpoints", condition=is_open))
    return rows.select_related("endpoint")  # type: ignore[misc]


def untold(verification: Verification) -> None:
    """Nobody was told of it yet: whom to tell is known where that came with its partner."""
    if (endpoints := vars(verification.partner).get("open_endpoints")) is not None:
        for endpoint in endpoints:
            endpoint.last = 0
        verification.open_endpoints = endpoints


def brought(rows: list[Any]) -> list[WebhookEndpoint]:
    for row in rows:
        if endpoint := vars(row).get("endpoint"):
            endpoint.last = row.last
    return gathered(rows, "endpoint")


def _endpoints(partner: int | Slot, verification: int | Slot) -> QuerySet[WebhookEndpoint]:
    last = _last(OuterRef("pk"), verification)
    return WebhookEndpoint.objects.filter(partner=partner).annotate(last=last)  # type: ignore[no-redef]


def _last(endpoint: Any, verification: Any) -> Coalesce:
    """The number under which this endpoint was last told of this verification."""
    told = WebhookDelivery.objects.filter(endpoint=endpoint, verification=verification)
    return Coalesce(Subquery(told.order_by("-sequence").values("sequence")[:1]), 0)


def _open() -> QuerySet[WebhookEndpoint]:
    endpoints = _endpoints(Slot("partner"), Slot("verification"))
    return endpoints.filter(removed_at=None).order_by("pk")


OPEN = Statement(_open)


def _write(
    verification: Verification,
    letters: list[Letter],
    raw: bytes,
    *,
    due_at: datetime,
    decision: Decision | None,
) -> list[WebhookDelivery]:
    deliveries = []
    for endpoint, event in letters:
        endpoint.last += 1
        deliveries.append(
            WebhookDelivery(
                endpoint=endpoint,
                partner_id=verification.partner_id,
                verification=verification,
                decision=decision,
                event=event,
                sequence=endpoint.last,
                due_at=due_at,
            )
        )
    insert(*deliveries)
    insert(*(_sealed(each, raw) for each in deliveries))
    return deliveries


def _sealed(delivery: WebhookDelivery, raw: bytes) -> DeliveryBody:
    body = DeliveryBody(delivery=delivery)
    body.sealed = vault.sealed(body, raw)
    return body


def _frozen(
    verification: Verification, to: Standing, message_to_applicant: str
) -> tuple[bytes, list[payloads.LeftOut]]:
    tags = [tag for tag in verification.tags.all() if tag.removed_at is None]
    outcome = payloads.Outcome(
        standing=to,
        is_final=verification.is_final,
        auto_face=verification.auto_face,
        auto_document=verification.auto_document,
        manual_face=verification.manual_face,
        manual_document=verification.manual_document,
        deny_reasons=verification.deny_reasons,
        mismatch_tags=[tag.code for tag in tags if tag.kind == TagKind.MISMATCH],
        fraud_tags=[tag.code for tag in tags if tag.kind == TagKind.FRAUD],
    )
    received = _received(verification)
    body, left_out = payloads.identification(received, outcome, message_to_applicant)
    return _bytes(body), left_out


def _received(verification: Verification) -> dict[str, Any]:
    body: CallbackBody | None = getattr(verification.callback, "body", None)
    if body is None:
        raise payloads.Unsendable("no body has told of this verification, or it was erased")
    try:
        return json.loads(vault.opened(body, of=verification))
    except vault.DoesNotOpen:
        raise payloads.Unsendable("its data cannot be opened") from None


def _bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
