"""Everything that happened to a verification, newest first, in a fixed number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from verifications import beside, codes, telling, vault
from verifications.callbacks import provider
from verifications.models import (
    Decision,
    DecisionReason,
    DeliveryState,
    Hold,
    Outcome,
    ProviderCallback,
    Tag,
    Verification,
    WebhookDelivery,
)
from verifications.statuses import Action, Standing, Status

# What never leaves the house is told by this label.
INTERNAL = "Internal note"


@dataclass(frozen=True)
class Event:
    at: datetime
    tone: str
    icon: str
    title: str
    lines: list[tuple[str, str]]
    who: str = ""
    order: int = 0
    decision: Decision | None = None


TONES = {Status.APPROVED: "tone-good", Status.DENIED: "tone-bad", Status.REVIEWING: "tone-info"}
DELIVERY_TONES = {
    DeliveryState.DELIVERED: "tone-good",
    DeliveryState.GIVEN_UP: "tone-bad",
    DeliveryState.WITHDRAWN: "tone-idle",
    DeliveryState.WAITING: "tone-info",
}


def build(
    verification: Verification,
    decisions: list[Decision],
    reasons: list[DecisionReason],
    tags: list[Tag],
    deliveries: list[WebhookDelivery],
    holds: list[Hold],
) -> list[Event]:
    events = [
        *map(_callback, beside.callbacks.of(verification)),
        *_decisions(decisions, reasons),
        *map(_delivery, deliveries),
        *(_removal(tag, tag.removed_at) for tag in tags if tag.removed_at),
        *(event for hold in holds for event in _hold(hold)),
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


def _decisions(rows: list[Decision], chosen: list[DecisionReason]) -> Iterator[Event]:
    reasons: dict[UUID, list[str]] = {}
    for reason in chosen:
        reasons.setdefault(reason.decision_id, []).append(reason.label)
    # One that was taken back replaces nothing.
    replaced = {row.supersedes_id for row in rows if not is_undone(row)}
    for row in rows:
        yield _decision(row, reasons.get(row.pk, []), is_replaced=row.pk in replaced)


def is_undone(decision: Decision) -> bool:
    return hasattr(decision, "undone_by")


def _decision(decision: Decision, reasons: list[str], *, is_replaced: bool) -> Event:
    to = Standing(Status(decision.to_status), decision.to_suspected)
    is_over = is_undone(decision) or decision.undoes_id
    lines = [*_decision_lines(decision, reasons)]
    if is_replaced:
        lines.append(("", "Replaced by a later decision."))
    return Event(
        at=decision.decided_at,
        tone="tone-idle" if is_over else TONES.get(to.status, "tone-idle"),
        icon="i-undo" if decision.undoes_id else f"s-{to.status.value.lower()}",
        title=f"{DONE[Action(decision.action)]} by",
        who=str(decision.actor),
        lines=lines,
        order=10**9 + decision.revision,
        decision=decision,
    )


def _decision_lines(decision: Decision, reasons: list[str]) -> Iterator[tuple[str, str]]:
    come_from = Standing(Status(decision.from_status), decision.from_suspected)
    to = Standing(Status(decision.to_status), decision.to_suspected)
    if decision.undoes_id:
        yield "", f"From {come_from} back to {to}. Nothing was sent."
    else:
        yield "", f"Was {come_from}; decided as {decision.role_name}."
    if reasons:
        yield "Reasons", ", ".join(reasons)
    yield from texts(decision)
    if is_undone(decision):
        yield "", "Taken back before it was sent."


def texts(decision: Decision) -> Iterator[tuple[str, str]]:
    """What was written with it, each under its label."""
    try:
        written = vault.texts(decision)
    except vault.DoesNotOpen:
        yield "", "What was written with it cannot be opened."
        return
    if written.message_to_applicant:
        yield "Message to the applicant", written.message_to_applicant
    if written.internal_note:
        yield INTERNAL, written.internal_note


def _delivery(delivery: WebhookDelivery) -> Event:
    state, name = DeliveryState(delivery.state), delivery.endpoint.name
    return Event(
        at=delivery.settled_at or delivery.queued_at,
        tone=DELIVERY_TONES[state],
        icon="i-send",
        title=f"Webhook message {delivery.sequence} to {name}: {state.label.lower()}",
        lines=[("", " ".join(_delivery_words(delivery)))],
        order=2 * 10**9 + delivery.sequence,
    )


def _delivery_words(delivery: WebhookDelivery) -> Iterator[str]:
    yield f"{codes.find(delivery.event, 'event_type').label}."
    if delivery.attempts:
        last = f", last answer {delivery.last_code}" if delivery.last_code else ", no answer"
        yield f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}{last}."
    if delivery.state == DeliveryState.WAITING:
        yield f"{telling.due(delivery)}."


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


def _hold(hold: Hold) -> Iterator[Event]:
    case = [("Case number", hold.reference)] if hold.reference else []
    yield Event(
        at=hold.placed_at,
        tone="tone-warn",
        icon="i-lock",
        title="Hold placed by",
        who=str(hold.placed_by),
        lines=[("", f"{hold.get_reason_display()}."), *case],
        order=10**9,
    )
    if hold.released_at:
        yield Event(
            at=hold.released_at,
            tone="tone-idle",
            icon="i-lock",
            title="Hold released by",
            who=str(hold.released_by),
            lines=[("", f"{hold.get_release_reason_display()}.")],
            order=10**9,
        )
