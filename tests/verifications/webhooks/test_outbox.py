"""What is queued, when, for whom; and what can be taken back."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Partner, User
from tests import factories
from verifications import decisions, outcomes, vault
from verifications.models import (
    CallbackBody,
    Decision,
    DeliveryState,
    RejectionReason,
    Verification,
    WebhookDelivery,
)
from verifications.statuses import APPROVED, Action
from verifications.webhooks import contract, outbox, payloads

MANUAL = "IDENTIFICATION_MANUAL_FINISHED"
AUTO = "IDENTIFICATION_AUTO_FINISHED"


def decide(user: User, it: Verification, action: Action, *codes: str, **more: Any) -> Decision:
    it.refresh_from_db()
    reasons = list(RejectionReason.objects.filter(code__in=codes).order_by("order"))
    intent = decisions.Intent(
        action=action,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=reasons,
        **more,
    )
    return decisions.decide(factories.membership(user), it.scan_ref, intent)


def sent(delivery: WebhookDelivery) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(vault.opened(delivery.body))
    return body


def test_each_endpoint_that_wants_the_event_gets_one(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    wants = factories.endpoint(northbank)
    factories.endpoint(northbank, name="Other", events=["IDENTIFICATION_EXPIRED"])
    factories.endpoint(northbank, name="Gone", removed_at=timezone.now())
    decide(ada, suspected, Action.APPROVE)
    (delivery,) = WebhookDelivery.objects.all()
    assert (delivery.endpoint, delivery.event, delivery.sequence) == (wants, MANUAL, 1)


def test_nobody_elses_endpoint_is_told(
    ada: User, southpay: Partner, suspected: Verification
) -> None:
    factories.endpoint(southpay)
    decide(ada, suspected, Action.APPROVE)
    assert not WebhookDelivery.objects.exists()


def test_an_endpoint_of_old_hears_every_event_under_one_name(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank, events=["IDENTIFICATION"])
    decide(ada, suspected, Action.APPROVE)
    assert [each.event for each in WebhookDelivery.objects.all()] == ["IDENTIFICATION"]


def test_an_endpoint_with_both_names_gets_both_in_order(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank, events=["IDENTIFICATION", MANUAL])
    decide(ada, suspected, Action.APPROVE)
    told = WebhookDelivery.objects.order_by("sequence").values_list("sequence", "event")
    assert list(told) == [(1, MANUAL), (2, "IDENTIFICATION")]


def test_an_endpoint_that_is_switched_off_keeps_its_queue(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank, is_active=False)
    decide(ada, suspected, Action.APPROVE)
    assert WebhookDelivery.objects.get().state == DeliveryState.WAITING


def test_the_sequence_counts_on_for_each_verification_and_endpoint(
    ada: User, northbank: Partner, receive: Callable[..., Verification]
) -> None:
    factories.endpoint(northbank, events=[AUTO, MANUAL])
    one, other = receive("07"), receive("08")
    decide(ada, one, Action.APPROVE)
    decide(ada, one, Action.DENY, "UNDER_AGE")
    decide(ada, other, Action.APPROVE)
    counts = WebhookDelivery.objects.order_by("queued_at", "sequence")
    assert list(counts.filter(verification=one).values_list("sequence", flat=True)) == [1, 2, 3]
    assert list(counts.filter(verification=other).values_list("sequence", flat=True)) == [1, 2]


def test_a_decision_waits_until_it_cannot_be_undone(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    decision = decide(ada, suspected, Action.APPROVE)
    assert WebhookDelivery.objects.get().due_at == decision.undoable_until


def test_what_the_provider_says_goes_out_at_once(
    northbank: Partner, receive: Callable[..., Verification]
) -> None:
    factories.endpoint(northbank, events=[AUTO])
    receive("07")
    delivery = WebhookDelivery.objects.get()
    assert delivery.due_at <= timezone.now()
    assert sent(delivery)["status"]["overall"] == "SUSPECTED"


@pytest.mark.parametrize(
    ("sample", "action", "codes"),
    [
        ("07", Action.APPROVE, []),
        ("07", Action.DENY, ["DOC_FAKE", "UNDER_AGE"]),
        ("01", Action.DENY, ["FAKE_FACE"]),
        ("23", Action.APPROVE, []),
    ],
)
def test_what_was_previewed_is_what_is_queued_to_the_byte(
    ada: User,
    northbank: Partner,
    receive: Callable[..., Verification],
    sample: str,
    action: Action,
    codes: list[str],
) -> None:
    endpoint = factories.endpoint(northbank)
    it = receive(sample)
    reasons = list(RejectionReason.objects.filter(code__in=codes).order_by("order"))
    shown = outcomes.preview(it, action, reasons, "Bring your passport.")
    decide(ada, it, action, *codes, message_to_applicant="Bring your passport.")
    delivery = WebhookDelivery.objects.get()
    assert vault.opened(delivery.body) == shown.raw
    assert shown.event == delivery.event
    assert shown.endpoints == [endpoint]


def test_the_message_goes_out_and_the_note_never(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    decide(
        ada,
        suspected,
        Action.APPROVE,
        message_to_applicant="Welcome.",
        internal_note="Her cousin works here.",
    )
    raw = vault.opened(WebhookDelivery.objects.get().body)
    assert sent(WebhookDelivery.objects.get())["messageToApplicant"] == "Welcome."
    assert b"cousin" not in raw


def test_bytes_are_frozen_when_queued(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    decide(ada, suspected, Action.APPROVE)
    decide(ada, suspected, Action.DENY, "UNDER_AGE")
    first, second = WebhookDelivery.objects.order_by("sequence")
    assert sent(first)["status"]["overall"] == "APPROVED"
    assert sent(second)["status"]["overall"] == "DENIED"


def test_an_undone_decision_leaves_no_delivery_waiting(
    ada: User, northbank: Partner, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    factories.endpoint(northbank, name="Second")
    decision = decide(ada, suspected, Action.APPROVE)
    assert outbox.withdraw(decision)
    assert {each.state for each in WebhookDelivery.objects.all()} == {DeliveryState.WITHDRAWN}


@pytest.mark.parametrize(
    "touched",
    [
        {"attempts": 1},
        {"claimed_until": timezone.now() - timedelta(days=1)},
        factories.in_state(DeliveryState.DELIVERED),
    ],
)
def test_nothing_is_taken_back_once_a_worker_touched_it(
    ada: User, northbank: Partner, suspected: Verification, touched: dict[str, Any]
) -> None:
    """Not even where the other endpoint has not been told: the caller rolls back."""
    endpoint = factories.endpoint(northbank)
    factories.endpoint(northbank, name="Second")
    decision = decide(ada, suspected, Action.APPROVE)
    WebhookDelivery.objects.filter(endpoint=endpoint).update(**touched)
    with transaction.atomic():
        assert not outbox.withdraw(decision)
        transaction.set_rollback(True)


def test_a_decision_of_which_nobody_is_told_can_be_taken_back(
    ada: User, suspected: Verification
) -> None:
    assert outbox.withdraw(decide(ada, suspected, Action.APPROVE))


def test_a_test_message_tells_of_nobody(northbank: Partner) -> None:
    delivery = outbox.queue_test(factories.endpoint(northbank))
    assert (delivery.event, delivery.verification) == (MANUAL, None)
    assert contract.objection(sent(delivery)) == ""
    assert sent(delivery)["scanRef"] == "TEST"


def test_without_a_body_there_is_nothing_to_tell(suspected: Verification) -> None:
    CallbackBody.objects.all().delete()
    with pytest.raises(payloads.Unsendable):
        outbox.preview(suspected, MANUAL, APPROVED)
