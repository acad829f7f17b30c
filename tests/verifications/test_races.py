"""Two Admins at once: exactly one decision, the other is told, nothing is left half done."""

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import AuditEntry, Kind, Membership, Partner
from tests import factories
from verifications import callback_admin, decisions, disposal, lifecycle
from verifications.callbacks import effect, intake
from verifications.models import (
    Decision,
    DeliveryState,
    Outcome,
    ProviderCallback,
    RejectionReason,
    Stage,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import Action
from verifications.webhooks import again

ROUNDS = int(os.environ.get("RACE_ROUNDS", "200"))

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def one_try(membership: Membership, it: Verification, action: Action, barrier: Barrier) -> str:
    reasons = [RejectionReason.objects.get(code="UNDER_AGE")] if action == Action.DENY else []
    intent = decisions.Intent(
        action=action, seen_revision=1, request_key=uuid.uuid4(), reasons=reasons
    )
    barrier.wait()
    try:
        decisions.decide(membership, it.scan_ref, intent)
    except lifecycle.Stale:
        return "stale"
    finally:
        connections.close_all()
    return "decided"


def test_exactly_one_of_two_admins_decides() -> None:
    northbank = factories.NorthbankFactory()
    factories.endpoint(northbank)
    admins = [factories.person(name, northbank, 40) for name in ("Ada Lind", "Amos Reed")]
    memberships = [factories.membership(user) for user in admins]
    outcomes: Counter[tuple[str, ...]] = Counter()
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            event, raw = factories.sample("07", scanRef=f"race-{number}")
            it = intake.receive(northbank, event, raw).callback.verification
            barrier = Barrier(2)
            tries = [
                pool.submit(one_try, membership, it, action, barrier)
                for membership, action in zip(
                    memberships, (Action.APPROVE, Action.DENY), strict=True
                )
            ]
            outcomes[tuple(sorted(one.result() for one in tries))] += 1
    assert outcomes == {("decided", "stale"): ROUNDS}
    assert Decision.objects.count() == ROUNDS
    assert AuditEntry.objects.filter(kind__in=[Kind.APPROVED, Kind.DENIED]).count() == ROUNDS
    assert WebhookDelivery.objects.filter(decision__isnull=False).count() == ROUNDS
    for it in Verification.objects.select_related("decision"):
        assert it.revision == 2
        assert it.decision
        assert it.status == it.decision.to_status


def test_the_same_request_at_once_is_one_decision() -> None:
    northbank = factories.NorthbankFactory()
    ada = factories.membership(factories.person("Ada Lind", northbank, 40))
    event, raw = factories.sample("07")
    it = intake.receive(northbank, event, raw).callback.verification
    intent = decisions.Intent(action=Action.APPROVE, seen_revision=1, request_key=uuid.uuid4())
    barrier = Barrier(4)

    def again(_: int) -> object:
        barrier.wait()
        try:
            return decisions.decide(ada, it.scan_ref, intent).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(again, range(4)))) == 1
    assert Decision.objects.count() == 1


def while_one_waits(first: Callable[[], object], second: Callable[[], object]) -> object:
    """What the second gives, whose lock the first has until it is done; a fault counts too."""

    def wait() -> object:
        try:
            return second()
        except Exception as fault:  # noqa: BLE001 - looked at by the test
            return fault
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            waiting = pool.submit(wait)
            time.sleep(0.3)
        return waiting.result()


@pytest.fixture
def ada() -> Membership:
    northbank = factories.NorthbankFactory()
    factories.endpoint(northbank)
    return factories.membership(factories.person("Ada Lind", northbank, 40))


def receive(partner: Partner, **changes: Any) -> ProviderCallback:
    return intake.receive(partner, *factories.sample("01", **changes)).callback


def denial() -> decisions.Intent:
    reasons = [RejectionReason.objects.get(code="UNDER_AGE")]
    return decisions.Intent(
        action=Action.DENY, seen_revision=1, request_key=uuid.uuid4(), reasons=reasons
    )


def test_a_right_taken_away_while_one_waits_is_gone(ada: Membership) -> None:
    it = receive(ada.partner).verification
    assert it
    intent = denial()

    def take_away() -> None:
        lifecycle.locked(ada, it.scan_ref)
        Partner.objects.update(may_deny=False)

    refused = while_one_waits(take_away, lambda: decisions.decide(ada, it.scan_ref, intent))
    assert isinstance(refused, lifecycle.Refused)
    assert refused.check.rule == "partner_may_deny"


