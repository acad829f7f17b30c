"""Sending again by hand: the newest message as it was, or what is true now."""

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Kind, User
from verifications import outcomes, vault
from verifications.models import (
    Decision,
    DeliveryState,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.webhooks import outbox


class NotSent(Exception):
    """Why it is not sent again, in a sentence for the page."""


@transaction.atomic
def resend(delivery: WebhookDelivery, actor: User) -> None:
    """The same bytes under the same id, at once. One try more where it had been given up; else it
    goes on by the usual waits. Raises NotSent.
    """
    if delivery.verification_id:
        _locked(delivery.verification_id)
    row = _row(delivery, WebhookDelivery.objects.select_for_update(of=("self",)))
    if sentence := _first_objection(row):
        raise NotSent(sentence)
    row.state, row.settled_at, row.claimed_until = DeliveryState.WAITING, None, None
    row.due_at = row.now
    row.save(update_fields=["state", "settled_at", "claimed_until", "due_at"])
    _record(row, actor, "as it was")


@transaction.atomic
def send_present_state(
    verification: Verification, endpoint: WebhookEndpoint, actor: User
) -> WebhookDelivery:
    """A new message that tells what is true now. Raises NotSent."""
    verification = _locked(verification.pk)
    queue = verification.deliveries.filter(endpoint=endpoint, state=DeliveryState.WAITING)
    if sentence := _disposed(verification):
        raise NotSent(sentence)
    if endpoint.partner_id != verification.partner_id:
        raise NotSent("This endpoint is another partner's.")
    if sentence := _endpoint_objection(endpoint):
        raise NotSent(sentence)
    if queue.exists():
        raise NotSent("A message of this verification is on its way to this endpoint already.")
    decision = verification.decision
    if decision and decision.is_undoable(verification.now):
        raise NotSent(
            "The decision can still be taken back. It will be sent once that time is over."
        )
    message = _message(decision) if decision else ""
    event = _event(verification, endpoint)
    delivery = outbox.queue_present_state(verification, endpoint, event, message)
    _record(delivery, actor, "the present state")
    return delivery


def _message(decision: Decision) -> str:
    try:
        return vault.texts(decision).message_to_applicant
    except vault.DoesNotOpen:
        raise NotSent("The message to the applicant cannot be opened.") from None


def objection(delivery: WebhookDelivery) -> str:
    """Why resend() would not send it now, in a sentence for the page; empty: it would."""
    row = _row(delivery, WebhookDelivery.objects.all())
    return _first_objection(row)


def _first_objection(row: WebhookDelivery) -> str:
    return _disposed(row.verification) or _endpoint_objection(row.endpoint) or _objection(row)


def _disposed(verification: Verification | None) -> str:
    is_gone = verification is not None and verification.disposed_at is not None
    return "The verification was disposed of: there is nothing left to tell." if is_gone else ""


def _row(delivery: WebhookDelivery, rows: QuerySet[WebhookDelivery]) -> WebhookDelivery:
    related = rows.select_related("endpoint", "verification", "partner")
    return related.annotate(now=Now()).get(pk=delivery.pk)  # type: ignore[no-redef]


def _locked(verification_id: int) -> Verification:
    """Nothing new is queued for it meanwhile."""
    # By itself: what stands beside a row that one waits for is as old as the wait.
    Verification.objects.select_for_update().get(pk=verification_id)
    rows = Verification.objects.annotate(now=Now())  # type: ignore[no-redef]
    return rows.select_related("decision__text", "callback", "partner").get(pk=verification_id)


def _endpoint_objection(endpoint: WebhookEndpoint) -> str:
    if endpoint.removed_at:
        return "The endpoint was removed."
    return "" if endpoint.is_active else "The endpoint is switched off. Switch it on first."


def _objection(row: WebhookDelivery) -> str:
    if row.state == DeliveryState.WITHDRAWN:
        return "It was taken back before it was sent, and never will be."
    if row.claimed_until and row.now < row.claimed_until:
        return "It is being sent right now."
    if row.state == DeliveryState.WAITING and not row.attempts:
        return "It is on its way for the first time."
    others = WebhookDelivery.objects.exclude(state=DeliveryState.WITHDRAWN).filter(
        verification=row.verification_id, endpoint=row.endpoint_id
    )
    if row.verification_id and others.filter(sequence__gt=row.sequence).exists():
        return "A newer message has followed it. Send the present state instead."
    older = others.filter(sequence__lt=row.sequence, state=DeliveryState.WAITING)
    if row.verification_id and older.exists():
        return "An older message is still being tried and goes first."
    return ""


def _event(verification: Verification, endpoint: WebhookEndpoint) -> str:
    """The event that brought the verification to where it is, under the name that is wanted."""
    callback = verification.callback
    event = outcomes.EVENT if verification.decision_id or not callback else callback.event
    is_of_old = event not in endpoint.events and outbox.LEGACY in endpoint.events
    return outbox.LEGACY if is_of_old else event


def _record(delivery: WebhookDelivery, actor: User, what: str) -> None:
    about = delivery.verification or delivery.endpoint
    audit.record(
        Kind.DELIVERY_RESENT,
        actor=actor,
        partner=delivery.partner,
        subject=about.audit_subject,
        stream=about.audit_stream,
        delivery=str(delivery.pk),
        endpoint=delivery.endpoint.audit_subject,
        what=what,
    )
