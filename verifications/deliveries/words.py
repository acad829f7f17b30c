"""States in words, tones and shapes."""

from datetime import datetime
from typing import NamedTuple

from verifications.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint


class Said(NamedTuple):
    """A state in a word, a tone and a shape."""

    text: str
    tone: str
    shape: str


def of_endpoint(endpoint: WebhookEndpoint) -> Said:
    if endpoint.is_active:
        return Said("Active", "tone-good", "s-approved")
    if endpoint.switched_off_why:
        return Said("Switched off", "tone-bad", "s-denied")
    return Said("Paused", "tone-idle", "s-expired")


def of_delivery(delivery: WebhookDelivery, now: datetime) -> Said:
    """What its state means at this moment."""
    if delivery.state == DeliveryState.DELIVERED:
        return Said("Delivered", "tone-good", "s-approved")
    if delivery.state == DeliveryState.WITHDRAWN:
        return Said("Withdrawn by undo", "tone-idle", "i-undo")
    if delivery.state == DeliveryState.GIVEN_UP:
        return Said("Given up", "tone-bad", "s-denied")
    if delivery.claimed_until and now < delivery.claimed_until:
        return Said("Being sent", "tone-info", "i-send")
    if not delivery.endpoint.is_active:
        return Said("Waits: endpoint is off", "tone-warn", "s-suspected")
    if delivery.attempts:
        return Said("Trying again", "tone-warn", "s-suspected")
    return Said("Waiting", "tone-info", "s-reviewing")


def of_try(attempt: WebhookAttempt) -> Said:
    if attempt.code is None:
        return Said("No answer", "tone-bad", "s-denied")
    if 200 <= attempt.code < 300:
        return Said(str(attempt.code), "tone-good", "s-approved")
    return Said(str(attempt.code), "tone-bad", "s-denied")
