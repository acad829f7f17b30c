"""What support sees of verifications: history that nobody edits, applicants behind initials."""

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from verifications import vault
from verifications.admin import masked
from verifications.callbacks import effect, intake, provider
from verifications.models import (
    Decision,
    DecisionReason,
    Outcome,
    ProviderCallback,
    RejectionReason,
    Stage,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
)

Receive = Callable[..., Verification]


def page(name: str, *args: object) -> str:
    return reverse(f"admin:verifications_{name}", args=args)


@pytest.fixture
def support(as_user: Callable[[User], Client], sue: User) -> Client:
    return as_user(sue)


@pytest.fixture
def decided(denied: Verification, ada: User) -> Decision:
    """A denial by Ada, with one reason."""
    row = Decision(
        verification=denied, partner=denied.partner, action="deny", from_status="APPROVED",
        from_suspected=False, to_status="DENIED", to_suspected=False, revision=99,
        request_key="00000000-0000-4000-8000-000000000000", actor=ada, role_name="Admin",
        role_rank=40, may_approve=True, may_deny=True, plan="PREMIUM",
        pricing_model="CHARGE_PER_COMPLETED",
    )  # fmt: skip
    DecisionReason.of(denied, decision=row, position=0, code="DOC_FAKE", label="As it was").save()
    row.save()
    return row


@pytest.fixture
def unread(northbank: Partner) -> ProviderCallback:
    """A body that the schema refused."""
    _, raw = factories.sample("01", scanRef=None)
    callback = intake.receive(northbank, "IDENTIFICATION", raw).callback
    assert callback.stage == Stage.SCHEMA
    return callback


def change(client: Client, address: str, /, **fields: Any) -> Any:
    seen = client.get(address).context["adminform"].form.initial["seen"]
    return client.post(address, {"seen": seen, **fields})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Alma Veske", "A… V…"),
        ("José María Ñandú", "J… M… Ñ…"),
        ("李小龍", "李…"),
        ("  ", ""),
        ("", ""),
        ("\u202eevil <b>", "e… b…"),
        ("X", "X…"),
    ],
)
def test_an_applicant_is_shown_by_initials(name: str, shown: str) -> None:
    assert masked(name) == shown


def test_no_page_of_support_holds_a_name_or_a_number(
    support: Client, receive: Receive, decided: Decision
) -> None:
    secrets = ("Zacharias", "Quillfeather", "XZ7788991")
    verification = receive(
        "01",
        scanRef="canary-1",
        data={"docFirstName": secrets[0], "docLastName": secrets[1], "docNumber": secrets[2]},
    )
    pages = [
        page("verification_changelist"),
        page("verification_change", verification.pk),
        page("verification_history", verification.pk),
        page("providercallback_changelist") + "?show=all",
        page("providercallback_change", verification.callback_id),
        page("decision_changelist"),
        page("decision_change", decided.pk),
        page("webhookdelivery_changelist"),
        reverse("admin:accounts_auditentry_changelist"),
    ]
    for address in pages:
        answer = support.get(address)
        assert answer.status_code == 200
        assert not [text for text in secrets if text in answer.content.decode()], address
    assert "Z… Q…" in support.get(pages[1]).content.decode()


def test_there_is_no_search_by_name(support: Client, receive: Receive) -> None:
    verification = receive("01")
    listed = page("verification_changelist")
    for text in (verification.name, verification.name.split()[0], verification.number_hash):
        assert verification.scan_ref not in support.get(listed, {"q": text}).content.decode()
    for text in (verification.scan_ref, verification.client_id):
        assert verification.scan_ref in support.get(listed, {"q": text}).content.decode()
    for column in ("name", "search_text", "number_hash"):
        query = {f"{column}__startswith": "A", f"{column}__exact": "A"}
        assert support.get(listed, query).status_code == 400


@pytest.mark.parametrize("method", ["change", "delete"])
def test_history_is_not_edited_by_anyone(
    support: Client, as_user: Callable[[User], Client], decided: Decision, method: str
) -> None:
    root = factories.superuser("Root")
    endpoint = factories.endpoint(decided.partner)
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, partner=decided.partner, event="IDENTIFICATION", sequence=1
    )
    attempt = WebhookAttempt.objects.create(
        delivery=delivery, number=1, started_at=timezone.now(), milliseconds=5
    )
    rows = [decided.verification, decided, delivery, attempt, ProviderCallback.objects.first()]
    addresses = [page(f"{row._meta.model_name}_{method}", row.pk) for row in rows]
    entry = AuditEntry.objects.first()
    addresses.append(reverse(f"admin:accounts_auditentry_{method}", args=[entry.pk]))
    for client in (support, as_user(root)):
        for address in addresses:
            assert client.post(address, {"post": "yes"}).status_code == 403
            assert client.get(address).status_code == (200 if method == "change" else 403)


