"""What could not be sent does nothing; its person finds it again, once, to be sent by a press."""

import base64
import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import sessions, unsent
from accounts.models import Invitation, Partner, User
from accounts.models.session import Session
from tests import factories
from tests.conftest import PASSWORD
from verifications.models import Decision, Note, Verification

SignIn = Callable[[User], Client]
INVITE, ADD = "/team/invite/", "/webhooks/endpoints/add/"
WORDS = "Told by phone, twice"


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


class Visit:
    """Ada's browser, whose session has ended, or in which nobody proved anything lately."""

    def __init__(self, client: Client, ada: User, partner: Partner, *, is_over: bool) -> None:
        self.client, self.ada, self.is_over = client, ada, is_over
        self.brought = {unsent.OPENED_FOR: partner.pk, unsent.OPENED_BY: unsent.mark(ada)}
        if not is_over:
            client.force_login(ada)

    def send(self, address: str, **typed: Any) -> str:
        """Gives the page that asks who is there."""
        answer = self.client.post(address, self.brought | typed)
        assert answer.status_code == 302
        page = "/accounts/login/?next=" if self.is_over else "/accounts/reauthenticate/?next="
        assert answer.url.startswith(page)
        return str(answer.url)

    def prove(self, asked: str, user: User | None = None) -> HttpResponse:
        """Gives the password at the page that asked; what that led to."""
        posted = {"login": (user or self.ada).email, "password": PASSWORD}
        return self.client.post(asked, posted, follow=True)  # type: ignore[return-value]

    def come_back(self, address: str) -> dict[str, str]:
        return fields(self.client.get(address))


def fields(page: Any) -> dict[str, str]:
    """Of the form that is shown once more, without what each page brings."""
    found = re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', text(page))
    return dict(found)


def press(client: Client, page: Any) -> HttpResponse:
    """On Go on, with all that its form holds."""
    form = text(page).split('<form class="stack"')[1].split("</form>")[0]
    brought = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    (address,) = re.findall(r'action="([^"]*)"', form)
    return client.post(address, brought | fields(page))  # type: ignore[return-value]


@pytest.fixture
def late(client: Client, ada: User, northbank: Partner) -> Visit:
    return Visit(client, ada, northbank, is_over=False)


@pytest.fixture
def over(client: Client, ada: User, northbank: Partner) -> Visit:
    return Visit(client, ada, northbank, is_over=True)


@pytest.fixture(params=["late", "over"])
def visit(request: pytest.FixtureRequest) -> Visit:
    it: Visit = request.getfixturevalue(request.param)
    return it


def test_what_was_typed_comes_back_and_is_sent_by_a_press_of_ones_own(visit: Visit) -> None:
    typed = {"email": "nia@new.example", "role": str(factories.role(10).pk)}
    asked = visit.send(INVITE, **typed)
    assert "nia@new.example" not in text(visit.client.get(INVITE, follow=True))
    page = visit.prove(asked)
    assert fields(page) == typed
    assert page.context["typed"] == [("email", "nia@new.example")]
    assert not Invitation.objects.exists()
    press(visit.client, page)
    assert Invitation.objects.get().email == typed["email"]


def test_a_button_pressed_too_late_is_offered_again(late: Visit, vera: User) -> None:
    address = f"/team/{factories.membership(vera).pk}/deactivate/"
    page = late.prove(late.send(address))
    assert (page.status_code, ">Go on<" in text(page), fields(page)) == (200, True, {})
    # Somebody else may have pressed it.
    assert f'<code class="kept">{address}</code> of <bdi>Northbank</bdi>' in text(page)
    assert factories.membership(vera).is_active
    press(late.client, page)
    assert not factories.membership(vera).is_active


def test_what_a_page_brought_is_not_shown_as_typed(late: Visit, approved: Verification) -> None:
    brought = {"seen_revision": approved.revision, "request_key": str(uuid.uuid4())}
    asked = late.send(f"/verifications/{approved.scan_ref}/dispose/", **brought, agreed=1)
    page = late.prove(asked)
    assert fields(page).keys() == {"seen_revision", "request_key", "agreed"}
    assert page.context["typed"] == []


def test_a_window_over_a_page_takes_nothing_that_it_cannot_show(late: Visit) -> None:
    asked = late.send(INVITE, email="nia@new.example")
    late.client.post(asked, {"password": PASSWORD})
    by_script = {"X-Requested-With": "dialog"}
    assert ">Go on<" not in text(late.client.get(INVITE, headers=by_script))
    assert late.come_back(INVITE) == {"email": "nia@new.example"}


