"""Rows are opened where they belong, with the key of whom they tell of."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import guards
from accounts.models import Partner, User
from tests import factories
from verifications import decisions, notes, vault
from verifications.callbacks import intake
from verifications.models import (
    AttemptAnswer,
    DataKey,
    Decision,
    DeliveryState,
    RejectionReason,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
)
from verifications.statuses import Action
from verifications.webhooks import claims
from verifications.webhooks import delivery as sending

Receive = Callable[..., Verification]
SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def photo_folder(settings: Any, tmp_path: Any) -> None:
    """Nothing of these tests stays beside the database."""
    options = {**settings.STORAGES["photos"]["OPTIONS"], "location": str(tmp_path)}
    photos = {**settings.STORAGES["photos"], "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "photos": photos}


def deny(user: User, it: Verification) -> Decision:
    it.refresh_from_db()
    intent = decisions.Intent(
        action=Action.DENY,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=list(RejectionReason.objects.filter(code="DOC_FAKE")),
        message_to_applicant=f"Dear {it.pk}",
        internal_note=f"Note of {it.pk}",
    )
    return decisions.decide(factories.membership(user), it.scan_ref, intent)


def told(it: Verification, user: User) -> Verification:
    """With a decision, a note, a message and its answer, and a photo."""
    decision = deny(user, it)
    membership = factories.membership(user)
    notes.write(membership, it, text=f"Spoken to {it.pk}", request_key=uuid.uuid4())
    message = WebhookDelivery.objects.get(decision=decision)
    tried = WebhookAttempt.objects.create(
        delivery=message, number=1, started_at=decision.decided_at, milliseconds=1, code=200
    )
    answer = AttemptAnswer(attempt=tried)
    answer.sealed = vault.sealed(answer, f"Thanks for {it.pk}".encode())
    answer.save()
    factories.store(it.photos.get(kind="FRONT"), factories.jpeg())
    return it


@pytest.fixture
def two(receive: Receive, northbank: Partner, ada: User) -> list[Verification]:
    """Two verifications of one partner, each with all that is sealed of one."""
    factories.endpoint(northbank)
    return [told(receive("01", scanRef=ref), ada) for ref in ("scan-one", "scan-two")]


def rows(it: Verification) -> Iterator[tuple[Any, str]]:
    """Every row that is sealed of a verification, with its column."""
    yield it.callbacks.get().body, "sealed"
    yield it.decisions.get().text, "sealed"
    yield it.notes.get(), "sealed"
    message = it.deliveries.get()
    yield message.body, "sealed"
    yield message.tries.get().answer, "sealed"
    yield it.photos.get(kind="BACK"), "sealed_source"


def opens(row: Any, column: str) -> bool:
    """As the database has it now."""
    fresh = type(row).objects.get(pk=row.pk)
    try:
        vault.opened(fresh, column)
    except vault.DoesNotOpen:
        return False
    return True


def test_every_row_opens_where_it_belongs(two: list[Verification]) -> None:
    first, _ = two
    body, text, note, message, answer, _ = [row for row, _ in rows(first)]
    assert json.loads(vault.opened(body))["scanRef"] == "scan-one"
    assert vault.texts(text.decision) == (f"Dear {first.pk}", f"Note of {first.pk}")
    assert vault.opened(note) == f"Spoken to {first.pk}".encode()
    assert json.loads(vault.opened(message))["messageToApplicant"] == f"Dear {first.pk}"
    assert vault.opened(answer) == f"Thanks for {first.pk}".encode()


def test_what_is_swapped_between_verifications_does_not_open(two: list[Verification]) -> None:
    for (mine, column), (theirs, _) in zip(rows(two[0]), rows(two[1]), strict=True):
        one, other = getattr(mine, column), getattr(theirs, column)
        type(mine).objects.filter(pk=mine.pk).update(**{column: other})
        type(mine).objects.filter(pk=theirs.pk).update(**{column: one})
        assert not opens(mine, column), mine
        assert not opens(theirs, column), theirs


def test_what_is_swapped_within_a_verification_does_not_open(two: list[Verification]) -> None:
    """The same key, another table, column or row."""
    every = list(rows(two[0]))
    for (mine, column), (other, from_) in zip(every, every[1:] + every[:1], strict=True):
        setattr(mine, column, getattr(type(other).objects.get(pk=other.pk), from_))
        type(mine).objects.filter(pk=mine.pk).update(**{column: getattr(mine, column)})
        assert not opens(mine, column), mine


def test_two_notes_of_one_verification_cannot_be_swapped(
    suspected: Verification, mia: User
) -> None:
    membership = factories.membership(mia)
    one, other = (
        notes.write(membership, suspected, text=text, request_key=uuid.uuid4())
        for text in ("It is her.", "It is not her.")
    )
    type(one).objects.filter(pk=one.pk).update(sealed=other.sealed)
    assert not opens(one, "sealed")
    assert opens(other, "sealed")


def test_a_key_moved_to_another_owner_or_partner_opens_nothing(
    two: list[Verification], southpay: Partner
) -> None:
    first, second = (DataKey.objects.get(owner=f"scan/{it.scan_ref}") for it in two)
    DataKey.objects.filter(pk=first.pk).update(wrapped=second.wrapped)
    assert not any(opens(*each) for each in rows(two[0]))
    DataKey.objects.filter(pk=second.pk).update(partner=southpay)
    moved = two[1]
    # The database lets no verification move: here somebody has taken its guards away.
    connection.check_constraints()
    guards.lift(connection)
    Verification.objects.filter(pk=moved.pk).update(partner=southpay)
    moved.refresh_from_db()
    assert not any(opens(*each) for each in rows(moved) if each[1] == "sealed_source")


def test_with_its_key_all_of_a_verification_is_gone_and_nothing_of_others(
    two: list[Verification],
) -> None:
    gone, kept = two
    assert vault.erase(vault.owner_of(gone.partner_id, gone.scan_ref))
    assert not any(opens(*each) for each in rows(gone))
    assert all(opens(*each) for each in rows(kept))
    assert not vault.erase(vault.owner_of(gone.partner_id, gone.scan_ref))


def test_the_same_scan_ref_at_two_partners_has_two_keys(
    receive: Receive, northbank: Partner, southpay: Partner
) -> None:
    mine, theirs = receive("01"), receive("01", southpay)
    assert mine.scan_ref == theirs.scan_ref
    vault.erase(vault.owner_of(southpay.pk, theirs.scan_ref))
    assert opens(mine.callbacks.get().body, "sealed")
    assert not opens(theirs.callbacks.get().body, "sealed")


@pytest.mark.parametrize(
    ("raw", "owner"),
    [
        (b'{"scanRef": "scan-9", "clientId": 7}', "scan/scan-9"),
        (b'{"scanRef": "search", "clientId": 7}', "scan/search"),
        (b'{"scanRef": "a\\u0000b"}', "callback/{}"),
        (b'{"scanRef": ["scan-9"]}', "callback/{}"),
        (b"[]", "callback/{}"),
        (b"\xff", "callback/{}"),
    ],
)
def test_a_body_that_was_refused_is_sealed_for_whom_it_tells_of(
    raw: bytes, owner: str, northbank: Partner
) -> None:
    callback = intake.receive(northbank, "IDENTIFICATION", raw).callback
    assert callback.body.owner == owner.format(callback.pk)
    assert vault.opened(callback.body) == raw


def test_a_body_read_after_a_fix_goes_over_to_its_verification(northbank: Partner) -> None:
    callback = intake.receive(northbank, "IDENTIFICATION", b"[]").callback
    _, raw = factories.sample("01")
    callback.body.sealed = vault.sealed(callback.body, raw)
    callback.body.save()
    callback = intake.reapply(callback)
    it = callback.verification
    assert it
    assert callback.body.owner == f"scan/{it.scan_ref}"
    assert not DataKey.objects.filter(owner__startswith="callback/").exists()
    assert opens(callback.body, "sealed")


def shut(it: Verification) -> None:
    DataKey.objects.filter(owner=f"scan/{it.scan_ref}").update(wrapped=b"\x02tampered with")


def test_the_page_says_what_does_not_open(
    two: list[Verification], ada: User, as_user: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    it = two[0]
    shut(it)
    answer = as_user(ada).get(reverse("verification_detail", args=[it.scan_ref]))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "The data of this verification cannot be opened." in page
    assert "This note cannot be opened." in page
    assert "What was written with it cannot be opened." in page
    assert "does not open" in caplog.text
    assert it.name not in caplog.text


def test_a_photo_that_does_not_open_is_not_there(
    two: list[Verification], ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    addresses = [reverse("verification_photo", args=[it.scan_ref, "FRONT"]) for it in two]
    assert client.get(addresses[0]).status_code == 200
    photo, other = (it.photos.get(kind="FRONT") for it in two)
    type(photo).objects.filter(pk=photo.pk).update(file_name=other.file_name)
    assert client.get(addresses[0]).status_code == 404
    assert client.get(addresses[1]).status_code == 200


@pytest.mark.parametrize("address", ["verification_approve", "verification_deny"])
def test_nothing_is_decided_that_nobody_could_be_told(
    address: str, suspected: Verification, ada: User, as_user: SignIn
) -> None:
    shut(suspected)
    client = as_user(ada)
    there = reverse(address, args=[suspected.scan_ref])
    typed = {
        "reasons": "DOC_FAKE",
        "seen_revision": suspected.revision,
        "request_key": str(uuid.uuid4()),
    }
    factories.endpoint(suspected.partner)
    for answer in (client.get(there), client.post(there, typed)):
        assert answer.status_code == 409
        assert "cannot be opened" in answer.content.decode()
    assert not Decision.objects.exists()


def test_no_note_is_written_where_none_could_be_read(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    shut(suspected)
    there = reverse("verification_note", args=[suspected.scan_ref])
    typed = {"note": "My words", "request_key": str(uuid.uuid4())}
    answer = as_user(ada).post(there, typed)
    assert answer.status_code == 409
    assert "My words</textarea>" in answer.content.decode()
    assert not suspected.notes.exists()


def test_a_body_is_kept_whatever_became_of_its_key(receive: Receive, northbank: Partner) -> None:
    it = receive("01")
    shut(it)
    event, raw = factories.sample("03", scanRef=it.scan_ref)
    callback = intake.receive(northbank, event, raw).callback
    assert callback.body.owner == f"callback/{callback.pk}"
    assert vault.opened(callback.body) == raw


def test_a_search_goes_on_without_its_key(receive: Receive, ada: User, as_user: SignIn) -> None:
    it = receive("01")
    DataKey.objects.filter(owner="search").update(wrapped=b"\x02tampered with")
    answer = as_user(ada).get(reverse("verification_list"), {"q": it.client_id})
    assert it.scan_ref in answer.content.decode()


def test_a_message_that_does_not_open_is_given_up(
    receive: Receive, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    factories.endpoint(northbank)
    it = receive("01")
    message = WebhookDelivery.objects.get(decision=deny(ada, it))
    WebhookDelivery.objects.filter(pk=message.pk).update(due_at=it.created_at)
    shut(it)
    claimed = claims.claim(message.pk)
    assert claimed
    sending.attempt(claimed)
    message.refresh_from_db()
    assert message.state == DeliveryState.GIVEN_UP
    assert message.tries.get().problem == "Its body cannot be opened."
    page = as_user(ada).get(reverse("delivery_detail", args=[message.pk])).content.decode()
    assert "Its body cannot be opened." in page


def test_an_undo_stands_where_a_kept_body_does_not_open(
    receive: Receive, northbank: Partner, ada: User
) -> None:
    it = receive("01", finishTime=1_800_000_000)
    decision = deny(ada, it)
    receive("03", scanRef=it.scan_ref, finishTime=1_900_000_000)
    shut(it)
    it.refresh_from_db()
    membership = factories.membership(ada)
    decisions.undo(membership, it, decision_id=decision.pk, request_key=uuid.uuid4())
    it.refresh_from_db()
    assert it.decision is None


def test_a_verification_in_hand_looks_its_key_up_once(two: list[Verification]) -> None:
    it = Verification.objects.get(pk=two[0].pk)
    sealed = [*it.notes.all(), *it.photos.filter(kind="BACK")]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for row in sealed:
            vault.opened(row, "sealed_source" if row in it.photos.all() else "sealed")
    assert sum("verifications_datakey" in query["sql"] for query in asked) == 1