def test_a_decision_shows_what_was_decided_and_why(support: Client, decided: Decision) -> None:
    shown = support.get(page("decision_change", decided.pk)).content.decode()
    assert "DOC_FAKE: As it was" in shown
    assert "Approved → Denied" in shown


def test_an_audit_entry_is_shown_in_words(support: Client, northbank: Partner, ada: User) -> None:
    entry = audit.record(
        Kind.NOTED,
        actor=ada,
        partner=northbank,
        subject="verification:x",
        stream="v/1",
        disposal="partner_request",
        user=ada.pk,
        revealed=True,
    )
    address = reverse("admin:accounts_auditentry_change", args=[entry.pk])
    shown = support.get(address).content.decode()
    assert "why: The partner asked for it" in shown
    assert "user: Ada Lind" in shown
    assert "hidden values shown: yes" in shown


def test_who_proposed_rights_is_shown_by_name(support: Client, ada: User, amos: User) -> None:
    entry = audit.record(
        Kind.RIGHTS_CONFIRMED,
        actor=amos,
        partner=None,
        subject=f"user:{amos.pk}",
        stream=f"u/{amos.pk}",
        proposer=ada.pk,
    )
    address = reverse("admin:accounts_auditentry_change", args=[entry.pk])
    assert "proposed by: Ada Lind" in support.get(address).content.decode()


def test_a_message_has_the_number_that_pages_give_it(support: Client, decided: Decision) -> None:
    endpoint = factories.endpoint(decided.partner)
    WebhookDelivery.objects.create(
        endpoint=endpoint, partner=decided.partner, event="IDENTIFICATION", sequence=41
    )
    shown = support.get(page("webhookdelivery_changelist")).content.decode()
    assert "Message" in shown
    assert '<td class="field-message">41</td>' in shown


def test_a_callback_that_was_not_understood_says_where_and_why(
    support: Client, unread: ProviderCallback, receive: Receive
) -> None:
    understood = receive("01").callback
    listed = support.get(page("providercallback_changelist")).content.decode()
    assert unread.problem in listed
    assert "Not of the agreed form" in listed
    assert unread.digest[:12] in listed
    assert understood.digest[:12] not in listed
    every = support.get(page("providercallback_changelist") + "?show=all").content.decode()
    assert understood.digest[:12] in every
    for query in ("?stage__exact=schema", "?show=all&outcome__exact=applied&stage__exact=accepted"):
        assert support.get(page("providercallback_changelist") + query).status_code == 200
    for query in ("?stage__exact=none", "?show=none"):
        assert support.get(page("providercallback_changelist") + query).status_code == 400


def again(client: Client, *callbacks: ProviderCallback) -> Any:
    fields = {"action": "read_again", "index": "0"}
    picked = [callback.pk for callback in callbacks]
    address = page("providercallback_changelist") + "?show=all"
    return client.post(address, {**fields, "_selected_action": picked}, follow=True)


def test_a_callback_is_read_and_applied_again_after_a_fix(
    support: Client, sue: User, unread: ProviderCallback
) -> None:
    _, raw = factories.sample("01")
    unread.body.sealed = vault.sealed(unread.body, raw)
    unread.body.save()
    assert "understood: applied" in again(support, unread).content.decode()
    unread.refresh_from_db()
    assert (unread.stage, unread.outcome) == (Stage.ACCEPTED, Outcome.APPLIED)
    assert unread.verification is not None
    entry = AuditEntry.objects.get(kind=Kind.CALLBACK_REAPPLIED)
    assert (entry.actor, entry.partner) == (sue.pk, unread.partner_id)
    assert entry.subject == f"callback:{unread.pk}"
    assert json.loads(entry.body)["facts"]["outcome"] == "applied"


def test_a_callback_that_is_still_not_understood_says_so(
    support: Client, unread: ProviderCallback
) -> None:
    assert "still not understood" in again(support, unread).content.decode()
    unread.refresh_from_db()
    assert unread.outcome == Outcome.WAITING


def test_an_accepted_callback_that_waited_is_applied_once(
    support: Client, northbank: Partner
) -> None:
    event, raw = factories.sample("01")
    with mock.patch.object(effect, "apply", side_effect=RuntimeError):
        callback = intake.receive(northbank, event, raw).callback
    assert callback.outcome == Outcome.WAITING
    again(support, callback)
    assert "nothing was done" in again(support, callback).content.decode()
    assert Verification.objects.count() == 1
    assert AuditEntry.objects.filter(kind=Kind.CALLBACK_REAPPLIED).count() == 1