def test_what_was_typed_is_shown_once_and_nowhere_else(late: Visit) -> None:
    asked = late.send(INVITE, email="nia@new.example", extra=["a", "b"])
    late.client.post(asked, {"password": PASSWORD})
    kept = late.client.session[unsent.KEPT]
    assert (late.come_back(ADD), late.client.head(INVITE).status_code) == ({}, 200)
    late.client.post(INVITE, late.brought)
    # Nothing was written, which a form kept meanwhile could be lost by.
    assert late.client.session[unsent.KEPT] == kept
    page = late.client.get(INVITE)
    assert page.context["fields"][1:] == [("extra", "a"), ("extra", "b")]
    assert late.come_back(INVITE) == {}
    assert unsent.KEPT not in late.client.session


def test_what_was_typed_in_two_tabs_comes_back_in_both(visit: Visit) -> None:
    visit.send(INVITE, name="first")
    page = visit.prove(visit.send(ADD, name="second"))
    assert (fields(page), visit.come_back(INVITE)) == ({"name": "second"}, {"name": "first"})
    assert (visit.come_back(ADD), visit.come_back(INVITE)) == ({}, {})
    assert unsent.KEPT not in visit.client.session


def test_the_newest_three_forms_wait_one_for_each_address(late: Visit) -> None:
    pages = [f"{INVITE}?tab={number}" for number in range(4)]
    for page, name in [*zip(pages, "0123", strict=True), (pages[2], "anew")]:
        asked = late.send(page, name=name)
    late.client.post(asked, {"password": PASSWORD})
    back = [late.come_back(page).get("name") for page in pages]
    assert back == [None, "1", "anew", "3"]


@pytest.fixture
def southern(ada: User, northbank: Partner, southpay: Partner) -> Partner:
    """Where Ada is Admin; of Northbank's she only looks at."""
    factories.join(ada, southpay, 40)
    ada.memberships.filter(partner=northbank).update(role=factories.role(10))
    return southpay


def test_what_was_typed_comes_back_for_the_partner_that_it_was_typed_for(
    late: Visit, northbank: Partner, southern: Partner
) -> None:
    typed = {"email": "nia@new.example", "role": factories.role(10).pk}
    asked = late.send(INVITE, **typed, opened_for=southern.pk)
    late.client.post("/accounts/partner/", {"partner": northbank.key, "next": "/"})
    page = late.prove(asked)
    assert fields(page)["email"] == "nia@new.example"
    assert page.context["address"] == INVITE
    # Until it is sent nothing else is for that partner.
    assert late.client.get(INVITE).status_code == 403
    press(late.client, page)
    assert Invitation.objects.get().partner == southern


def test_what_was_typed_for_two_partners_comes_back_for_each(
    late: Visit, ada: User, northbank: Partner, southern: Partner
) -> None:
    ada.memberships.update(role=factories.role(40))
    both = (northbank, southern)
    asked = {it: late.send(INVITE, email=f"{it.key}@x.example", opened_for=it.pk) for it in both}
    for partner, page in asked.items():
        assert fields(late.prove(page)) == {"email": f"{partner.key}@x.example"}
    assert unsent.KEPT not in late.client.session


def test_what_was_typed_does_not_come_back_where_one_works_no_more(
    visit: Visit, ada: User, southern: Partner
) -> None:
    asked = visit.send(INVITE, email="x@y.example", opened_for=southern.pk)
    ada.memberships.filter(partner=southern).update(is_active=False)
    assert visit.prove(asked).status_code == 404
    assert visit.client.get("/?opened_for=x").status_code == 404


def test_what_was_typed_does_not_come_back_to_whoever_works_nowhere(
    visit: Visit, ada: User
) -> None:
    asked = visit.send(INVITE, email="x@y.example")
    ada.memberships.update(is_active=False)
    page = visit.prove(asked)
    assert (page.status_code, "x@y.example" in text(page)) == (403, False)


def test_a_session_that_begins_goes_on_with_the_partner_of_what_was_typed(
    over: Visit, ada: User, southpay: Partner, receive: Callable[..., Verification]
) -> None:
    """Whose reference may tell of another applicant at the partner that one begins with."""
    own, theirs = receive("01"), receive("01", partner=southpay)
    assert own.scan_ref == theirs.scan_ref
    factories.join(ada, southpay, 40)
    note = {"note": WORDS, "request_key": uuid.uuid4(), "opened_for": southpay.pk}
    page = over.prove(over.send(f"/verifications/{own.scan_ref}/notes/", **note))
    assert fields(page)["note"] == WORDS
    assert f'name="opened_for" value="{southpay.pk}"' in text(over.client.get("/"))
    press(over.client, page)
    assert Note.objects.get().verification == theirs


