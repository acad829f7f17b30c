"""What comes in: through HTTP, under a true signature, as the provider sends it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.cache import cache
from django.db import IntegrityError, OperationalError
from django.db.models import CharField
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Partner, User
from tests import factories
from tests.verifications.test_decisions import decide, undo
from verifications import chores, vault
from verifications.callbacks import effect, intake, provider
from verifications.models import (
    CallbackBody,
    Outcome,
    PhotoState,
    ProviderCallback,
    Stage,
    Verification,
)
from verifications.statuses import Action

Receive = Callable[..., Verification]


def post(partner: Partner, event: str, raw: bytes, signature: str | None = None) -> Any:
    signed = provider.signature(partner.callback_key, raw) if signature is None else signature
    return Client().post(
        f"/callbacks/idenfy/{partner.key}/",
        raw,
        content_type="application/json",
        headers={"Idenfy-Signature": signed, "Idenfy-Event-Type": event},
    )


def test_suspected_with_a_failed_document_is_denied_and_suspected(receive: Receive) -> None:
    it = receive("07", status={"manualDocument": "DOC_FAKE", "autoDocument": "DOC_FAKE"})
    assert (it.status, it.suspected) == ("DENIED", True)


def test_tags_of_both_kinds_are_kept_unknown_ones_too(receive: Receive) -> None:
    told = {"mismatchTags": ["NAME", "NEW_ONE"], "fraudTags": ["DUPLICATE_FACE"]}
    it = receive("07", status=told)
    assert set(it.tags.values_list("kind", "code")) == {
        ("mismatch", "NAME"),
        ("mismatch", "NEW_ONE"),
        ("fraud", "DUPLICATE_FACE"),
    }


@pytest.mark.parametrize("signature", ["", "0" * 64, "x", "é"])
def test_a_wrong_signature_leaves_nothing_but_a_counter(northbank: Partner, signature: str) -> None:
    event, raw = factories.sample("01")
    before = cache.get("callback-401", 0)
    answer = post(northbank, event, raw, signature)
    assert (answer.status_code, answer.json()) == (401, {"error": "signature"})
    assert not ProviderCallback.objects.exists()
    assert not AuditEntry.objects.exists()
    assert cache.get("callback-401") == before + 1


def test_the_counter_of_refusals_stays(northbank: Partner) -> None:
    post(northbank, "IDENTIFICATION", b"{}", "x")
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        assert cache.get("callback-401")


def test_a_signature_over_another_body_is_wrong(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    signed = provider.signature(northbank.callback_key, raw)
    assert post(northbank, event, raw + b"\n", signed).status_code == 401


def test_a_body_signed_with_the_key_of_another_partner_is_refused(
    northbank: Partner, southpay: Partner
) -> None:
    event, raw = factories.sample("01")
    signed = provider.signature(southpay.callback_key, raw)
    assert post(northbank, event, raw, signed).status_code == 401
    assert not ProviderCallback.objects.exists()


def test_a_signature_in_capitals_is_wrong(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    signed = provider.signature(northbank.callback_key, raw).upper()
    assert post(northbank, event, raw, signed).status_code == 401


def test_an_unknown_partner_is_answered_like_a_wrong_signature(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    nobody = factories.PartnerFactory.build(key="nobody")
    unknown, wrong = post(nobody, event, raw), post(northbank, event, raw, "0" * 64)
    assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)


def test_no_key_of_ours_signs_for_an_unknown_partner(db: None, settings: LazySettings) -> None:
    nobody = factories.PartnerFactory.build(key="nobody", callback_key=settings.SECRET_KEY)
    assert post(nobody, *factories.sample("01")).status_code == 401


def test_a_partner_that_is_switched_off_gets_nothing(northbank: Partner) -> None:
    Partner.objects.filter(pk=northbank.pk).update(is_active=False)
    assert post(northbank, *factories.sample("01")).status_code == 401


def test_the_same_body_fifty_times_is_one_verification(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    answers = [post(northbank, event, raw).json()["status"] for _ in range(50)]
    assert answers == ["stored"] + ["repeated"] * 49
    assert Verification.objects.count() == 1
    assert ProviderCallback.objects.get().times_received == 50


def test_two_partners_may_have_the_same_scan_ref(northbank: Partner, southpay: Partner) -> None:
    for partner in (northbank, southpay):
        assert post(partner, *factories.sample("01")).status_code == 200
    assert Verification.objects.count() == 2


def test_an_unknown_event_counts_as_identification(northbank: Partner) -> None:
    _, raw = factories.sample("01")
    assert post(northbank, "SOMETHING_NEW", raw).status_code == 200
    assert ProviderCallback.objects.get().event == "IDENTIFICATION"


def test_a_first_unknown_word_waits_for_a_person(receive: Receive) -> None:
    it = receive("01", status={"overall": "APPROVED_PENDING"})
    assert (it.status, it.overall) == ("REVIEWING", "APPROVED_PENDING")
    assert "unknown result" in it.callbacks.get().notice


def test_a_later_unknown_word_changes_nothing(receive: Receive) -> None:
    receive("01")
    it = receive("01", status={"overall": "APPROVED_PENDING"}, finishTime=2_000_000_000)
    assert (it.status, it.revision) == ("APPROVED", 1)


def test_an_older_result_is_kept_and_not_applied(receive: Receive) -> None:
    receive("01")
    it = receive("01", status={"overall": "DENIED"}, finishTime=1_000_000_000)
    assert it.status == "APPROVED"
    assert it.callbacks.filter(outcome=Outcome.LATE).count() == 1


def test_a_result_that_is_not_final_never_replaces_a_final_one(receive: Receive) -> None:
    receive("01")
    it = receive("01", final=False, status={"overall": "REVIEWING"}, finishTime=2_000_000_000)
    assert it.status == "APPROVED"


def test_suspicion_comes_and_goes_as_the_provider_says(receive: Receive) -> None:
    receive("07")
    clear = {"overall": "APPROVED", "mismatchTags": [], "fraudTags": []}
    it = receive("07", status=clear, finishTime=1_900_000_000)
    assert (it.suspected, it.tags.count()) == (False, 0)
    it = receive("07", finishTime=1_900_000_001)
    assert it.suspected


def test_nothing_brings_back_what_is_gone(receive: Receive) -> None:
    receive("01", status={"overall": "DELETED"})
    it = receive("01", finishTime=1_900_000_000)
    assert it.status == "DELETED"


def test_new_data_after_a_decision_is_shown_and_changes_no_status(
    ada: User, receive: Receive, denied: Verification
) -> None:
    decide(ada, denied, Action.APPROVE)
    it = receive(
        "03",
        event=provider.RESUBMITTED,
        finishTime=1_900_000_000,
        data={"docLastName": "Newname"},
    )
    assert (it.status, it.has_new_data, it.revision) == ("APPROVED", True, 3)
    assert it.name.endswith("Newname")


@pytest.mark.parametrize(("before", "meanwhile"), [(False, True), (True, False), (False, False)])
def test_an_undo_gives_back_what_was_new_to_the_decision_before(
    ada: User, receive: Receive, denied: Verification, before: bool, meanwhile: bool
) -> None:
    def resubmit(moment: int) -> None:
        receive("03", event=provider.RESUBMITTED, finishTime=moment)

    decide(ada, denied, Action.APPROVE)
    if before:
        resubmit(1_900_000_000)
    denied.refresh_from_db()
    made = decide(ada, denied, Action.DENY, "UNDER_AGE")
    denied.refresh_from_db()
    assert not denied.has_new_data
    if meanwhile:
        resubmit(1_900_000_001)
    undo(ada, denied, made)
    denied.refresh_from_db()
    assert denied.has_new_data == (before or meanwhile)


def test_where_no_decision_stands_nothing_is_new_to_it(
    ada: User, receive: Receive, denied: Verification
) -> None:
    made = decide(ada, denied, Action.APPROVE)
    receive("03", event=provider.RESUBMITTED, finishTime=1_900_000_000)
    undo(ada, denied, made)
    denied.refresh_from_db()
    assert not denied.has_new_data


def test_document_expiration_is_noted(northbank: Partner, receive: Receive) -> None:
    it = receive("11")
    event, raw = factories.sample("24", scanRef=it.scan_ref)
    assert post(northbank, event, raw).status_code == 200
    callback = it.callbacks.get(event=provider.EXPIRATION)
    assert callback.outcome == Outcome.NOTED


def test_photos_are_to_be_fetched_and_bad_links_are_marked(receive: Receive) -> None:
    links = {
        "FRONT": "https://media.example.test/1.png",
        "BACK": "javascript:alert(1)",
        "FACE": "https://user:pass@host.example/1.png",
        "FACE_VIDEO": "https://media.example.test/1.mp4",
    }
    it = receive("01", fileUrls=links)
    states = dict(it.photos.values_list("kind", "state"))
    assert {kind: states[kind] for kind in links} == {
        "FRONT": PhotoState.WAITING,
        "BACK": PhotoState.UNUSABLE,
        "FACE": PhotoState.UNUSABLE,
        "FACE_VIDEO": PhotoState.UNUSABLE,
    }


def test_a_new_link_is_tried_as_often_as_the_first(receive: Receive) -> None:
    links = {"FRONT": "https://media.example.test/1.png"}
    photos = receive("01", fileUrls=links).photos
    photos.update(state=PhotoState.FAILED, attempts=6, due_at=None)
    again = {"FRONT": "https://media.example.test/2.png"}
    photo = receive("01", fileUrls=again, finishTime=1_900_000_000).photos.get(kind="FRONT")
    assert (photo.state, photo.attempts) == (PhotoState.WAITING, 0)


def test_a_photo_that_we_have_is_not_replaced(receive: Receive) -> None:
    photos = receive("01", fileUrls={"FRONT": "https://media.example.test/1.png"}).photos
    photos.update(state=PhotoState.STORED, file_name="1.jpg")
    again = {"FRONT": "https://media.example.test/2.png"}
    photo = receive("01", fileUrls=again, finishTime=1_900_000_000).photos.get(kind="FRONT")
    assert (photo.state, photo.file_name) == (PhotoState.STORED, "1.jpg")
    assert vault.opened(photo, "sealed_source") == b"https://media.example.test/1.png"


def longest(sign: str) -> dict[str, Any]:
    """Texts as long as a body may bring them."""
    code = sign * 100
    return {
        "clientId": code,
        "externalRef": sign * 40,
        "platform": code,
        "status": {
            "overall": code,
            "autoFace": code,
            "autoDocument": code,
            "manualFace": code,
            "manualDocument": code,
            "mismatchTags": [code],
        },
        "data": {
            "docFirstName": code,
            "docLastName": code,
            "docType": code,
            "docNumber": code,
            "docIssuingCountry": sign * 2,
        },
        "fileUrls": {code: "https://" + sign * 4088},
    }


# One letter; a sign beyond the basic plane; a sign that is eighteen letters to a search.
@pytest.mark.parametrize("sign", ["x", "\U0001f600", "\ufdfa"])
def test_the_longest_texts_that_are_accepted_fit_their_columns(receive: Receive, sign: str) -> None:
    it = receive("07", scanRef="x" * 36, **longest(sign))
    for row in (
        it,
        it.tags.get(code=sign * 100),
        it.photos.get(kind=sign * 100),
        it.callbacks.get(),
    ):
        for field in row._meta.concrete_fields:
            if isinstance(field, CharField):
                assert len(getattr(row, field.attname)) <= (field.max_length or 0), field.name


def test_a_fault_in_applying_loses_nothing(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, raw = factories.sample("01")
    with monkeypatch.context() as broken:
        broken.setattr(effect, "apply", lambda *_: 1 / 0)
        assert post(northbank, event, raw).status_code == 200
    callback = ProviderCallback.objects.get()
    assert (callback.stage, callback.outcome) == (Stage.ACCEPTED, Outcome.WAITING)
    intake.reapply(callback)
    assert Verification.objects.get().status == "APPROVED"


@pytest.mark.parametrize("last", ["counters.note", "keeping.keep"])
def test_a_fault_in_the_middle_leaves_the_body_and_nothing_else(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    event, raw = factories.sample("07")
    with monkeypatch.context() as broken:
        broken.setattr(f"verifications.lifecycle.{last}", lambda *_: 1 / 0)
        assert post(northbank, event, raw).status_code == 200
        assert post(northbank, event, raw).json() == {"status": "repeated"}
    assert not Verification.objects.exists()
    assert not AuditEntry.objects.exists()
    callback = ProviderCallback.objects.get()
    assert (callback.outcome, callback.times_received) == (Outcome.WAITING, 2)
    assert vault.opened(callback.body) == raw
    assert intake.reapply(callback).outcome == Outcome.APPLIED


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_at_the_end_loses_nothing(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def belonging_to_nobody(callback: ProviderCallback, *_: Any) -> None:
        ProviderCallback.objects.filter(pk=callback.pk).update(verification=10**9)

    monkeypatch.setattr(effect, "apply", belonging_to_nobody)
    assert post(northbank, *factories.sample("01")).status_code == 200
    callback = ProviderCallback.objects.get()
    assert (callback.outcome, callback.verification) == (Outcome.WAITING, None)
    assert CallbackBody.objects.count() == 1


def test_a_search_key_that_was_rolled_back_hashes_nothing(
    northbank: Partner, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first body of a partner makes the key, and is applied again in a new transaction."""
    begin, begun = effect.lifecycle.begin, []

    def once_too_late(*args: Any) -> None:
        begun.append(args)
        if len(begun) == 1:
            raise IntegrityError
        begin(*args)

    monkeypatch.setattr(effect.lifecycle, "begin", once_too_late)
    it = receive("01")
    assert len(begun) == 2
    number = factories.body("01")["data"]["docNumber"]
    assert it.number_hash == vault.number_hash(northbank.pk, number) != ""