def test_a_fault_that_is_still_there_is_a_sentence_and_changes_nothing(
    support: Client, northbank: Partner
) -> None:
    event, raw = factories.sample("01")
    with mock.patch.object(effect, "apply", side_effect=RuntimeError):
        callback = intake.receive(northbank, event, raw).callback
        answer = again(support, callback)
    assert answer.status_code == 200
    assert "it still cannot be applied" in answer.content.decode()
    assert not AuditEntry.objects.filter(kind=Kind.CALLBACK_REAPPLIED).exists()


def test_what_somebody_holds_at_this_moment_is_told_and_waits(
    support: Client, unread: ProviderCallback
) -> None:
    with mock.patch.object(intake, "reapply", side_effect=OperationalError):
        assert "somebody has its verification" in again(support, unread).content.decode()
    unread.refresh_from_db()
    assert unread.outcome == Outcome.WAITING


def test_a_body_is_never_shown(support: Client, unread: ProviderCallback) -> None:
    body = provider.json.loads(vault.opened(unread.body))
    shown = support.get(page("providercallback_change", unread.pk)).content.decode()
    assert body["clientId"] not in shown
    assert body["data"]["docLastName"] not in shown
    assert "Read and apply again" in shown


def reason_fields(reason: RejectionReason, **changes: Any) -> dict[str, Any]:
    names = ("code", "label", "group", "sets", "order", "needs_note", "is_active")
    fields = {name: getattr(reason, name) for name in names}
    return {name: value for name, value in {**fields, **changes}.items() if value is not False}


def test_a_reason_is_reworded_and_retired_on_record(support: Client) -> None:
    reason = RejectionReason.objects.get(code="DOC_FAKE")
    fields = reason_fields(reason, label="Forged document", is_active=False)
    assert change(support, page("rejectionreason_change", reason.pk), **fields).status_code == 302
    reason.refresh_from_db()
    assert (reason.label, reason.is_active) == ("Forged document", False)
    facts = json.loads(AuditEntry.objects.filter(kind=Kind.REASON_CHANGED).first().body)["facts"]
    assert facts["is_active"] == ["True", "False"]


def test_a_reason_on_a_decision_keeps_its_code_and_is_not_deleted(
    support: Client, decided: Decision
) -> None:
    reason = RejectionReason.objects.get(code="DOC_FAKE")
    fields = reason_fields(reason, code="OTHER_CODE", label="New label")
    assert change(support, page("rejectionreason_change", reason.pk), **fields).status_code == 302
    reason.refresh_from_db()
    assert (reason.code, reason.label) == ("DOC_FAKE", "New label")
    answer = support.post(page("rejectionreason_delete", reason.pk), {"post": "yes"})
    assert answer.status_code == 403


def test_a_reason_keeps_its_code_and_its_partner(
    support: Client, northbank: Partner, southpay: Partner
) -> None:
    own = RejectionReason.objects.create(partner=northbank, code="OWN", label="Own", group="other")
    for reason in (own, RejectionReason.objects.get(code="DOC_FAKE", partner=None)):
        for partner in (southpay.pk, ""):
            fields = reason_fields(reason, code="ELSE", label="New label", partner=partner)
            change(support, page("rejectionreason_change", reason.pk), **fields)
        kept = RejectionReason.objects.get(pk=reason.pk)
        assert (kept.code, kept.partner, kept.label) == (reason.code, reason.partner, "New label")
    entries = AuditEntry.objects.filter(kind=Kind.REASON_CHANGED).order_by("pk")
    assert [entry.partner for entry in entries] == [northbank.pk, None]


def test_an_unused_reason_may_go(support: Client, southpay: Partner) -> None:
    fields = {"code": "HOUSE_RULE", "label": "Our own rule", "group": "policy", "order": "5"}
    sent = {**fields, "partner": southpay.pk, "is_active": "on"}
    assert support.post(page("rejectionreason_add"), sent).status_code == 302
    other = {**sent, "label": "Another rule"}
    assert support.post(page("rejectionreason_add"), other).status_code == 422
    reason = RejectionReason.objects.get(code="HOUSE_RULE")
    address = page("rejectionreason_delete", reason.pk)
    assert support.post(address, {"post": "yes"}).status_code == 302
    assert not RejectionReason.objects.filter(code="HOUSE_RULE").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "lower case"},
        {"code": "DOC_FAKE"},
        {"code": "x" * 65},
        {"group": "none"},
        {"sets": "none"},
        {"order": "9" * 40},
        {"order": "-1"},
        {"partner": "abc"},
        {"partner": "9" * 40},
        {"label": "a\0b"},
        {"label": ""},
    ],
)
def test_a_reason_that_cannot_be_is_marked(
    support: Client, changes: dict[str, str], db: None
) -> None:
    fields = {"code": "NEW_ONE", "label": "New", "group": "other", "order": "5", "is_active": "on"}
    answer = support.post(page("rejectionreason_add"), {**fields, **changes})
    assert answer.status_code == 422
    assert not RejectionReason.objects.filter(code="NEW_ONE").exists()


