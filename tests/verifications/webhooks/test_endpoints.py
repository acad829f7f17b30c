"""What Admins do to endpoints: each verb whole or not at all, told to the log without secrets."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from verifications import transport, vault
from verifications.models import DeliveryState, Verification, WebhookDelivery, WebhookEndpoint
from verifications.webhooks import claims, contract, delivery, endpoints, outbox

WANTED = endpoints.Wanted(
    name="Core",
    address="https://hooks.partner.example/idv?token=secret-in-the-address",
    events=["IDENTIFICATION_MANUAL_FINISHED"],
    headers={"Authorization": "Bearer secret-in-a-header"},
)


@pytest.fixture
def endpoint(northbank: Partner) -> WebhookEndpoint:
    return factories.endpoint(northbank)


def wanted(**changes: Any) -> endpoints.Wanted:
    return endpoints.Wanted(**(vars(WANTED) | changes))


def told(endpoint: WebhookEndpoint, kind: Kind = Kind.ENDPOINT_CHANGED) -> list[dict[str, Any]]:
    entries = AuditEntry.objects.filter(subject=f"endpoint:{endpoint.pk}", kind=kind)
    return [json.loads(entry.body)["facts"] for entry in entries.order_by("pk")]


def test_an_added_endpoint_has_a_key_of_its_own(ada: User, northbank: Partner) -> None:
    first = endpoints.add(northbank, WANTED, ada, is_active=True)
    second = endpoints.add(northbank, wanted(name="Other"), ada, is_active=False)
    assert first.signing_key.startswith("whsec_")
    assert first.signing_key != second.signing_key
    assert (first.is_active, second.is_active) == (True, False)


def test_the_log_tells_of_every_step_and_no_secret(ada: User, northbank: Partner) -> None:
    row = endpoints.add(northbank, WANTED, ada, is_active=True)
    keys = [row.signing_key]
    endpoints.change(row, wanted(events=["IDENTIFICATION"]), ada, seen_revision=1)
    keys.append(endpoints.rotate_key(row, ada, seen_revision=2).signing_key)
    endpoints.pause(row, ada)
    endpoints.resume(row, ada)
    endpoints.send_test(row, ada)
    endpoints.remove(row, ada, seen_revision=5)
    steps = [facts["what"] for facts in told(row)]
    assert steps == ["added", "changed", "key rotated", "paused", "resumed", "removed"]
    assert told(row, Kind.DELIVERY_RESENT)[0]["what"] == "a test"
    log = "".join(AuditEntry.objects.values_list("body", flat=True))
    assert not [secret for secret in ("secret-in", *keys) if secret in log]
    assert told(row)[1]["changed"] == ["events"]
    assert told(row)[0]["host"] == "hooks.partner.example"


def test_two_endpoints_of_a_partner_never_share_a_name(
    ada: User, northbank: Partner, southpay: Partner
) -> None:
    first = endpoints.add(northbank, WANTED, ada, is_active=True)
    with pytest.raises(endpoints.NameTaken):
        endpoints.add(northbank, wanted(name="CORE"), ada, is_active=True)
    other = endpoints.add(northbank, wanted(name="Other"), ada, is_active=True)
    with pytest.raises(endpoints.NameTaken):
        endpoints.change(other, WANTED, ada, seen_revision=1)
    endpoints.add(southpay, WANTED, ada, is_active=True)
    endpoints.remove(first, ada, seen_revision=1)
    endpoints.change(other, WANTED, ada, seen_revision=1)


def test_a_partner_has_twenty_endpoints_at_most(ada: User, northbank: Partner) -> None:
    for number in range(endpoints.MOST):
        factories.endpoint(northbank, name=str(number))
    with pytest.raises(endpoints.TooMany):
        endpoints.add(northbank, WANTED, ada, is_active=True)


@pytest.mark.parametrize("verb", ["change", "rotate_key", "remove"])
def test_what_was_seen_before_another_change_changes_nothing(
    ada: User, amos: User, endpoint: WebhookEndpoint, verb: str
) -> None:
    endpoints.pause(endpoint, amos)
    before = WebhookEndpoint.objects.values().get(pk=endpoint.pk)
    more = (WANTED,) if verb == "change" else ()
    with pytest.raises(endpoints.Stale):
        getattr(endpoints, verb)(endpoint, *more, ada, seen_revision=1)
    assert WebhookEndpoint.objects.values().get(pk=endpoint.pk) == before
    assert len(told(endpoint)) == 1


@pytest.mark.parametrize("verb", ["pause", "resume", "send_test"])
def test_nothing_happens_to_what_was_removed(
    ada: User, endpoint: WebhookEndpoint, verb: str
) -> None:
    endpoints.remove(endpoint, ada, seen_revision=1)
    with pytest.raises(endpoints.Gone):
        getattr(endpoints, verb)(endpoint, ada)


def test_saving_the_same_again_is_no_change(ada: User, northbank: Partner) -> None:
    row = endpoints.add(northbank, WANTED, ada, is_active=True)
    assert endpoints.change(row, WANTED, ada, seen_revision=1).revision == 1
    assert len(told(row)) == 1


def test_a_rotated_key_leaves_the_former_one_valid_for_a_day(
    ada: User, endpoint: WebhookEndpoint
) -> None:
    former = endpoint.signing_key
    row = endpoints.rotate_key(endpoint, ada, seen_revision=1)
    assert row.signing_key != former
    assert row.former_key == former
    assert row.former_key_until
    left = row.former_key_until - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(days=1)


def test_pausing_keeps_the_queue_and_resuming_sends_it(
    ada: User, endpoint: WebhookEndpoint
) -> None:
    waiting = endpoints.send_test(endpoint, ada)
    endpoints.pause(endpoint, ada)
    assert not claims.due(10)
    endpoints.resume(endpoint, ada)
    assert claims.due(10) == [(waiting.pk, endpoint.pk)]


def test_pausing_twice_is_told_once(ada: User, endpoint: WebhookEndpoint) -> None:
    endpoints.pause(endpoint, ada)
    endpoints.pause(endpoint, ada)
    assert [facts["what"] for facts in told(endpoint)] == ["paused"]


def test_an_endpoint_that_answered_410_can_be_switched_on(ada: User, northbank: Partner) -> None:
    off = factories.endpoint(northbank, is_active=False, switched_off_why="It answered 410.")
    row = endpoints.resume(off, ada)
    assert (row.is_active, row.switched_off_why) == (True, "")


def test_what_waits_for_a_removed_endpoint_is_given_up_and_stays_in_the_list(
    ada: User, endpoint: WebhookEndpoint
) -> None:
    waiting = endpoints.send_test(endpoint, ada)
    endpoints.remove(endpoint, ada, seen_revision=1)
    assert told(endpoint)[-1]["waiting"] == 1
    assert not claims.due(10)
    claims.close_removed()
    waiting.refresh_from_db()
    assert waiting.state == DeliveryState.GIVEN_UP


def test_a_removed_endpoint_is_told_nothing_more(
    ada: User, endpoint: WebhookEndpoint, denied: Verification
) -> None:
    endpoints.remove(endpoint, ada, seen_revision=1)
    assert not outbox.queue(denied, "IDENTIFICATION_MANUAL_FINISHED")


def test_a_test_is_valid_under_the_contract_and_tells_of_nobody(
    ada: User, endpoint: WebhookEndpoint
) -> None:
    queued = endpoints.send_test(endpoint, ada)
    body = json.loads(vault.opened(queued.body))
    assert not contract.objection(body)
    assert queued.verification is None
    assert queued.event in endpoint.events
    assert body["scanRef"] == body["clientId"] == "TEST"


def test_a_test_says_on_its_envelope_that_it_is_one(
    ada: User, endpoint: WebhookEndpoint, denied: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Mapping[str, str]] = []

    def post(address: str, raw: bytes, headers: Mapping[str, str], **_: Any) -> transport.Answer:
        sent.append(headers)
        return transport.Answer(200, 1, b"", True, "")

    monkeypatch.setattr(transport, "post", post)
    endpoints.send_test(endpoint, ada)
    outbox.queue(denied, "IDENTIFICATION_MANUAL_FINISHED")
    for key, _ in claims.due(10):
        claimed = claims.claim(key)
        assert claimed
        delivery.attempt(claimed)
    marks = {headers["Webhook-Sequence"]: headers.get("Webhook-Test") for headers in sent}
    assert marks == {"0": "1", "1": None}


def test_one_test_waits_at_a_time(ada: User, endpoint: WebhookEndpoint) -> None:
    assert endpoints.send_test(endpoint, ada) == endpoints.send_test(endpoint, ada)
    assert WebhookDelivery.objects.count() == 1


def test_a_switched_off_endpoint_is_not_tried_out(ada: User, northbank: Partner) -> None:
    with pytest.raises(endpoints.SwitchedOff):
        endpoints.send_test(factories.endpoint(northbank, is_active=False), ada)


# The time to undo


def test_an_admin_sets_how_long_a_decision_can_be_taken_back(
    ada: User, northbank: Partner, as_user: Callable
) -> None:
    posted = {"undo_seconds": "45", "seen_revision": northbank.revision}
    assert as_user(ada).post("/webhooks/undo-time/", posted).status_code == 302
    northbank.refresh_from_db()
    assert northbank.undo_seconds == 45
    assert AuditEntry.objects.filter(kind=Kind.PARTNER_CHANGED, actor=ada.pk).exists()


def test_no_time_to_undo_is_not_told_as_zero_seconds(
    ada: User, northbank: Partner, as_user: Callable
) -> None:
    posted = {"undo_seconds": "0", "seen_revision": northbank.revision}
    page = as_user(ada).post("/webhooks/undo-time/", posted, follow=True).content.decode()
    assert "Decisions stand at once from now on." in page
    assert "0 s from now on" not in page


@pytest.mark.parametrize("typed", ["", "61", "-1", "1.5", "１", "x" * 500])
def test_what_is_no_time_comes_back_as_typed(
    ada: User, northbank: Partner, as_user: Callable, typed: str
) -> None:
    posted = {"undo_seconds": typed, "seen_revision": northbank.revision}
    answer = as_user(ada).post("/webhooks/undo-time/", posted)
    assert answer.status_code == 422
    assert "Choose 0 to 60 seconds." in answer.content.decode()
    assert typed in answer.content.decode()


def test_a_time_set_from_a_stale_page_is_not_saved(
    ada: User, northbank: Partner, as_user: Callable
) -> None:
    posted = {"undo_seconds": "45", "seen_revision": northbank.revision + 1}
    assert as_user(ada).post("/webhooks/undo-time/", posted).status_code == 409
    northbank.refresh_from_db()
    assert northbank.undo_seconds == 10
