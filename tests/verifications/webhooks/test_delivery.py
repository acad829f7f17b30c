"""At least once, in order, never silently, never forged: one message and its tries."""

import base64
import json
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.verifications import rows
from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.conftest import Deliver, Serve
from tests.verifications.webhooks.test_outbox import decide
from verifications import decisions, transport, vault
from verifications.callbacks import provider
from verifications.models import (
    DeliveryBody,
    DeliveryState,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.models.webhook import new_signing_key
from verifications.statuses import Action
from verifications.webhooks import claims, delivery, outbox

Told = Callable[..., WebhookEndpoint]


@pytest.fixture
def told(ada: User, northbank: Partner, suspected: Verification) -> Told:
    """An endpoint at this address, with one approval on its way to it."""

    def told(address: str, **fields: object) -> WebhookEndpoint:
        endpoint = factories.endpoint(northbank, address=address, **fields)
        decide(ada, suspected, Action.APPROVE)
        return endpoint

    return told


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_a_message_arrives_as_it_was_queued(serve: Serve, told: Told, deliver: Deliver) -> None:
    server = serve(receiver.code(200, b"thank you"))
    told(server.address)
    assert deliver() == 1
    (got,) = server.got
    message = only()
    assert got.raw == vault.opened(message.body)
    assert message.state == DeliveryState.DELIVERED
    assert message.settled_at
    (tried,) = message.tries.all()
    assert (tried.number, tried.code, tried.problem) == (1, 200, "")
    assert vault.opened(tried.answer) == b"thank you"
    assert deliver() == 0


def test_either_kind_of_receiver_can_check_the_signature(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.code(200))
    endpoint = told(server.address)
    deliver()
    (got,) = server.got
    assert Webhook(endpoint.signing_key).verify(got.raw, got.headers)["scanRef"]
    signed = got.headers["idenfy-signature"]
    assert provider.signature_matches(endpoint.signing_key, got.raw, signed)
    assert got.headers["idenfy-event-type"] == "IDENTIFICATION_MANUAL_FINISHED"
    assert got.headers["webhook-id"] == str(only().pk)
    assert got.headers["webhook-sequence"] == "1"
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("hours", "is_valid"), [(1, True), (-1, False)])
def test_the_former_key_signs_until_its_day_is_over(
    serve: Serve, told: Told, deliver: Deliver, hours: int, is_valid: bool
) -> None:
    server, former = serve(receiver.code(200)), new_signing_key()
    until = timezone.now() + timedelta(hours=hours)
    told(server.address, former_key=former, former_key_until=until)
    deliver()
    (got,) = server.got
    signatures = got.headers["webhook-signature"].split(" ")
    assert len(signatures) == 1 + is_valid
    secret = base64.b64encode(base64.b64decode(former[6:])).decode()
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    by_former = Webhook(secret).sign(got.headers["webhook-id"], at, got.raw.decode())
    assert (by_former in signatures) == is_valid


def test_a_partners_own_headers_go_along_and_never_replace_ours(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.code(200))
    own = {"Authorization": "Bearer abc", "X-Team": "kyc", "Idenfy-Signature": "forged"}
    own |= {"WEBHOOK-ID": "forged", "host": "inside.example", "X-Split": "a\r\nX-Evil: 1"}
    endpoint = told(server.address, headers=own | {"Content-Length": "0", "X-Ümlaut": "1"})
    deliver()
    (got,) = server.got
    assert (got.headers["authorization"], got.headers["x-team"]) == ("Bearer abc", "kyc")
    assert "x-evil" not in got.headers
    assert got.headers["host"].startswith("127.0.0.1")
    assert Webhook(endpoint.signing_key).verify(got.raw, got.headers)


def test_a_retry_bears_the_same_id_the_same_bytes_and_a_new_time(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.in_turn(receiver.code(500), receiver.code(200)))
    endpoint = told(server.address)
    deliver()
    WebhookAttempt.objects.get()
    deliver()
    first, second = server.got
    assert first.raw == second.raw
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for got in server.got:
        assert Webhook(endpoint.signing_key).verify(got.raw, got.headers)