def test_a_code_that_is_taken_is_marked_as_such(support: Client, northbank: Partner) -> None:
    fields = {"code": "DOC_FAKE", "label": "New", "group": "other", "order": "5"}
    own = {**fields, "partner": northbank.pk}
    assert support.post(page("rejectionreason_add"), own).status_code == 302
    for taken in (fields, {**own, "label": "Newer"}):
        errors = support.post(page("rejectionreason_add"), taken).context["errors"]
        assert errors == [["There is such a reason already: choose another code."]]


def test_the_reason_other_always_needs_a_note(support: Client) -> None:
    reason = RejectionReason.objects.get(code="OTHER", partner=None)
    fields = reason_fields(reason, needs_note=False)
    assert change(support, page("rejectionreason_change", reason.pk), **fields).status_code == 422


def test_support_switches_an_endpoint_off_and_never_on(support: Client, northbank: Partner) -> None:
    endpoint = factories.endpoint(northbank, headers={"X-Token": "header-canary"})
    address = page("webhookendpoint_change", endpoint.pk)
    shown = support.get(address).content.decode()
    assert endpoint.signing_key not in shown
    assert "header-canary" not in shown
    assert "X-Token" in shown
    assert change(support, address).status_code == 422
    assert change(support, address, switched_off_why="Asked by phone").status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.revision) == (False, 2)
    entry = AuditEntry.objects.filter(kind=Kind.ENDPOINT_CHANGED).first()
    assert entry.partner == northbank.pk
    assert (entry.subject, entry.stream) == (endpoint.audit_subject, endpoint.audit_stream)
    on = change(support, address, is_active="on", switched_off_why="")
    assert on.status_code == 422
    endpoint.refresh_from_db()
    assert not endpoint.is_active


def test_an_endpoint_that_stays_on_has_no_reason_to_be_off(
    support: Client, northbank: Partner
) -> None:
    endpoint = factories.endpoint(northbank)
    address = page("webhookendpoint_change", endpoint.pk)
    answer = change(support, address, is_active="on", switched_off_why="Asked by phone")
    assert answer.status_code == 422
    assert "Switch it off too, or leave this empty." in answer.content.decode()
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.switched_off_why) == (True, "")


def test_support_changes_nothing_else_of_an_endpoint(support: Client, northbank: Partner) -> None:
    endpoint = factories.endpoint(northbank)
    former = endpoint.signing_key
    change(
        support, page("webhookendpoint_change", endpoint.pk), switched_off_why="x",
        address="https://evil.example/", signing_key="stolen", name="Else",
    )  # fmt: skip
    endpoint.refresh_from_db()
    assert endpoint.address == "https://hooks.partner.example/idv"
    assert (endpoint.signing_key, endpoint.name) == (former, "Main")


def test_djangos_own_log_tells_of_no_applicant(
    support: Client, unread: ProviderCallback, receive: Receive
) -> None:
    again(support, unread, receive("01").callback)
    reason = RejectionReason.objects.get(code="DOC_FAKE")
    change(support, page("rejectionreason_change", reason.pk), **reason_fields(reason, label="L"))
    names = Verification.objects.values_list("name", flat=True)
    told = " ".join(f"{it.object_repr} {it.change_message}" for it in LogEntry.objects.all())
    assert told
    assert not [name for name in names if name in told]


def test_lists_ask_the_same_number_of_queries_for_any_number_of_rows(
    support: Client, receive: Receive
) -> None:
    lists = [f"{page(f'{name}_changelist')}?" for name in ("verification", "decision")]
    lists.append(page("providercallback_changelist") + "?show=all")
    counts = []
    for rows in (2, 2, 12):
        for number in range(rows):
            receive("01", scanRef=f"scan-{number}")
        with CaptureQueriesContext(connection) as queries:
            assert [support.get(address).status_code for address in lists] == [200] * 3
        counts.append(len(queries))
        assert not [it for it in queries if 'COUNT(*) AS "__count" FROM "verif' in it["sql"]]
    # The first round also fills caches of the program.
    assert counts[1] == counts[2]
