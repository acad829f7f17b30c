"""Sending again by hand: the newest as it was, else what is true now."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.conftest import Deliver, Serve
from tests.verifications.webhooks.receiver import Receiver
from tests.verifications.webhooks.test_outbox import AUTO, MANUAL, decide
from verifications.models import DeliveryState, Verification, WebhookDelivery, WebhookEndpoint
from verifications.statuses import Action
from verifications.webhooks import again, delivery, outbox


@pytest.fixture
def server(serve: Serve, northbank: Partner) -> Receiver:
    server = serve(receiver.code(200))
    factories.endpoint(northbank, address=server.address, events=[MANUAL, AUTO])
    return server


@pytest.fixture
def sent(
    server: Receiver, ada: User, receive: Callable[..., Verification], deliver: Deliver
) -> list[WebhookDelivery]:
    """What the provider said and what Ada decided, both delivered."""
    it = receive("07")
    northbank = it.partner
    northbank.undo_seconds = 0
    northbank.save()
    decide(ada, it, Action.APPROVE, message_to_applicant="Welcome.")
    deliver()
    deliver()
    return list(WebhookDelivery.objects.order_by("sequence"))


def test_the_newest_goes_out_again_as_it_was(
    sent: list[WebhookDelivery], server: Receiver, mo: User, deliver: Deliver
) -> None:
    again.resend(sent[1], mo)
    assert deliver(after_waits=False) == 1
    before, after = server.got[1:]
    assert (after.raw, after.headers["webhook-id"]) == (before.raw, before.headers["webhook-id"])
    entry = AuditEntry.objects.get(kind=Kind.DELIVERY_RESENT)
    assert entry.actor == mo.pk
    assert str(sent[1].pk) in entry.body


def test_an_older_one_is_answered_by_the_present_state(
    sent: list[WebhookDelivery], server: Receiver, mo: User, deliver: Deliver
) -> None:
    with pytest.raises(again.NotSent, match="Send the present state instead"):
        again.resend(sent[0], mo)
    new = again.send_present_state(sent[0].verification, sent[0].endpoint, mo)
    assert (new.sequence, new.event) == (3, MANUAL)
    assert deliver(after_waits=False) == 1
    body = json.loads(server.got[-1].raw)
    assert body["status"]["overall"] == "APPROVED"
    assert body["messageToApplicant"] == "Welcome."
    assert AuditEntry.objects.filter(kind=Kind.DELIVERY_RESENT, actor=mo.pk).count() == 1


def test_what_was_given_up_gets_another_try(
    sent: list[WebhookDelivery], server: Receiver, mo: User, deliver: Deliver
) -> None:
    tries = len(delivery.WAITS) + 1
    WebhookDelivery.objects.filter(pk=sent[1].pk).update(
        **factories.in_state(DeliveryState.GIVEN_UP), attempts=tries
    )
    server.answer = receiver.code(500)
    again.resend(sent[1], mo)
    deliver()
    sent[1].refresh_from_db()
    assert (sent[1].state, sent[1].attempts) == (DeliveryState.GIVEN_UP, tries + 1)


def test_one_that_waits_for_its_next_try_goes_at_once(
    sent: list[WebhookDelivery], mo: User, deliver: Deliver
) -> None:
    later = timezone.now() + timedelta(hours=8)
    WebhookDelivery.objects.filter(pk=sent[1].pk).update(
        **factories.in_state(DeliveryState.WAITING), due_at=later
    )
    again.resend(sent[1], mo)
    assert deliver(after_waits=False) == 1


REFUSED = {
    "taken back": factories.in_state(DeliveryState.WITHDRAWN),
    "right now": factories.in_state(DeliveryState.WAITING) | {"claimed_until": "later"},
    "first time": factories.in_state(DeliveryState.WAITING) | {"attempts": 0},
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_is_not_sent_again_and_says_why(sent: list[WebhookDelivery], mo: User, why: str) -> None:
    changes: dict[str, Any] = dict(REFUSED[why])
    if "claimed_until" in changes:
        changes["claimed_until"] = timezone.now() + timedelta(minutes=1)
    WebhookDelivery.objects.filter(pk=sent[1].pk).update(**changes)
    with pytest.raises(again.NotSent, match=why):
        again.resend(sent[1], mo)
    assert not AuditEntry.objects.filter(kind=Kind.DELIVERY_RESENT).exists()


def test_it_does_not_overtake_an_older_one(sent: list[WebhookDelivery], mo: User) -> None:
    WebhookDelivery.objects.filter(pk=sent[0].pk).update(
        **factories.in_state(DeliveryState.WAITING)
    )
    with pytest.raises(again.NotSent, match="goes first"):
        again.resend(sent[1], mo)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"is_active": False}, "switched off"), ({"removed_at": timezone.now()}, "removed")],
)
def test_nothing_is_sent_again_to_an_endpoint_that_is_closed(
    sent: list[WebhookDelivery], mo: User, change: dict[str, Any], why: str
) -> None:
    WebhookEndpoint.objects.update(**change)
    closed = WebhookEndpoint.objects.get()
    with pytest.raises(again.NotSent, match=why):
        again.resend(sent[1], mo)
    with pytest.raises(again.NotSent, match=why):
        again.send_present_state(sent[1].verification, closed, mo)


def test_after_an_undo_the_one_before_is_the_newest(
    sent: list[WebhookDelivery], mo: User, ada: User
) -> None:
    verification = sent[1].verification
    verification.partner.undo_seconds = 10
    verification.partner.save()
    assert outbox.withdraw(decide(ada, verification, Action.DENY, "UNDER_AGE"))
    again.resend(sent[1], mo)


def test_the_present_state_keeps_a_decision_that_can_be_undone_to_itself(
    server: Receiver, ada: User, northbank: Partner, receive: Callable[..., Verification]
) -> None:
    WebhookEndpoint.objects.update(events=[AUTO])
    it = receive("07")
    WebhookDelivery.objects.update(**factories.in_state(DeliveryState.DELIVERED))
    decide(ada, it, Action.APPROVE)
    with pytest.raises(again.NotSent, match="can still be taken back"):
        again.send_present_state(it, WebhookEndpoint.objects.get(), ada)


def test_the_present_state_waits_for_what_is_on_its_way(
    sent: list[WebhookDelivery], mo: User
) -> None:
    WebhookDelivery.objects.filter(pk=sent[1].pk).update(
        **factories.in_state(DeliveryState.WAITING), due_at=Now()
    )
    with pytest.raises(again.NotSent, match="on its way"):
        again.send_present_state(sent[1].verification, sent[1].endpoint, mo)


def test_another_partners_endpoint_is_never_told(
    sent: list[WebhookDelivery], southpay: Partner, mo: User
) -> None:
    with pytest.raises(again.NotSent, match="another partner"):
        again.send_present_state(sent[1].verification, factories.endpoint(southpay), mo)


def test_to_an_endpoint_of_old_the_present_state_bears_the_old_name(
    sent: list[WebhookDelivery], northbank: Partner, mo: User
) -> None:
    of_old = factories.endpoint(northbank, events=["IDENTIFICATION"])
    new = again.send_present_state(sent[1].verification, of_old, mo)
    assert (new.event, new.sequence) == ("IDENTIFICATION", 1)


def test_a_test_message_can_be_sent_again(server: Receiver, mo: User, deliver: Deliver) -> None:
    message = outbox.queue_test(WebhookEndpoint.objects.get())
    deliver()
    again.resend(message, mo)
    assert deliver(after_waits=False) == 1
    assert len(server.got) == 2