@pytest.mark.parametrize("code", [199, 301, 302, 400, 401, 404, 409, 429, 500, 503])
def test_only_a_code_of_success_is_success(
    serve: Serve, told: Told, deliver: Deliver, code: int
) -> None:
    told(serve(receiver.code(code)).address)
    deliver()
    message = only()
    assert message.state == DeliveryState.WAITING
    assert (message.attempts, message.last_code, message.claimed_until) == (1, code, None)
    assert message.due_at > timezone.now() + timedelta(seconds=3)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_every_code_of_success_is(serve: Serve, told: Told, deliver: Deliver, code: int) -> None:
    told(serve(receiver.code(code)).address)
    deliver()
    assert only().state == DeliveryState.DELIVERED


def test_what_went_wrong_without_an_answer_is_written_down(told: Told, deliver: Deliver) -> None:
    told("https://127.0.0.1/inside")
    deliver()
    (tried,) = only().tries.all()
    assert tried.code is None
    assert tried.problem == "The address does not lead to the public internet."
    assert not hasattr(tried, "answer")


def test_own_machine_is_told_in_the_demo_only(
    serve: Serve, told: Told, deliver: Deliver, settings: LazySettings
) -> None:
    server = serve(receiver.code(200))
    told(server.address)
    settings.DEMO = False
    deliver()
    assert server.got == []
    assert only().tries.get().problem == "Use https."


def test_the_waits_grow_from_seconds_to_hours_for_three_days() -> None:
    assert delivery.WAITS[0] == timedelta(seconds=5)
    assert list(delivery.WAITS) == sorted(delivery.WAITS)
    assert sum(delivery.WAITS, timedelta()) == timedelta(days=3)


def test_after_the_last_wait_it_is_given_up_and_can_be_seen(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.code(500))
    told(server.address)
    waits = []
    for _ in delivery.WAITS:
        assert deliver() == 1
        waits.append(only().due_at - only().tries.last().started_at)
    assert only().state == DeliveryState.WAITING
    assert deliver() == 1
    assert only().state == DeliveryState.GIVEN_UP
    assert only().settled_at
    assert deliver() == 0
    assert len(server.got) == only().tries.count() == len(delivery.WAITS) + 1
    for waited, listed in zip(waits, delivery.WAITS, strict=True):
        assert abs(waited / listed - 1) < delivery.JITTER + 0.05
    assert len({waited / listed for waited, listed in zip(waits, delivery.WAITS, strict=True)}) > 5


@pytest.mark.parametrize(
    ("code", "asked", "waits"),
    [
        (429, "1800", timedelta(minutes=30)),
        (503, "1800", timedelta(minutes=30)),
        (500, "1800", timedelta(seconds=5)),
        (503, "999999999", timedelta(hours=12)),
        (503, "99999999999999999999", timedelta(seconds=5)),
        (503, "-5", timedelta(seconds=5)),
        (503, "soon", timedelta(seconds=5)),
        (503, "Mon, 99 Foo 2026 99:99:99 GMT", timedelta(seconds=5)),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=12)),
        (503, "Sat, 01 Jan 2000 00:00:00 GMT", timedelta(seconds=5)),
    ],
)
def test_a_receiver_may_ask_for_patience_within_bounds(
    serve: Serve, told: Told, deliver: Deliver, code: int, asked: str, waits: timedelta
) -> None:
    told(serve(receiver.code(code, Retry_After=asked)).address)
    before = timezone.now()
    deliver()
    assert only().due_at - before == pytest.approx(waits, abs=timedelta(seconds=2))


def test_410_switches_the_endpoint_off_and_its_queue_waits_for_the_switch(
    serve: Serve, told: Told, deliver: Deliver, ada: User, suspected: Verification
) -> None:
    server = serve(receiver.in_turn(receiver.code(410), receiver.code(200)))
    endpoint = told(server.address)
    deliver()
    endpoint.refresh_from_db()
    assert not endpoint.is_active
    assert endpoint.switched_off_why == "It answered 410: it wants no more."
    assert AuditEntry.objects.filter(kind=Kind.ENDPOINT_CHANGED, actor=None).count() == 1
    decide(ada, suspected, Action.DENY, "UNDER_AGE")
    assert deliver() == 0
    WebhookEndpoint.objects.update(is_active=True)
    assert (deliver(after_waits=False), deliver()) == (1, 1)
    overall = [json.loads(got.raw)["status"]["overall"] for got in server.got]
    assert overall == ["APPROVED", "APPROVED", "DENIED"]


