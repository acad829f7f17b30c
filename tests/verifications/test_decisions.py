"""What a decision does, and what it refuses to do, below the pages."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Model
from django.db.utils import DatabaseError

from accounts.models import AuditEntry, Kind, Membership, Partner, User
from tests import factories
from verifications import decisions, lifecycle, vault
from verifications.models import Decision, DecisionReason, RejectionReason, Verification
from verifications.statuses import Action

Receive = Callable[..., Verification]


def decide(user: User, it: Verification, action: Action, *codes: str, **more: Any) -> Decision:
    found = {reason.code: reason for reason in RejectionReason.objects.all()}
    intent = {
        "action": action,
        "seen_revision": it.revision,
        "request_key": uuid.uuid4(),
        "reasons": [found[code] for code in codes],
    }
    intent |= more
    membership = factories.membership(user)
    return decisions.decide(membership, it.scan_ref, decisions.Intent(**intent))


def undo(
    user: User, it: Verification, decision: Decision, key: uuid.UUID | None = None
) -> Decision:
    return decisions.undo(
        factories.membership(user),
        it,
        decision_id=decision.pk,
        request_key=key or uuid.uuid4(),
    )


def test_an_approval_settles_suspicion_and_keeps_the_machines_verdict(
    ada: User, suspected: Verification
) -> None:
    decide(ada, suspected, Action.APPROVE)
    suspected.refresh_from_db()
    assert (suspected.status, suspected.suspected) == ("APPROVED", False)
    assert (suspected.auto_face, suspected.auto_document) == ("FACE_MATCH", "DOC_VALIDATED")
    assert suspected.review_type == "MANUAL"
    assert suspected.tags.standing().count() == 2


def test_a_denial_sets_the_first_finding_of_each_kind(ada: User, approved: Verification) -> None:
    decide(ada, approved, Action.DENY, "DOC_EXPIRED", "DOC_FAKE", "FAKE_FACE", "UNDER_AGE")
    approved.refresh_from_db()
    assert approved.status == "DENIED"
    assert approved.manual_document == "DOC_EXPIRED"
    assert approved.manual_face == "FAKE_FACE"
    assert approved.deny_reasons == ["DOC_EXPIRED", "DOC_FAKE", "FAKE_FACE", "UNDER_AGE"]
    assert approved.auto_document == "DOC_VALIDATED"


def test_a_policy_reason_changes_no_finding(ada: User, approved: Verification) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    approved.refresh_from_db()
    assert (approved.manual_face, approved.manual_document) == ("FACE_MATCH", "DOC_VALIDATED")


def test_a_document_only_session_is_approved_without_a_face(ada: User, receive: Receive) -> None:
    it = receive("13", status={"overall": "DENIED", "autoDocument": "DOC_DAMAGED"})
    decide(ada, it, Action.APPROVE)
    it.refresh_from_db()
    assert it.manual_face == "FACE_NOT_CHECKED"


def test_a_decision_remembers_what_allowed_it(ada: User, approved: Verification) -> None:
    made = decide(ada, approved, Action.DENY, "UNDER_AGE", internal_note="Told by phone")
    assert made.role_rank == 40
    assert made.pricing_model == "CHARGE_PER_COMPLETED"
    assert (made.may_approve, made.may_deny) == (True, True)
    assert vault.texts(made).internal_note == "Told by phone"


def test_a_reason_keeps_the_wording_it_had(ada: User, approved: Verification) -> None:
    made = decide(ada, approved, Action.DENY, "UNDER_AGE")
    RejectionReason.objects.filter(code="UNDER_AGE").update(label="Other words")
    assert [reason.label for reason in made.reasons.all()] == ["The applicant is too young"]


def test_a_decision_is_in_the_audit_log_without_texts(ada: User, approved: Verification) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE", internal_note="secret words")
    entry = AuditEntry.objects.get(kind=Kind.DENIED)
    assert entry.actor == ada.pk
    assert '"reasons":["UNDER_AGE"]' in entry.body
    assert "secret words" not in entry.body
    assert approved.name not in entry.body


def test_a_stale_page_changes_nothing(ada: User, amos: User, approved: Verification) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    with pytest.raises(lifecycle.Stale):
        decide(amos, approved, Action.DENY, "DOC_FAKE")
    assert approved.decisions.count() == 1


def test_the_same_request_twice_makes_one_decision(ada: User, approved: Verification) -> None:
    key = uuid.uuid4()
    first = decide(ada, approved, Action.DENY, "UNDER_AGE", request_key=key)
    again = decide(ada, approved, Action.DENY, "UNDER_AGE", request_key=key)
    assert first == again
    assert approved.decisions.count() == 1


@pytest.mark.parametrize("change", ["reasons", "note", "person"])
def test_the_same_request_with_other_content_is_refused(
    ada: User, amos: User, approved: Verification, change: str
) -> None:
    key = uuid.uuid4()
    decide(ada, approved, Action.DENY, "UNDER_AGE", request_key=key)
    codes = ["DOC_FAKE"] if change == "reasons" else ["UNDER_AGE"]
    note = "other" if change == "note" else ""
    who = amos if change == "person" else ada
    with pytest.raises(lifecycle.Stale):
        decide(who, approved, Action.DENY, *codes, request_key=key, internal_note=note)


def test_permission_is_read_again_at_the_last_moment(
    ada: User, northbank: Partner, approved: Verification
) -> None:
    membership = factories.membership(ada)
    Partner.objects.filter(pk=northbank.pk).update(may_deny=False)
    intent = decisions.Intent(
        action=Action.DENY, seen_revision=approved.revision, request_key=uuid.uuid4()
    )
    with pytest.raises(lifecycle.Refused) as refusal:
        decisions.decide(membership, approved.scan_ref, intent)
    assert refusal.value.check.rule == "partner_may_deny"


def test_a_role_taken_away_meanwhile_refuses(ada: User, approved: Verification) -> None:
    membership = factories.membership(ada)
    Membership.objects.filter(pk=membership.pk).update(role=factories.role(30))
    intent = decisions.Intent(
        action=Action.DENY, seen_revision=approved.revision, request_key=uuid.uuid4()
    )
    with pytest.raises(lifecycle.Refused):
        decisions.decide(membership, approved.scan_ref, intent)


def test_a_status_that_does_not_permit_refuses(ada: User, reviewing: Verification) -> None:
    with pytest.raises(lifecycle.Refused) as refusal:
        decide(ada, reviewing, Action.APPROVE)
    assert refusal.value.check.rule == "status_permits"


def test_a_changed_preview_comes_back(ada: User, approved: Verification) -> None:
    with pytest.raises(decisions.PreviewChanged):
        decide(ada, approved, Action.DENY, "UNDER_AGE", preview_digest="0" * 64)
    assert not approved.decisions.exists()


def test_the_database_refuses_a_denial_without_a_reason(ada: User, approved: Verification) -> None:
    with pytest.raises(DatabaseError, match="a denial has a reason"), transaction.atomic():
        decide(ada, approved, Action.DENY)
    approved.refresh_from_db()
    assert (approved.status, approved.revision) == ("APPROVED", 1)


@pytest.mark.parametrize("query", ["update", "delete", "replace"])
@pytest.mark.parametrize("model", [Decision, DecisionReason, AuditEntry])
def test_the_database_refuses_to_change_history(
    ada: User, approved: Verification, model: type, query: str
) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    rows = model.objects.all()
    with pytest.raises(DatabaseError, match="append-only|the next link"), transaction.atomic():
        if query == "update":
            rows.update(id=F("id"))
        elif query == "delete":
            rows._raw_delete(rows.db)
        else:
            _replace(rows[0])


def _replace(row: Model) -> None:
    """By the engine's own way to write over a row that is there."""
    names = [field.column for field in row._meta.concrete_fields]
    columns, table = ", ".join(f'"{name}"' for name in names), row._meta.db_table
    is_sqlite = connection.vendor == "sqlite"
    sql = f"INSERT {'OR REPLACE' if is_sqlite else ''} INTO {table} ({columns})"
    sql += f" SELECT {columns} FROM {table}"  # noqa: S608 - names of ours
    if not is_sqlite:
        sql += f' ON CONFLICT (id) DO UPDATE SET "{names[1]}" = EXCLUDED."{names[1]}"'
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_refuses_a_status_change_past_the_revision(approved: Verification) -> None:
    with pytest.raises(DatabaseError, match="raises the revision"), transaction.atomic():
        Verification.objects.filter(pk=approved.pk).update(status="DENIED")


