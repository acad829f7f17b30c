"""What was sent when its session had ended: nothing is done, and its person finds it again."""

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import unsent
from accounts.models import Partner, User
from accounts.models.session import Session
from tests import factories
from tests.conftest import PASSWORD
from verifications.models import Decision, Note, Verification

SignIn = Callable[[User], Client]
WORDS = "Told by phone, twice"


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def typed(client: Client, it: Verification) -> dict[str, Any]:
    """What the Deny page of this browser would post."""
    page = text(client.get(f"/verifications/{it.scan_ref}/deny/"))
    brought = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return dict(brought) | {"reasons": ["UNDER_AGE"], "internal_note": WORDS}


def sign_in(client: Client, user: User, asked: HttpResponse) -> HttpResponse:
    """By the form that the answer leads to."""
    assert asked.status_code == 302
    assert asked.headers["Location"].startswith("/accounts/login/?next=")
    posted = {"login": user.email, "password": PASSWORD}
    return client.post(asked.headers["Location"], posted, follow=True)  # type: ignore[return-value]


def signed_out(client: Client) -> None:
    client.cookies.pop("sid")


def test_a_decision_sent_after_the_session_waits_for_a_press_of_its_person(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    signed_out(client)
    asked = client.post(deny, sent)
    assert "You were signed out. Nothing was done." in text(client.get(asked.headers["Location"]))
    page = sign_in(client, ada, asked)
    assert WORDS in text(page)
    assert re.search(r'value="UNDER_AGE"[^>]* checked', text(page))
    assert not Decision.objects.exists()
    assert client.post(deny, sent).headers["Location"] == f"/verifications/{approved.scan_ref}/"
    # It came back once.
    assert WORDS not in text(client.get(deny.replace("deny", "approve")))
    assert WORDS not in text(client.get(deny))


@pytest.mark.parametrize("minutes", [31, 500])
def test_a_session_that_was_idle_or_old_loses_no_words(
    as_user: SignIn, ada: User, approved: Verification, minutes: int
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        asked = client.post(deny, sent)
        # Older than any session can be, it is nobody's any more.
        assert (WORDS in text(sign_in(client, ada, asked))) == (minutes < 480)
    assert not Decision.objects.exists()


def test_whoever_else_signs_in_finds_nothing(
    as_user: SignIn, ada: User, amos: User, approved: Verification
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    signed_out(client)
    page = sign_in(client, amos, client.post(deny, sent))
    assert page.status_code == 200
    assert WORDS not in text(page)
    assert not Decision.objects.exists()
    # Nor does its person, once somebody else was there.
    assert unsent.KEPT not in client.session


@pytest.mark.parametrize("forged", ["", "1", "1:aaaaaa:bbbbbbbbbbbb"])
def test_nothing_is_kept_for_somebody_that_a_form_only_names(
    as_user: SignIn, ada: User, approved: Verification, forged: str
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved) | {unsent.OPENED_BY: forged.replace("1", str(ada.pk), 1)}
    signed_out(client)
    assert WORDS not in text(sign_in(client, ada, client.post(deny, sent)))


def test_what_waits_is_sealed_and_bounded(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    signed_out(client)
    client.get(client.post(deny, sent).headers["Location"])
    (kept,) = [it for it in Session.objects.all() if unsent.KEPT in it.get_decoded()]
    assert WORDS not in str(kept.get_decoded())
    signed_out(client)
    before = Session.objects.filter(user=None).count()
    asked = client.post(deny, sent | {"internal_note": "x" * unsent.MOST_BYTES})
    assert Session.objects.filter(user=None).count() == before
    assert "What you typed comes back" not in text(client.get(asked.headers["Location"]))


def test_what_somebody_decided_meanwhile_is_a_conflict_with_the_words(
    as_user: SignIn, ada: User, amos: User, approved: Verification
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    signed_out(client)
    asked = client.post(deny, sent)
    other = as_user(amos)
    other.post(deny, typed(other, approved))
    page = sign_in(client, ada, asked)
    assert page.status_code == 409
    assert "<bdi>Amos Reed</bdi> was here while you were writing" in text(page)
    assert WORDS in text(page)


def test_a_note_comes_back_too_for_the_partner_it_was_written_for(
    as_user: SignIn, ada: User, southpay: Partner, receive: Callable[..., Verification]
) -> None:
    """Whose reference may tell of another applicant at the partner that one begins with."""
    own, theirs = receive("01"), receive("01", partner=southpay)
    assert own.scan_ref == theirs.scan_ref
    factories.join(ada, southpay, 40)
    client, path = as_user(ada), f"/verifications/{own.scan_ref}/notes/"
    note = {"note": WORDS, "request_key": uuid.uuid4(), "opened_for": southpay.pk}
    client.cookies.pop("sid")
    asked = client.post(path, note | {unsent.OPENED_BY: unsent.mark(ada)})
    page = text(sign_in(client, ada, asked))
    assert WORDS in page
    assert f'name="opened_for" value="{southpay.pk}"' in page
    fields = re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', page)
    assert client.post(path, dict(fields)).status_code == 302
    assert Note.objects.get().verification == theirs


def test_a_script_is_refused_and_sends_the_form_as_without_it(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client, deny = as_user(ada), f"/verifications/{approved.scan_ref}/deny/"
    sent = typed(client, approved)
    signed_out(client)
    assert client.post(deny, sent, headers={unsent.SCRIPT: "dialog"}).status_code == 401
    assert not Session.objects.filter(user=None).exists()


def test_no_password_is_ever_kept(as_user: SignIn, ada: User) -> None:
    client = as_user(ada)
    signed_out(client)
    fields = {"oldpassword": PASSWORD, unsent.OPENED_BY: unsent.mark(ada)}
    asked = client.post("/accounts/password/change/", fields)
    assert "What you typed" not in text(client.get(asked.headers["Location"]))
    assert unsent.KEPT not in client.session