def test_a_newer_message_never_overtakes_one_that_is_still_tried(
    serve: Serve, told: Told, deliver: Deliver, ada: User, suspected: Verification
) -> None:
    server = serve(receiver.in_turn(receiver.code(500), receiver.code(500), receiver.code(200)))
    told(server.address)
    decide(ada, suspected, Action.DENY, "UNDER_AGE")
    for _ in range(4):
        deliver()
    sequence = [int(got.headers["webhook-sequence"]) for got in server.got]
    assert sequence == [1, 1, 1, 2]


def test_what_was_given_up_or_withdrawn_holds_nobody_up(
    serve: Serve, told: Told, deliver: Deliver, ada: User, suspected: Verification
) -> None:
    server = serve(receiver.code(200))
    told(server.address)
    WebhookDelivery.objects.update(**factories.in_state(DeliveryState.GIVEN_UP))
    undone = decide(ada, suspected, Action.DENY, "UNDER_AGE")
    membership = factories.membership(ada)
    decisions.undo(membership, suspected, decision_id=undone.pk, request_key=uuid.uuid4())
    decide(ada, suspected, Action.DENY, "DOC_FAKE")
    assert deliver() == 1
    assert server.got[0].headers["webhook-sequence"] == "3"


def test_other_verifications_and_endpoints_do_not_wait(
    serve: Serve, deliver: Deliver, ada: User, northbank: Partner, receive: Callable
) -> None:
    server, broken = serve(receiver.code(200)), serve(receiver.code(500))
    factories.endpoint(northbank, address=server.address)
    factories.endpoint(northbank, address=broken.address)
    for sample in ("07", "08"):
        decide(ada, receive(sample), Action.APPROVE)
    assert deliver() == 4
    assert (len(server.got), len(broken.got)) == (2, 2)


def test_nothing_goes_out_while_it_can_be_undone(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.code(200))
    told(server.address)
    assert deliver(after_waits=False) == 0
    assert server.got == []


def test_a_message_is_claimed_once(serve: Serve, told: Told) -> None:
    told(serve(receiver.code(200)).address)
    WebhookDelivery.objects.update(due_at=Now())
    ((key, _),) = claims.due(5)
    assert claims.claim(key)
    assert claims.claim(key) is None
    assert claims.due(5) == []


def waits(endpoint: WebhookEndpoint, it: Verification, sequence: int, minutes: int) -> uuid.UUID:
    """A message that is due so many minutes from now."""
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        partner=endpoint.partner,
        verification=it,
        event="IDENTIFICATION_MANUAL_FINISHED",
        sequence=sequence,
        due_at=timezone.now() + timedelta(minutes=minutes),
    ).pk


def test_the_longest_due_of_all_endpoints_come_first(northbank: Partner, southpay: Partner) -> None:
    ours, theirs = factories.endpoint(northbank), factories.endpoint(southpay)
    mine, others = [[rows.add(it) for _ in range(3)] for it in (northbank, southpay)]
    told = [
        (waits(ours, mine[0], 1, -9), ours.pk),
        (waits(theirs, others[0], 1, -8), theirs.pk),
        (waits(ours, mine[1], 1, -7), ours.pk),
        (waits(theirs, others[1], 1, -6), theirs.pk),
    ]
    waits(ours, mine[2], 1, 5)
    for most in range(1, 6):
        assert claims.due(most) == told[:most]
    assert claims.due(5, without=[ours.pk]) == [it for it in told if it[1] == theirs.pk]


def test_what_waits_behind_another_holds_no_other_endpoint_up(
    northbank: Partner, southpay: Partner
) -> None:
    ours, theirs = factories.endpoint(northbank), factories.endpoint(southpay)
    held = rows.add(northbank)
    waits(ours, held, 1, 30)
    waits(ours, held, 2, -30)
    waiting = waits(theirs, rows.add(southpay), 1, -1)
    assert claims.due(1) == [(waiting, theirs.pk)]


