"""A partner's server, and a worker's hands without its loop."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from django.db.models.functions import Now

from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.receiver import Receiver
from verifications.models import DeliveryState, WebhookDelivery
from verifications.webhooks import claims, delivery

Serve = Callable[[receiver.Answer], Receiver]
Deliver = Callable[..., int]


@pytest.fixture
def serve(settings: LazySettings) -> Iterator[Serve]:
    """Starts a server that answers like this; sending to the own machine is allowed."""
    settings.DEMO = True
    running = []

    def serve(answer: receiver.Answer) -> Receiver:
        running.append(receiver.listening(Receiver(answer)))
        return running[-1].__enter__()

    yield serve
    for each in running:
        each.__exit__(None, None, None)


@pytest.fixture
def deliver() -> Deliver:
    """Tries everything that is due, or would be after all waits, once; gives how many."""

    def deliver(*, after_waits: bool = True) -> int:
        if after_waits:
            waiting = WebhookDelivery.objects.filter(state=DeliveryState.WAITING)
            waiting.update(due_at=Now())
        claimed = [claims.claim(key) for key, _ in claims.due(100)]
        return len([delivery.attempt(each) for each in claimed if each])

    return deliver
