"""What comes in: through HTTP, under a true signature, as the provider sends it."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEntry, Partner, User
from tests import factories
from tests.conftest import MANIFEST
from tests.verifications.test_decisions import decide
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
SAMPLES = [entry["file"].split("/")[1] for entry in MANIFEST["samples"]]


def post(partner: Partner, event: str, raw: bytes, signature: str | None = None) -> Any:
    signed = provider.signature(partner.callback_key, raw) if signature is None else signature
    return Client().post(
        f"/callbacks/idenfy/{partner.key}/",
        raw,
        content_type="application/json",
        headers={"Idenfy-Signature": signed, "Idenfy-Event-Type": event},
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_comes_in_and_shows(
    northbank: Partner, ada: User, as_user: Callable, name: str
) -> None:
    event, raw = factories.sample(name[:2])
    answer = post(northbank, event, raw)
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    callback = ProviderCallback.objects.get()
    assert bytes(callback.body.raw) == raw
    if event == provider.EXPIRATION:
        assert callback.outcome == Outcome.UNMATCHED
        return
    it = Verification.objects.get()
    told = factories.body(name[:2])
    assert it.scan_ref == told["scanRef"]
    assert it.started_at == datetime.fromtimestamp(told["startTime"], UTC)
    page = as_user(ada).get(f"/verifications/{it.scan_ref}/")
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("sample", "status", "suspected"),
    [
        ("01", "APPROVED", False),
        ("02", "APPROVED", False),
        ("03", "DENIED", False),
        ("05", "EXPIRED", False),
        ("06", "EXPIRED", False),
        ("07", "APPROVED", True),
        ("08", "APPROVED", True),
        ("12", "APPROVED", True),
        ("14", "APPROVED", False),
        ("15", "DENIED", False),
        ("25", "REVIEWING", False),
    ],
)
def test_the_provider_is_understood(
    receive: Receive, sample: str, status: str, suspected: bool
) -> None:
    it = receive(sample)
    assert (it.status, it.suspected) == (status, suspected)


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
    answer = post(northbank, event, raw, signature)
    assert (answer.status_code, answer.json()) == (401, {"error": "signature"})
    assert not ProviderCallback.objects.exists()
    assert not AuditEntry.objects.exists()
    assert cache.get("callback-401") == 1


def test_a_signature_in_capitals_is_wrong(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    signed = provider.signature(northbank.callback_key, raw).upper()
    assert post(northbank, event, raw, signed).status_code == 401


def test_an_unknown_partner_is_answered_like_a_wrong_signature(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    nobody = factories.PartnerFactory.build(key="nobody")
    unknown, wrong = post(nobody, event, raw), post(northbank, event, raw, "0" * 64)
    assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)


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


def test_only_post_is_taken(northbank: Partner) -> None:
    for method in ("get", "put", "delete", "patch"):
        assert getattr(Client(), method)("/callbacks/idenfy/northbank/").status_code == 405


def sent(number: int, word: str, final: bool) -> tuple[str, bytes]:
    status = {"overall": word}
    if word == "DENIED":
        status |= {"manualDocument": "DOC_FAKE", "autoDocument": "DOC_FAKE"}
    return factories.sample("02", finishTime=1_800_000_000 + number, final=final, status=status)


def test_any_order_of_four_results_ends_the_same(northbank: Partner) -> None:
    bodies = [
        sent(1, "REVIEWING", False),
        sent(2, "APPROVED", False),
        sent(3, "DENIED", True),
        sent(4, "APPROVED", True),
    ]
    ends = set()
    for order in permutations(bodies):
        for event, raw in order:
            intake.receive(northbank, event, raw)
        it = Verification.objects.get()
        ends.add((it.status, it.is_final, it.finished_at))
        clear()
    assert len(ends) == 1


def clear() -> None:
    Verification.objects.update(callback=None)
    CallbackBody.objects.all().delete()
    ProviderCallback.objects.all().delete()
    Verification.objects.all().delete()