def test_what_was_typed_is_forgotten_after_a_quarter_of_an_hour(visit: Visit) -> None:
    asked = visit.send(INVITE, email="nia@new.example")
    with time_machine.travel(timezone.now() + timedelta(seconds=901), tick=False):
        assert "nia@new.example" not in text(visit.prove(asked))
        assert unsent.KEPT not in visit.client.session


def test_what_was_typed_lies_sealed_in_the_session(visit: Visit, settings: LazySettings) -> None:
    asked = visit.send(f"{INVITE}?from=canary-path", email="canary@new.example")
    (row,) = Session.objects.all()
    told = str(row.get_decoded())
    assert unsent.KEPT in told
    assert "canary" not in told
    settings.DATA_KEY = base64.b64encode(b"k" * 32).decode()
    assert "canary@" not in text(visit.prove(asked))
    assert unsent.KEPT not in visit.client.session


def test_whoever_else_signs_in_finds_nothing(over: Visit, amos: User) -> None:
    page = over.prove(over.send(INVITE, email="nia@new.example"), amos)
    assert page.status_code == 200
    assert "nia@new.example" not in text(page)
    # Nor does its person, once somebody else was there.
    assert unsent.KEPT not in over.client.session


def test_what_was_typed_ends_with_the_session(late: Visit, ada: User) -> None:
    late.send(INVITE, email="nia@new.example")
    late.client.post("/accounts/logout/")
    factories.sign_in(late.client, ada)
    assert late.come_back(INVITE) == {}


@pytest.mark.parametrize("forged", ["", "1", "1:aaaaaa:bbbbbbbbbbbb"])
def test_nothing_is_kept_for_somebody_that_a_form_only_names(
    over: Visit, ada: User, forged: str
) -> None:
    asked = over.send(INVITE, email="x@y.example", _opened_by=forged.replace("1", str(ada.pk), 1))
    assert "x@y.example" not in text(over.prove(asked))


def test_what_is_longer_than_two_texts_is_not_kept(over: Visit) -> None:
    asked = over.send(INVITE, email="x" * unsent.MOST_BYTES)
    assert "What you typed comes back" not in text(over.client.get(asked))
    assert unsent.KEPT not in over.client.session


def test_no_password_is_ever_kept(over: Visit) -> None:
    asked = over.send("/accounts/password/change/", oldpassword=PASSWORD)
    assert "What you typed comes back" not in text(over.client.get(asked))
    assert unsent.KEPT not in over.client.session


def test_a_script_is_refused_and_sends_the_form_as_without_it(over: Visit) -> None:
    script = {sessions.SCRIPT: "dialog"}
    assert over.client.post(INVITE, over.brought, headers=script).status_code == 401
    assert not Session.objects.exists()


def denial(it: Verification) -> tuple[str, dict[str, Any]]:
    """Where it is posted, and what."""
    seen = {"seen_revision": it.revision, "request_key": uuid.uuid4()}
    words = {"reasons": ["UNDER_AGE"], "internal_note": WORDS}
    return f"/verifications/{it.scan_ref}/deny/", seen | words


def test_a_decision_sent_after_the_session_waits_for_a_press_of_its_person(
    over: Visit, approved: Verification
) -> None:
    address, sent = denial(approved)
    asked = over.send(address, **sent)
    assert "You were signed out. Nothing was done." in text(over.client.get(asked))
    page = text(over.prove(asked))
    assert WORDS in page
    assert re.search(r'value="UNDER_AGE"[^>]* checked', page)
    assert not Decision.objects.exists()
    assert over.client.post(address, sent).url == f"/verifications/{approved.scan_ref}/"
    assert Decision.objects.exists()


@pytest.mark.parametrize("minutes", [31, 500])
def test_a_session_that_was_idle_or_old_loses_no_words(
    late: Visit, approved: Verification, minutes: int
) -> None:
    address, sent = denial(approved)
    late.client.get(address)
    late.is_over = True
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        # Older than any session can be, it is nobody's any more.
        assert (WORDS in text(late.prove(late.send(address, **sent)))) == (minutes < 480)
    assert not Decision.objects.exists()


def test_what_somebody_decided_meanwhile_is_a_conflict_with_the_words(
    over: Visit, as_user: SignIn, amos: User, approved: Verification
) -> None:
    address, sent = denial(approved)
    asked = over.send(address, **sent)
    as_user(amos).post(address, sent | {"request_key": uuid.uuid4()})
    page = over.prove(asked)
    assert page.status_code == 409
    assert "<bdi>Amos Reed</bdi> was here while you were writing" in text(page)
    assert WORDS in text(page)
