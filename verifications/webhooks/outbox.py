"""The outbox: rows written in the transaction of what they tell of, bytes frozen when queued."""

import hashlib
import json
from dataclasses import dataclass

from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from verifications.models import (
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
    addresses: list[str]
    raw: bytes
    left_out: list[payloads.LeftOut]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def text(self) -> str:
        return json.dumps(json.loads(self.raw), ensure_ascii=False, indent=2)


def preview(
    verification: Verification, event: str, to: Standing, message_to_applicant: str = ""
) -> Preview:
    """For a verification that holds the outcome already, saved or not, and would go to `to`."""
    raw, left_out = _frozen(verification, to, message_to_applicant)
    addresses = [endpoint.address for endpoint, _ in _subscribers(verification, event)]
    return Preview(event, addresses, raw, left_out)


def queue(
    verification: Verification,
    event: str,
    *,
    decision: Decision | None = None,
    message_to_applicant: str = "",
) -> list[WebhookDelivery]:
    """One delivery for each endpoint that wants the event, in the caller's transaction.

    The caller holds the verification's lock: that is what makes the sequence count without gaps.
    A decision that can be undone waits for its time to run out.
    """
    subscribers = _subscribers(verification, event)
    if not subscribers:
        return []
    raw, _ = _frozen(verification, verification.standing, message_to_applicant)
    last = _last_sequences(verification)
    deliveries = []
    for endpoint, name in subscribers:
        last[endpoint.pk] = last.get(endpoint.pk, 0) + 1
        deliveries.append(
            WebhookDelivery(
                endpoint=endpoint,
                partner_id=verification.partner_id,
                verification=verification,
                decision=decision,
                event=name,
                sequence=last[endpoint.pk],
                due_at=(decision and decision.undoable_until) or timezone.now(),
            )
        )
    WebhookDelivery.objects.bulk_create(deliveries)
    DeliveryBody.objects.bulk_create(DeliveryBody(delivery=each, raw=raw) for each in deliveries)
    return deliveries


def withdraw(decision: Decision) -> bool:
    """Takes back what was queued for a decision, where no worker has touched any of it.

    False: it is too late, and the caller rolls back.
    """
    queued = WebhookDelivery.objects.filter(decision=decision)
    untouched = queued.filter(state=DeliveryState.WAITING, attempts=0, claimed_until=None)
    withdrawn = untouched.update(state=DeliveryState.WITHDRAWN, settled_at=Now())
    return withdrawn == queued.count()


def _subscribers(verification: Verification, event: str) -> list[tuple[WebhookEndpoint, str]]:
    """Endpoints with the event name that each wants to hear; a switched-off one keeps its queue."""
    endpoints = WebhookEndpoint.objects.filter(
        partner=verification.partner_id, removed_at=None
    ).order_by("pk")
    wanted = []
    for endpoint in endpoints:
        names = dict.fromkeys((event, LEGACY) if event.startswith(LEGACY) else (event,))
        wanted += [(endpoint, name) for name in names if name in endpoint.events]
    return wanted


def _last_sequences(verification: Verification) -> dict[int, int]:
    rows = WebhookDelivery.objects.filter(verification=verification).order_by()
    return dict(rows.values_list("endpoint").annotate(Max("sequence")))


def _frozen(
    verification: Verification, to: Standing, message_to_applicant: str
) -> tuple[bytes, list[payloads.LeftOut]]:
    callback = verification.callback
    if callback is None:
        raise payloads.Unsendable("no callback has told of this verification")
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
    received = json.loads(bytes(callback.body.raw))
    body, left_out = payloads.identification(received, outcome, message_to_applicant)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), left_out