def test_an_older_body_that_waited_for_a_newer_one_is_late(ada: Membership) -> None:
    def told(overall: str, at: int) -> ProviderCallback:
        return receive(ada.partner, finishTime=1_800_000_000 + at, status={"overall": overall})

    told("REVIEWING", 0)
    older = while_one_waits(lambda: told("APPROVED", 2), lambda: told("DENIED", 1))
    assert isinstance(older, ProviderCallback)
    assert older.outcome == Outcome.LATE
    assert Verification.objects.get().status == "APPROVED"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_a_body_that_cannot_wait_any_longer_is_kept(ada: Membership) -> None:
    it = receive(ada.partner).verification
    assert it

    def told() -> ProviderCallback:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        return receive(ada.partner, finishTime=1_900_000_000)

    kept = while_one_waits(lambda: lifecycle.locked(ada, it.scan_ref), told)
    assert isinstance(kept, ProviderCallback)
    assert (kept.stage, kept.outcome) == (Stage.ACCEPTED, Outcome.WAITING)
    assert intake.reapply(kept).outcome == Outcome.APPLIED


def waiting_body(ada: Membership, monkeypatch: pytest.MonkeyPatch) -> ProviderCallback:
    """Of a verification that is there, not applied yet because of a fault that is gone by now."""
    receive(ada.partner)
    with monkeypatch.context() as broken:
        broken.setattr(effect, "apply", lambda *_: 1 / 0)
        return receive(ada.partner, finishTime=1_900_000_000)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_who_reads_a_body_again_waits_without_holding_it(
    ada: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who disposes has the verification, and takes what tells of it: a deadlock otherwise."""
    callback = waiting_body(ada, monkeypatch)
    it = Verification.objects.get()
    free = []

    def dispose() -> None:
        lifecycle.locked(ada, it.scan_ref)
        reader.start()
        time.sleep(0.3)
        rows = ProviderCallback.objects.select_for_update(skip_locked=True)
        free.append(rows.filter(pk=callback.pk).exists())

    told = []

    def read_again() -> None:
        try:
            told.append(callback_admin._read_again(callback.pk, ada.user)[1])
        finally:
            connections.close_all()

    reader = Thread(target=read_again)
    with transaction.atomic():
        dispose()
    reader.join()
    assert (free, told) == ([True], ["understood: applied."])


def test_a_body_is_read_again_by_one_of_two(
    ada: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = waiting_body(ada, monkeypatch)
    late = while_one_waits(lambda: intake.reapply(callback), lambda: intake.reapply(callback))
    assert isinstance(late, intake.Settled)
    assert AuditEntry.objects.filter(kind=Kind.UPDATED).count() == 1


@pytest.mark.parametrize("verb", ["dispose", "tell the present state"])
def test_who_waited_for_a_decision_knows_of_it(ada: Membership, verb: str) -> None:
    Partner.objects.update(undo_seconds=60)
    ada = Membership.objects.select_related("user", "partner").get()
    it = receive(ada.partner).verification
    assert it
    WebhookDelivery.objects.update(**factories.in_state(DeliveryState.DELIVERED))
    WebhookEndpoint.objects.update(events=["OTHER"])
    intent, endpoint = denial(), WebhookEndpoint.objects.get()
    then: dict[str, Callable[[], object]] = {
        "dispose": lambda: disposal.dispose_on_request(ada.partner, it.scan_ref),
        "tell the present state": lambda: again.send_present_state(it, endpoint, ada.user),
    }
    fault = while_one_waits(lambda: decisions.decide(ada, it.scan_ref, intent), then[verb])
    assert isinstance(fault, lifecycle.Refused | again.NotSent)
    assert "can still be taken back" in str(fault)


def test_the_same_body_at_once_is_one_verification() -> None:
    northbank = factories.NorthbankFactory()
    event, raw = factories.sample("01")
    barrier = Barrier(4)

    def again(_: int) -> int:
        barrier.wait()
        try:
            return sum(intake.receive(northbank, event, raw).is_accepted for _ in range(5))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(again, range(4))) == 20
    assert Verification.objects.count() == 1
    (callback,) = Verification.objects.get().callbacks.all()
    assert callback.times_received == 20