def test_the_database_refuses_a_falling_revision(ada: User, approved: Verification) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        Verification.objects.filter(pk=approved.pk).update(revision=1)


def test_the_database_refuses_the_same_scan_ref_twice(approved: Verification) -> None:
    copy = Verification(
        partner=approved.partner,
        scan_ref=approved.scan_ref,
        started_at=approved.started_at,
        status="ACTIVE",
        token_type="DOCUMENT",
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save()


def test_undo_gives_back_all_that_was_overwritten(ada: User, suspected: Verification) -> None:
    before = Verification.objects.values().get(pk=suspected.pk)
    made = decide(ada, suspected, Action.DENY, "DOC_FAKE", "FAKE_FACE")
    undo(ada, suspected, made)
    after = Verification.objects.values().get(pk=suspected.pk)
    assert after.pop("revision") == before.pop("revision") + 2
    assert after == before


def test_any_admin_of_the_partner_may_undo(ada: User, amos: User, approved: Verification) -> None:
    made = decide(ada, approved, Action.DENY, "DOC_FAKE")
    taken_back = undo(amos, approved, made)
    assert taken_back.undoes == made
    assert taken_back.actor == amos


def test_undo_twice_by_the_same_request_is_one(ada: User, approved: Verification) -> None:
    made, key = decide(ada, approved, Action.DENY, "DOC_FAKE"), uuid.uuid4()
    assert undo(ada, approved, made, key) == undo(ada, approved, made, key)
    assert approved.decisions.count() == 2


def test_undo_after_its_time_is_too_late_and_says_the_way_back(
    ada: User, northbank: Partner, approved: Verification
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(undo_seconds=0)
    made = decide(ada, approved, Action.DENY, "DOC_FAKE")
    with pytest.raises(decisions.TooLate, match="The way back is Approve"):
        undo(ada, approved, made)


def test_what_was_replaced_is_not_too_late_but_replaced(
    ada: User, amos: User, approved: Verification
) -> None:
    first = decide(ada, approved, Action.DENY, "DOC_FAKE")
    approved.refresh_from_db()
    decide(amos, approved, Action.APPROVE)
    with pytest.raises(decisions.TooLate, match="was replaced") as missed:
        undo(ada, approved, first)
    assert "way back" not in str(missed.value)


def test_undo_of_a_second_decision_restores_the_first(ada: User, approved: Verification) -> None:
    first = decide(ada, approved, Action.DENY, "DOC_FAKE")
    approved.refresh_from_db()
    second = decide(ada, approved, Action.APPROVE)
    undo(ada, approved, second)
    approved.refresh_from_db()
    assert approved.decision == first
    assert approved.deny_reasons == ["DOC_FAKE"]
    approved.refresh_from_db()
    third = decide(ada, approved, Action.APPROVE)
    assert third.supersedes == first


def test_undo_lets_the_provider_speak_again(
    ada: User, approved: Verification, receive: Receive
) -> None:
    made = decide(ada, approved, Action.DENY, "DOC_FAKE")
    late = factories.body("01")["finishTime"] + 60
    receive("01", finishTime=late, status={"overall": "SUSPECTED", "fraudTags": ["DUPLICATE_FACE"]})
    approved.refresh_from_db()
    assert approved.status == "DENIED"
    undo(ada, approved, made)
    approved.refresh_from_db()
    assert (approved.status, approved.suspected) == ("APPROVED", True)


def test_a_callback_never_overwrites_a_persons_decision(
    ada: User, denied: Verification, receive: Receive
) -> None:
    decide(ada, denied, Action.APPROVE)
    receive("03", finishTime=factories.body("03")["finishTime"] + 60)
    denied.refresh_from_db()
    assert denied.status == "APPROVED"
    assert denied.callbacks.filter(outcome="decided").count() == 1
