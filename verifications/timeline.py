"""Everything that happened to a verification, newest first, in a fixed number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from verifications import codes
from verifications.callbacks import provider
from verifications.models import (
    Decision,
    DeliveryState,
    Outcome,
    ProviderCallback,
    Tag,
    Verification,
    WebhookDelivery,
)
from verifications.statuses import Action, Standing, Status


@dataclass(frozen=True)
class Event:
    at: datetime
    tone: str
    icon: str
    title: str
    lines: list[tuple[str, str]]
    who: str = ""
    order: int = 0


TONES = {Status.APPROVED: "tone-good", Status.DENIED: "tone-bad", Status.REVIEWING: "tone-info"}
DELIVERY_TONES = {
    DeliveryState.DELIVERED: "tone-good",
    DeliveryState.GIVEN_UP: "tone-bad",
    DeliveryState.WITHDRAWN: "tone-idle",
    DeliveryState.WAITING: "tone-info",
}


def build(verification: Verification, tags: list[Tag]) -> list[Event]:
    decisions = verification.decisions.select_related("actor", "text", "undone_by")
    deliveries = verification.deliveries.select_related("endpoint")
    events = [
        *map(_callback, verification.callbacks.all()),
        *map(_decision, decisions.prefetch_related("reasons", "superseded_by")),
        *map(_delivery, deliveries),
        *(_removal(tag, tag.removed_at) for tag in tags if tag.removed_at),
    ]
    return sorted(events, key=lambda event: (event.at, event.order), reverse=True)


def _callback(callback: ProviderCallback) -> Event:
    lines = list(_callback_lines(callback))
    title = codes.find(callback.event, "event_type").label
    applied = callback.outcome == Outcome.APPLIED
    family = "document_expiration" if callback.event == provider.EXPIRATION else "status"
    return Event(
        at=callback.received_at,
        tone="tone-info" if applied else "tone-warn",
        icon="i-down",
        title=f"{title}: {codes.find(callback.overall, family).label}",
        lines=lines,
        order=callback.pk,
    )


def _callback_lines(callback: ProviderCallback) -> Iterator[tuple[str, str]]:
    if callback.event == provider.EXPIRATION:
        yield "", "The provider tells of the document’s age."
    elif callback.outcome != Outcome.APPLIED:
        yield "", f"{callback.get_outcome_display()}."
    elif not callback.is_final:
        yield "", "Not final: another result follows."
    if callback.outcome == Outcome.DECIDED and callback.event == provider.RESUBMITTED:
        yield "", "New data arrived."
    if callback.times_received > 1:
        yield "", f"Received {callback.times_received} times."
    if callback.notice:
        yield "Notice", callback.notice


DONE = {Action.APPROVE: "Approved", Action.DENY: "Denied", Action.UNDO: "Decision taken back"}


def _decision(decision: Decision) -> Event:
    to = Standing(Status(decision.to_status), decision.to_suspected)
    undone = hasattr(decision, "undone_by")
    return Event(
        at=decision.decided_at,
        tone="tone-idle" if undone or decision.undoes_id else TONES.get(to.status, "tone-idle"),
        icon="i-undo" if decision.undoes_id else f"s-{to.status.value.lower()}",
        title=f"{DONE[Action(decision.action)]} by",
        who=str(decision.actor),
        lines=list(_decision_lines(decision, undone)),
        order=10**9 + decision.revision,
    )


def _decision_lines(decision: Decision, undone: bool) -> Iterator[tuple[str, str]]:
    come_from = Standing(Status(decision.from_status), decision.from_suspected)
    yield "", f"Was {come_from}; decided as {decision.role_name}."
    reasons = ", ".join(reason.label for reason in decision.reasons.all())
    if reasons:
        yield "Reasons", reasons
    text = getattr(decision, "text", None)
    if text and text.message_to_applicant:
        yield "Message to the applicant", text.message_to_applicant
    if text and text.internal_note:
        yield "Internal note", text.internal_note
    if undone:
        yield "", "Taken back before it was sent."
    elif decision.superseded_by.all():
        yield "", "Replaced by a later decision."


def _delivery(delivery: WebhookDelivery) -> Event:
    last = f", answer {delivery.last_code}" if delivery.last_code else ""
    tries = f"{delivery.attempts} tries{last}" if delivery.attempts else "Not tried yet"
    return Event(
        at=delivery.settled_at or delivery.queued_at,
        tone=DELIVERY_TONES[DeliveryState(delivery.state)],
        icon="i-send",
        title=f"Webhook {delivery.sequence} to {delivery.endpoint.name}: "
        f"{delivery.get_state_display().lower()}",
        lines=[("", f"{delivery.event}. {tries}.")],
        order=2 * 10**9 + delivery.sequence,
    )


def _removal(tag: Tag, at: datetime) -> Event:
    label = codes.find(tag.code, tag.wire_family).label
    return Event(
        at=at,
        tone="tone-idle",
        icon="i-cross",
        title=f"Tag removed: {label}, by",
        who=str(tag.removed_by),
        lines=[],
        order=10**9,
    )
