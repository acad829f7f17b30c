"""Removing a mismatch tag: for good, by Admins, and never a way to approve what was denied."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.verifications import rows
from verifications import vault
from verifications.models import Tag, TagKind, Verification, WebhookDelivery
from verifications.statuses import DENIED, NEEDS_DECISION, Standing, Status

SignIn = Callable[[User], Client]
Receive = Callable[..., Verification]


def url(it: Verification, tag: Tag) -> str:
    return reverse("verification_remove_tag", args=[it.scan_ref, tag.pk])


def remove(client: Client, it: Verification, tag: Tag, revision: int | None = None) -> HttpResponse:
    seen = it.revision if revision is None else revision
    return client.post(url(it, tag), {"seen_revision": seen})


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


@pytest.fixture
def tag(suspected: Verification) -> Tag:
    return suspected.tags.get(code="NAME")


def test_the_confirm_page_names_the_tag_and_says_that_it_is_for_good(
    suspected: Verification, tag: Tag, ada: User, as_user: SignIn
) -> None:
    page = text(as_user(ada).get(url(suspected, tag)))
    assert "Remove “First name differs”?" in page
    assert "gone for good" in page
    assert "Other tags stay" in page


def test_removing_one_of_two_keeps_the_suspicion_and_raises_the_revision(
    suspected: Verification, tag: Tag, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    factories.endpoint(northbank)
    before = suspected.revision
    assert remove(as_user(ada), suspected, tag).status_code == 302
    suspected.refresh_from_db()
    tag.refresh_from_db()
    assert suspected.standing == NEEDS_DECISION
    assert suspected.revision == before + 1
    assert (tag.removed_by, tag.removed_at is None) == (ada, False)
    assert not WebhookDelivery.objects.exists()
    assert AuditEntry.objects.get(kind=Kind.TAG_REMOVED).actor == ada.pk


def test_the_last_one_settles_the_suspicion_and_tells_the_partner(
    suspected: Verification, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    factories.endpoint(northbank)
    client = as_user(ada)
    first, last = suspected.tags.all()
    remove(client, suspected, first)
    suspected.refresh_from_db()
    assert "suspicion is settled" in text(client.get(url(suspected, last)))
    remove(client, suspected, last)
    suspected.refresh_from_db()
    assert suspected.standing == Standing(Status.APPROVED, False)
    delivery = WebhookDelivery.objects.get()
    assert delivery.event == "IDENTIFICATION_MANUAL_FINISHED"
    told = json.loads(vault.opened(delivery.body))["status"]
    assert (told["overall"], told["mismatchTags"]) == ("APPROVED", [])


def test_a_fraud_tag_that_stands_keeps_the_suspicion(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    rows.tag(suspected, "DUPLICATE_FACE", TagKind.FRAUD)
    client = as_user(ada)
    for tag in suspected.tags.filter(kind=TagKind.MISMATCH):
        remove(client, suspected, tag)
        suspected.refresh_from_db()
    assert suspected.standing == NEEDS_DECISION


def test_what_was_denied_stays_denied(
    receive: Receive, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    factories.endpoint(northbank)
    it = receive("07", status={"autoFace": "FACE_MISMATCH", "manualFace": "FACE_MISMATCH"})
    assert it.standing == Standing(Status.DENIED, True)
    client = as_user(ada)
    for tag in it.tags.all():
        remove(client, it, tag)
        it.refresh_from_db()
    assert it.standing == DENIED
    assert json.loads(vault.opened(WebhookDelivery.objects.get().body))["status"]["overall"] == (
        "DENIED"
    )


def test_a_fraud_tag_cannot_be_removed(suspected: Verification, ada: User, as_user: SignIn) -> None:
    fraud = rows.tag(suspected, "DUPLICATE_FACE", TagKind.FRAUD)
    client = as_user(ada)
    assert client.get(url(suspected, fraud)).status_code == 404
    assert remove(client, suspected, fraud).status_code == 404
    fraud.refresh_from_db()
    assert fraud.removed_at is None
    page = text(client.get(reverse("verification_detail", args=[suspected.scan_ref])))
    assert url(suspected, fraud) not in page


@pytest.mark.parametrize("who", ["vera", "mia", "mo"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_admins_remove_tags(
    who: str,
    method: str,
    suspected: Verification,
    tag: Tag,
    request: pytest.FixtureRequest,
    as_user: SignIn,
) -> None:
    client = as_user(request.getfixturevalue(who))
    response = getattr(client, method)(url(suspected, tag), {"seen_revision": suspected.revision})
    assert response.status_code == 403
    assert "only Admins decide" in text(response)
    tag.refresh_from_db()
    assert tag.removed_at is None


def test_the_partner_must_be_allowed_to_approve(
    suspected: Verification, tag: Tag, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    northbank.may_approve = False
    northbank.save()
    response = remove(as_user(ada), suspected, tag)
    assert response.status_code == 403
    assert "switched off" in text(response)


def test_the_status_must_permit_it(receive: Receive, ada: User, as_user: SignIn) -> None:
    it = receive("07", status={"overall": "REVIEWING"})
    tag = it.tags.first()
    assert tag
    client = as_user(ada)
    assert client.get(url(it, tag)).status_code == 403
    assert remove(client, it, tag).status_code == 403
    tag.refresh_from_db()
    assert tag.removed_at is None


def test_another_partners_tag_is_not_there(
    suspected: Verification, tag: Tag, otto: User, as_user: SignIn
) -> None:
    assert remove(as_user(otto), suspected, tag).status_code == 404


def test_a_tag_of_another_verification_is_not_there(
    suspected: Verification, receive: Receive, ada: User, as_user: SignIn
) -> None:
    other = receive("08").tags.first()
    assert other
    assert remove(as_user(ada), suspected, other).status_code == 404


@pytest.mark.parametrize("number", ["0", "99999999999999999999999", "9" * 5000, "-1", "x"])
def test_a_number_that_is_no_tag_is_not_there(
    number: str, suspected: Verification, ada: User, as_user: SignIn
) -> None:
    path = f"/verifications/{suspected.scan_ref}/tags/{number}/remove/"
    assert as_user(ada).get(path).status_code == 404


def test_twice_is_harmless(
    suspected: Verification, tag: Tag, ada: User, amos: User, as_user: SignIn
) -> None:
    seen = suspected.revision
    remove(as_user(ada), suspected, tag, seen)
    response = remove(as_user(amos), suspected, tag, seen)
    assert response.status_code == 302
    suspected.refresh_from_db()
    tag.refresh_from_db()
    assert suspected.revision == seen + 1
    assert tag.removed_by == ada
    assert as_user(amos).get(url(suspected, tag)).status_code == 302


def test_a_stale_page_removes_nothing_and_says_so(
    suspected: Verification, tag: Tag, ada: User, amos: User, as_user: SignIn
) -> None:
    seen = suspected.revision
    other = suspected.tags.exclude(pk=tag.pk).get()
    remove(as_user(amos), suspected, other, seen)
    response = remove(as_user(ada), suspected, tag, seen)
    assert response.status_code == 409
    assert "Not removed: the verification changed meanwhile." in text(response)
    assert f'name="seen_revision" value="{seen + 1}"' in text(response)
    tag.refresh_from_db()
    assert tag.removed_at is None


@pytest.mark.parametrize("revision", ["", "x", "-1", "１", "9" * 30])
def test_a_damaged_form_removes_nothing(
    revision: Any, suspected: Verification, tag: Tag, ada: User, as_user: SignIn
) -> None:
    response = as_user(ada).post(url(suspected, tag), {"seen_revision": revision})
    assert response.status_code == 422
    assert "This form was damaged" in text(response)
    tag.refresh_from_db()
    assert tag.removed_at is None


def test_an_empty_form_is_damaged_too(
    suspected: Verification, tag: Tag, ada: User, as_user: SignIn
) -> None:
    response = as_user(ada).post(url(suspected, tag))
    assert response.status_code == 422
    assert "This form was damaged" in text(response)


def test_the_provider_does_not_raise_a_removed_tag_again(
    suspected: Verification, ada: User, as_user: SignIn, receive: Receive
) -> None:
    client = as_user(ada)
    for tag in suspected.tags.all():
        remove(client, suspected, tag)
        suspected.refresh_from_db()
    again = receive("07", finishTime=1894871648)
    assert again.standing == Standing(Status.APPROVED, False)
    assert all(tag.removed_at for tag in again.tags.all())