def test_a_withdrawn_message_is_never_claimed(
    serve: Serve, northbank: Partner, ada: User, suspected: Verification
) -> None:
    """Found due before the undo, claimed after it."""
    factories.endpoint(northbank, address=serve(receiver.code(200)).address)
    decision = decide(ada, suspected, Action.APPROVE)
    WebhookDelivery.objects.update(due_at=Now())
    ((key, _),) = claims.due(5)
    assert outbox.withdraw(decision)
    assert claims.claim(key) is None


def test_a_claimed_message_is_never_withdrawn(
    northbank: Partner, ada: User, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    decision = decide(ada, suspected, Action.APPROVE)
    WebhookDelivery.objects.update(due_at=Now())
    assert claims.claim(only().pk)
    assert not outbox.withdraw(decision)


def test_when_a_worker_dies_its_message_goes_out_when_the_lease_is_over(
    serve: Serve, told: Told, deliver: Deliver
) -> None:
    server = serve(receiver.code(200))
    told(server.address)
    WebhookDelivery.objects.update(due_at=Now())
    assert claims.claim(only().pk)
    assert deliver() == 0
    WebhookDelivery.objects.update(claimed_until=Now())
    assert deliver() == 1
    assert len(server.got) == 1


def test_a_worker_that_comes_back_too_late_writes_its_try_down_and_moves_nothing(
    serve: Serve, told: Told
) -> None:
    told(serve(receiver.in_turn(receiver.code(500), receiver.code(200))).address)
    WebhookDelivery.objects.update(due_at=Now())
    slow = claims.claim(only().pk)
    WebhookDelivery.objects.update(claimed_until=Now())
    quick = claims.claim(only().pk)
    assert slow
    assert quick
    delivery.attempt(slow)
    assert only().state == DeliveryState.WAITING
    assert only().claimed_until == quick.claimed_until
    delivery.attempt(quick)
    assert only().state == DeliveryState.DELIVERED
    assert [each.number for each in only().tries.all()] == [1, 2]


def test_a_message_whose_body_was_erased_is_given_up(told: Told, deliver: Deliver) -> None:
    told("https://hooks.partner.example/")
    DeliveryBody.objects.all().delete()
    deliver()
    assert only().state == DeliveryState.GIVEN_UP
    assert only().tries.get().problem == "Its body was erased."


def test_what_waits_for_a_removed_endpoint_is_closed(told: Told) -> None:
    told("https://hooks.partner.example/")
    assert claims.close_removed() == 0
    WebhookEndpoint.objects.update(removed_at=timezone.now())
    assert claims.close_removed() == 1
    assert only().state == DeliveryState.GIVEN_UP


def test_a_removed_endpoint_is_not_told(serve: Serve, told: Told, deliver: Deliver) -> None:
    server = serve(receiver.code(200))
    told(server.address)
    WebhookEndpoint.objects.update(removed_at=timezone.now())
    assert deliver() == 0
    assert server.got == []


def test_a_test_message_arrives_and_can_be_checked(
    serve: Serve, northbank: Partner, deliver: Deliver
) -> None:
    server = serve(receiver.code(200))
    endpoint = factories.endpoint(northbank, address=server.address)
    outbox.queue_test(endpoint)
    outbox.queue_test(endpoint)
    assert deliver() == 2
    assert Webhook(endpoint.signing_key).verify(server.got[0].raw, server.got[0].headers)


def test_each_try_is_one_line_of_log_without_the_applicant(
    serve: Serve, told: Told, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    told(serve(receiver.code(418, b"Ana Petrova is unknown")).address)
    with caplog.at_level(logging.INFO):
        deliver()
    (line,) = [each for each in caplog.records if each.name.startswith("verifications")]
    assert line.getMessage().startswith(f"delivery {only().pk}: 418 in ")


def test_a_claim_outlives_the_longest_sending() -> None:
    assert claims.LEASE.total_seconds() > 3 * transport.TIMEOUT
