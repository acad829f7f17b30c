"""One delivery as a page: what was sent, what was answered, in a fixed number of queries."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Membership, User
from verifications import evidence, vault
from verifications.deliveries import words
from verifications.dossier import masking
from verifications.models import DeliveryState, Verification, WebhookAttempt, WebhookDelivery
from verifications.webhooks import outbox, payloads

MOST_TRIES = 100
# What cannot stand in a page.
CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


@dataclass(frozen=True)
class Body:
    """`text` is indented for reading; size and digest are of the bytes as they are sent."""

    text: str
    size: int
    digest: str
    hides: bool


@dataclass(frozen=True)
class Try:
    attempt: WebhookAttempt
    said: words.Said
    answer: str


@dataclass(frozen=True)
class Page:
    """`no_body` says why there is none to be seen."""

    delivery: WebhookDelivery
    said: words.Said
    body: Body | None
    no_body: str
    tries: list[Try]
    newer: WebhookDelivery | None
    may_send_present: bool
    is_revealed: bool

    @property
    def hides(self) -> bool:
        is_in_body = self.body is not None and self.body.hides
        return is_in_body or any(one.answer == masking.HIDDEN for one in self.tries)


def find(memberships: Iterable[Membership], key: UUID) -> WebhookDelivery | None:
    partners = [membership.partner_id for membership in memberships]
    rows = WebhookDelivery.objects.filter(partner__in=partners, pk=key)
    return rows.select_related("endpoint", "verification__partner", "partner").first()


def build(delivery: WebhookDelivery, now: datetime, *, is_revealed: bool) -> Page:
    """What is masked on the verification's page is masked in body and answers too."""
    raw, no_body = _opened(delivery)
    told = json.loads(raw) if raw else {}
    mask = masking.mask(told, is_lifted=is_revealed)
    endpoint = delivery.endpoint
    is_open = endpoint.is_active and endpoint.removed_at is None
    return Page(
        delivery=delivery,
        said=words.of_delivery(delivery, now),
        body=_body(raw, told, mask) if raw else None,
        no_body=no_body,
        tries=_tries(delivery, mask),
        newer=_newer(delivery),
        may_send_present=is_open and _may_be_told(delivery.verification),
        is_revealed=is_revealed,
    )


def _opened(delivery: WebhookDelivery) -> tuple[bytes, str]:
    try:
        return outbox.body_of(delivery), ""
    except payloads.Unsendable as why:
        return b"", str(why)


def _may_be_told(verification: Verification | None) -> bool:
    return verification is not None and verification.disposed_at is None


def _newer(delivery: WebhookDelivery) -> WebhookDelivery | None:
    """The newest of this verification to this endpoint that came after it."""
    others = WebhookDelivery.objects.filter(
        verification=delivery.verification_id,
        endpoint=delivery.endpoint_id,
        sequence__gt=delivery.sequence,
    )
    others = others.exclude(state=DeliveryState.WITHDRAWN)
    return others.order_by("-sequence").first() if delivery.verification_id else None


def _body(raw: bytes, told: dict[str, Any], mask: masking.Mask) -> Body:
    shown = evidence.masked(told, mask)
    return Body(
        text=json.dumps(shown, ensure_ascii=False, indent=2),
        size=len(raw),
        digest=hashlib.sha256(raw).hexdigest(),
        hides=shown != told,
    )


def _tries(delivery: WebhookDelivery, mask: masking.Mask) -> list[Try]:
    newest = delivery.tries.select_related("answer").order_by("-number")[:MOST_TRIES]
    return [Try(one, words.of_try(one), _answer(one, mask)) for one in newest]


def _answer(attempt: WebhookAttempt, mask: masking.Mask) -> str:
    """Receivers quote what they were sent: an answer that does is hidden whole."""
    if not hasattr(attempt, "answer"):
        return ""
    try:
        raw = vault.opened(attempt.answer)
    except vault.DoesNotOpen:
        return "It cannot be opened."
    text = CONTROLS.sub("\ufffd", raw.decode("utf-8", "replace"))
    return masking.HIDDEN if mask.hides("", text) else text


def record_look(actor: User, page: Page) -> None:
    """Bodies tell of applicants: looking at one is a look at the verification."""
    if verification := page.delivery.verification:
        evidence.record_look(actor, verification, [], is_revealed=page.is_revealed)
