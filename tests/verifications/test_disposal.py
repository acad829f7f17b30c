"""The end of a verification's data: who may, what stands in the way, what is left."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.conftest import SAMPLES
from tests.verifications import ends
from tests.verifications.test_decisions import decide, undo
from verifications import counters, disposal, folding, holds, lifecycle, notes, tags, vault
from verifications.callbacks import intake
from verifications.models import (
    CallbackBody,
    DataKey,
    DeliveryBody,
    DeliveryState,
    Disposal,
    DisposalKind,
    Hold,
    HoldReason,
    Note,
    Outcome,
    Photo,
    ProviderCallback,
    ReleaseReason,
    Tag,
    Verification,
    WebhookDelivery,
)
from verifications.models.verification import ERASED
from verifications.statuses import Action
from verifications.webhooks import again

AsUser = Callable[[User], Client]
Receive = Callable[..., Verification]


def at(name: str, it: Verification) -> str:
    return reverse(f"verification_{name}", args=[it.scan_ref])


def objection(user: User, it: Verification) -> str:
    with pytest.raises(lifecycle.Refused) as refusal:
        ends.dispose(user, it)
    return refusal.value.check.rule


def test_a_disposal_leaves_where_it_stood_and_nothing_of_the_applicant(
    ada: User, suspected: Verification
) -> None:
    started_at, revision = suspected.started_at, suspected.revision
    made = ends.dispose(ada, suspected)
    assert (made.kind, made.actor, made.submitted_at) == ("dashboard", ada, started_at)
    assert (made.status, made.suspected, made.review_type) == ("APPROVED", True, "AUTOMATIC")
    suspected.refresh_from_db()
    assert {name: getattr(suspected, name) for name in ERASED} == ERASED
    assert (str(suspected.standing), suspected.revision) == ("Deleted", revision + 1)
    assert suspected.started_at == started_at
    for model in (CallbackBody, Note, Tag, Photo, DeliveryBody):
        assert not model.objects.exists()
    assert counters.standing(suspected.partner) == {}
    assert not list(folding.check())
    entry = AuditEntry.objects.get(kind=Kind.DISPOSED)
    assert (entry.actor, entry.subject) == (ada.pk, suspected.audit_subject)


def test_who_decided_stays_and_the_log_can_still_be_proven(
    ada: User, approved: Verification, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(ada, approved, Action.DENY, "DOC_FAKE", internal_note="Fake, I think.")
    WebhookDelivery.objects.all().update(**factories.in_state(DeliveryState.DELIVERED))
    _let_the_time_to_undo_pass(approved)
    ends.dispose(ada, approved)
    (kept,) = approved.decisions.all()
    assert [reason.code for reason in kept.reasons.all()] == ["DOC_FAKE"]
    assert not hasattr(kept, "text")
    call_command("verify_audit")
    assert "Intact." in capsys.readouterr().out


def _let_the_time_to_undo_pass(it: Verification) -> None:
    """As far as the rule can see: no decision that stands has a time that runs."""
    Verification.objects.filter(pk=it.pk).update(decision=None, decided_by=None)


@pytest.mark.parametrize("who", ["vera", "mia", "mo"])
def test_only_an_admin_disposes_holds_and_releases(
    who: str, request: pytest.FixtureRequest, as_user: AsUser, approved: Verification
) -> None:
    client = as_user(request.getfixturevalue(who))
    assert client.get(at("dispose", approved)).status_code == 403
    assert ends.post(client, approved).status_code == 403
    for name in ("hold", "release"):
        assert client.post(at(name, approved), {"reason": "dispute"}).status_code == 403
    assert not Disposal.objects.exists()
    page = client.get(at("detail", approved)).content.decode()
    assert "Kept until" in page
    assert "Dispose of" not in page
    assert "Put it on hold" not in page


def test_what_is_still_being_reviewed_is_not_disposed_of(
    ada: User, reviewing: Verification
) -> None:
    assert objection(ada, reviewing) == "status_permits"


def test_what_can_still_be_undone_is_not_disposed_of(ada: User, suspected: Verification) -> None:
    decide(ada, suspected, Action.APPROVE)
    assert objection(ada, suspected) == "decision_is_settled"


def test_what_the_partner_is_still_being_told_of_is_not_disposed_of(
    northbank: Partner, ada: User, suspected: Verification
) -> None:
    northbank.undo_seconds = 0
    northbank.save()
    endpoint = factories.endpoint(northbank)
    decide(ada, suspected, Action.APPROVE)
    assert objection(ada, suspected) == "partner_is_told"
    endpoint.is_active = False
    endpoint.save()
    WebhookDelivery.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    assert objection(ada, suspected) == "partner_is_told", "a worker is at it"
    WebhookDelivery.objects.update(claimed_until=None)
    ends.dispose(ada, suspected)
    assert WebhookDelivery.objects.get().state == DeliveryState.GIVEN_UP


def test_what_is_on_hold_is_not_disposed_of_by_anything(
    northbank: Partner, ada: User, approved: Verification
) -> None:
    ends.hold(ada, approved)
    ends.long_ago(approved)
    assert objection(ada, approved) == "no_hold_stands"
    disposal.retire(10)
    with pytest.raises(lifecycle.Refused):
        disposal.dispose_on_request(northbank, approved.scan_ref)
    assert not Disposal.objects.exists()


def test_the_database_keeps_what_is_on_hold_by_itself(ada: User, approved: Verification) -> None:
    ends.hold(ada, approved)
    with pytest.raises(IntegrityError, match="on hold"), transaction.atomic():
        Disposal.objects.create(
            verification=approved,
            partner=approved.partner,
            kind=DisposalKind.RETENTION,
            submitted_at=approved.started_at,
            status=approved.status,
            suspected=False,
            review_type=approved.review_type,
        )


@pytest.mark.parametrize("change", [{}, {"status": "DELETED"} | ERASED])
def test_no_row_is_disposed_of_without_a_record_or_with_data_in_it(
    change: dict[str, Any], approved: Verification
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Verification.objects.filter(pk=approved.pk).update(
            revision=9, disposed_at=timezone.now(), **change
        )


def test_nothing_brings_back_a_row_that_was_disposed_of(ada: User, approved: Verification) -> None:
    ends.dispose(ada, approved)
    for change in ({"name": "Alma Veske"}, {"disposed_at": None}, {"revision": 99}):
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            Verification.objects.filter(pk=approved.pk).update(**change)


def test_every_verb_finds_it_gone(ada: User, mia: User, suspected: Verification) -> None:
    admin, member = factories.membership(ada), factories.membership(mia)
    tag = suspected.tags.first()
    assert tag
    ends.dispose(ada, suspected)
    for late in (
        lambda: decide(ada, suspected, Action.APPROVE),
        lambda: undo(ada, suspected, Disposal(pk=1)),  # type: ignore[arg-type]
        lambda: tags.remove(admin, suspected, tag.pk, seen_revision=1),
        lambda: notes.write(member, suspected, text="Late", request_key=uuid.uuid4()),
        lambda: holds.place(admin, suspected, HoldReason.AUDIT, ""),
        lambda: holds.release(admin, suspected, ReleaseReason.CLOSED),
        lambda: disposal.dispose(
            admin, suspected, seen_revision=suspected.revision, request_key=uuid.uuid4()
        ),
    ):
        with pytest.raises(lifecycle.Gone):
            late()


@pytest.mark.parametrize("sample", sorted(path.name[:2] for path in SAMPLES.glob("*.json")))
def test_a_late_callback_stores_nothing_and_brings_nothing_back(
    sample: str, ada: User, northbank: Partner, receive: Receive
) -> None:
    it = receive("03", scanRef="late-1", externalRef="first")
    ends.dispose(ada, it)
    before = Verification.objects.filter(pk=it.pk).values().get()
    event, raw = factories.sample(sample, scanRef="late-1")
    receipt = intake.receive(northbank, event, raw)
    assert receipt.is_accepted
    assert receipt.callback.outcome == Outcome.DISPOSED
    assert receipt.callback.overall == ""
    assert not CallbackBody.objects.exists()
    assert not Photo.objects.exists()
    assert Verification.objects.filter(pk=it.pk).values().get() == before
    assert intake.receive(northbank, event, raw).is_repeated


def test_a_callback_that_waited_meanwhile_loses_its_body_too(
    ada: User, northbank: Partner, approved: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, raw = factories.sample("01", scanRef=approved.scan_ref, finishTime=1894800000)
    monkeypatch.setattr(intake.effect, "apply", lambda *_: 1 / 0)
    waiting = intake.receive(northbank, event, raw).callback
    monkeypatch.undo()
    assert waiting.outcome == Outcome.WAITING
    ends.dispose(ada, approved)
    assert not CallbackBody.objects.exists()
    assert ProviderCallback.objects.get(pk=waiting.pk).outcome == Outcome.DISPOSED


def test_what_was_kept_long_enough_goes_oldest_first_and_once(
    northbank: Partner, southpay: Partner, receive: Receive
) -> None:
    northbank.retention_days = 30
    northbank.save()
    days = {"01": 31, "03": 32, "25": 33, "13": 29}
    rows = {days[number]: receive(number) for number in days}
    for age, it in rows.items():
        ends.long_ago(it, age)
    other = receive("05", partner=southpay)
    ends.long_ago(other, 100)
    assert disposal.retire(2)
    assert set(_disposed()) == {rows[33].scan_ref, rows[32].scan_ref}
    assert not disposal.retire(2)
    assert not disposal.retire(2)
    assert rows[31].scan_ref in _disposed()
    assert len(_disposed()) == 3
    assert set(Disposal.objects.values_list("kind", "actor")) == {("retention", None)}
    assert AuditEntry.objects.filter(kind=Kind.DISPOSED).count() == 3


def _disposed() -> list[str]:
    return list(Disposal.objects.values_list("verification__scan_ref", flat=True))


@pytest.mark.parametrize("days", [0, 29, 3661])
def test_the_database_bounds_how_long_data_is_kept(days: int, northbank: Partner) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Partner.objects.filter(pk=northbank.pk).update(retention_days=days)


def test_bodies_that_told_of_nothing_go_after_thirty_days(northbank: Partner) -> None:
    for number, raw in enumerate((b"not json", b"{}")):
        callback = intake.receive(northbank, "IDENTIFICATION", raw).callback
        past = timezone.now() - timedelta(days=29 + 2 * number)
        ProviderCallback.objects.filter(pk=callback.pk).update(received_at=past)
    disposal.erase_unread_bodies()
    assert [vault.opened(body) for body in CallbackBody.objects.all()] == [b"not json"]
    assert DataKey.objects.filter(owner__startswith="callback/").count() == 1


def test_a_body_that_names_it_and_was_never_understood_goes_with_it(
    ada: User, northbank: Partner, approved: Verification
) -> None:
    raw = f'{{"scanRef": "{approved.scan_ref}", "clientId": 7}}'.encode()
    assert not intake.receive(northbank, "IDENTIFICATION", raw).is_accepted
    ends.dispose(ada, approved)
    late = intake.receive(northbank, "IDENTIFICATION", raw + b" ")
    assert (late.is_accepted, late.callback.outcome) == (False, Outcome.WAITING)
    assert not CallbackBody.objects.exists()
    assert not DataKey.objects.filter(owner__startswith="scan/").exists()


def test_a_message_of_what_was_disposed_of_is_not_sent_again(
    northbank: Partner, ada: User, suspected: Verification
) -> None:
    endpoint = factories.endpoint(northbank)
    decide(ada, suspected, Action.APPROVE)
    WebhookDelivery.objects.update(**factories.in_state(DeliveryState.DELIVERED), attempts=1)
    _let_the_time_to_undo_pass(suspected)
    ends.dispose(ada, suspected)
    row = WebhookDelivery.objects.get()
    for send in (
        lambda: again.resend(row, ada),
        lambda: again.send_present_state(suspected, endpoint, ada),
    ):
        with pytest.raises(again.NotSent, match="disposed of"):
            send()


def test_a_command_disposes_of_what_the_partner_asked_for(
    northbank: Partner, approved: Verification, reviewing: Verification, capsys: Any
) -> None:
    asked = [approved.scan_ref, reviewing.scan_ref, "never-was"]
    with pytest.raises(CommandError, match=r"2 of 3 not disposed of"):
        call_command("dispose", *asked, "--partner", "northbank", "--partner-request")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{approved.scan_ref}: disposed of"
    assert "refused. It is being reviewed" in told[1]
    made = Disposal.objects.get()
    assert (made.kind, made.actor) == (DisposalKind.PARTNER_REQUEST, None)
    assert '"operator":"' in AuditEntry.objects.get(kind=Kind.DISPOSED).body


def test_a_hold_is_one_and_its_history_stays_until_the_end(
    ada: User, approved: Verification
) -> None:
    admin = factories.membership(ada)
    assert ends.hold(ada, approved, "2026/17")
    assert not ends.hold(ada, approved)
    assert holds.release(admin, approved, ReleaseReason.CLOSED)
    assert not holds.release(admin, approved, ReleaseReason.CLOSED)
    kinds = AuditEntry.objects.filter(stream=approved.audit_stream).values_list("kind", flat=True)
    assert list(kinds.order_by("seq"))[1:] == [Kind.HELD, Kind.RELEASED]
    ends.dispose(ada, approved)
    assert not Hold.objects.exists()