def test_only_post_is_taken(northbank: Partner) -> None:
    for method in ("get", "put", "delete", "patch"):
        assert getattr(Client(), method)("/callbacks/idenfy/northbank/").status_code == 405


def test_what_waits_is_applied_by_the_worker(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(effect, "apply", lambda *_: 1 / 0)
        post(northbank, *factories.sample("01"))
    ProviderCallback.objects.update(received_at=timezone.now() - timedelta(hours=1))
    chores.apply_waiting()
    assert Verification.objects.get().status == "APPROVED"


def test_what_cannot_be_applied_keeps_nothing_behind_it_waiting(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(effect, "apply", lambda *_: 1 / 0)
        for number in range(5):
            post(northbank, *factories.sample("01", scanRef=f"one-{number}"))
    ProviderCallback.objects.update(received_at=timezone.now() - timedelta(hours=1))
    again, seen = intake.reapply, []

    def held(callback: ProviderCallback) -> ProviderCallback:
        seen.append(callback.pk)
        if len(seen) < 5:
            raise (vault.DoesNotOpen, OperationalError)[len(seen) % 2]
        return again(callback)

    monkeypatch.setattr(intake, "reapply", held)
    monkeypatch.setattr(chores, "PORTION", 2)
    chores.apply_waiting()
    assert len(seen) == len(set(seen)) == 5
    assert Verification.objects.get().scan_ref == "one-4"
