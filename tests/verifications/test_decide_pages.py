"""Approve, Deny and Undo through HTTP: the buttons' pages, and every answer in its order."""

import html
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts import sessions, unsent
from accounts.models import AuditEntry, Kind, Partner, Session, User
from tests import factories
from verifications import decisions, holds
from verifications.callbacks import intake
from verifications.models import Decision, HoldReason, RejectionReason, Verification

SignIn = Callable[[User], Client]


def url(it: Verification, action: str) -> str:
    return reverse(f"verification_{action}", args=[it.scan_ref])


def form(it: Verification, *reasons: str, **more: Any) -> dict[str, Any]:
    return {
        "seen_revision": it.revision,
        "request_key": uuid.uuid4(),
        "reasons": list(reasons),
        "message_to_applicant": "",
        "internal_note": "",
    } | more


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


# Who, at which verification, and the rule that refuses to approve and to deny ("": allowed).
CASES = [
    ("ada", "approved", "status_permits", ""),
    ("ada", "denied", "", "status_permits"),
    ("ada", "suspected", "", ""),
    ("ada", "reviewing", "status_permits", "status_permits"),
    ("ada", "expired", "status_permits", "status_permits"),
    ("mo", "approved", "role_is_admin", "role_is_admin"),
    ("mia", "suspected", "role_is_admin", "role_is_admin"),
    ("vera", "denied", "role_is_admin", "role_is_admin"),
]


@pytest.mark.parametrize(("who", "which", "approve", "deny"), CASES)
@pytest.mark.parametrize("action", ["approve", "deny"])
def test_allowed_is_a_button_and_refused_is_a_sentence(
    request: pytest.FixtureRequest,
    as_user: SignIn,
    who: str,
    which: str,
    approve: str,
    deny: str,
    action: str,
) -> None:
    it: Verification = request.getfixturevalue(which)
    client = as_user(request.getfixturevalue(who))
    rule = {"approve": approve, "deny": deny}[action]
    details = text(client.get(reverse("verification_detail", args=[it.scan_ref])))
    assert (f'href="{url(it, action)}"' in details) == (rule == "")
    response = client.post(url(it, action), form(it, "UNDER_AGE"))
    assert response.status_code == (302 if not rule else 403)
    if rule:
        assert rule in text(response)
        assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("changes", "action", "rule"),
    [
        ({"may_approve": False}, "approve", "partner_may_approve"),
        ({"may_deny": False}, "deny", "partner_may_deny"),
        ({"pricing_model": "CHARGE_PER_APPROVED"}, "deny", "pricing_permits_denial"),
    ],
)
def test_what_support_switched_off_is_refused_with_its_sentence(
    as_user: SignIn,
    ada: User,
    northbank: Partner,
    suspected: Verification,
    changes: dict[str, Any],
    action: str,
    rule: str,
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(**changes)
    client = as_user(ada)
    details = text(client.get(reverse("verification_detail", args=[suspected.scan_ref])))
    assert f'href="{url(suspected, action)}"' not in details
    assert rule in details
    response = client.post(url(suspected, action), form(suspected, "UNDER_AGE"))
    assert response.status_code == 403
    assert rule in text(response)


def test_a_refused_attempt_is_in_the_audit_log(
    as_user: SignIn, vera: User, denied: Verification
) -> None:
    as_user(vera).post(url(denied, "approve"), form(denied))
    entry = AuditEntry.objects.get(kind=Kind.REFUSED)
    assert entry.actor == vera.pk
    assert "role_is_admin" in entry.body


@pytest.mark.parametrize("action", ["approve", "deny", "undo"])
def test_another_partners_verification_is_not_there(
    as_user: SignIn, otto: User, suspected: Verification, action: str
) -> None:
    client = as_user(otto)
    there = client.post(url(suspected, action), form(suspected, "UNDER_AGE"))
    nowhere = client.post(reverse(f"verification_{action}", args=["never-existed"]))
    assert there.status_code == nowhere.status_code == 404
    assert there.content == nowhere.content


def test_deny_without_a_reason_comes_back_with_all_that_was_typed(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    typed = form(approved, message_to_applicant="Try again", internal_note="Spoke to her")
    response = as_user(ada).post(url(approved, "deny"), typed)
    assert response.status_code == 422
    assert "Choose at least one reason." in text(response)
    assert "Try again" in text(response)
    assert "Spoke to her" in text(response)
    assert str(typed["request_key"]) in text(response)


def test_what_is_wrong_is_said_with_the_field_that_it_is_wrong_in(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    typed = form(approved, message_to_applicant="nul\0byte", internal_note="x" * 4001)
    page = text(as_user(ada).post(url(approved, "deny"), typed))
    assert '<a href="#reasons">Reasons</a>: Choose at least one reason.' in page
    assert '<a href="#message">Message to the applicant</a>: Remove the hidden character' in page
    assert '<a href="#internal">Internal note</a>: Use 4000 characters or fewer' in page


def test_other_needs_an_internal_note(as_user: SignIn, ada: User, approved: Verification) -> None:
    response = as_user(ada).post(url(approved, "deny"), form(approved, "OTHER"))
    assert response.status_code == 422
    assert "needs an internal note" in text(response)
    noted = form(approved, "OTHER", internal_note="Called in person")
    assert as_user(ada).post(url(approved, "deny"), noted).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reasons", ["NO_SUCH_REASON"]),
        ("reasons", ["under_age"]),
        ("message_to_applicant", "x" * 4001),
        ("internal_note", "before\u202eafter"),
        ("internal_note", "nul\0byte"),
        ("internal_note", "\x1b[31m"),
        ("seen_revision", ""),
        ("seen_revision", "-1"),
        ("seen_revision", "１"),
        ("seen_revision", "1" * 40),
        ("request_key", ""),
        ("request_key", "not-a-key"),
        ("preview_digest", "zz"),
    ],
)
def test_what_cannot_be_read_comes_back(
    as_user: SignIn, ada: User, approved: Verification, field: str, value: Any
) -> None:
    response = as_user(ada).post(
        url(approved, "deny"), form(approved, "UNDER_AGE", **{field: value})
    )
    assert response.status_code == 422
    assert not Decision.objects.exists()


def test_a_retired_reason_is_not_offered_and_not_taken(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    RejectionReason.objects.filter(code="UNDER_AGE").update(is_active=False)
    client = as_user(ada)
    assert 'value="UNDER_AGE"' not in text(client.get(url(approved, "deny")))
    assert client.post(url(approved, "deny"), form(approved, "UNDER_AGE")).status_code == 422


def test_a_partner_sees_its_own_reasons_and_nobody_elses(
    as_user: SignIn, ada: User, northbank: Partner, southpay: Partner, approved: Verification
) -> None:
    for partner, code in ((northbank, "OURS"), (southpay, "THEIRS")):
        RejectionReason.objects.create(code=code, label=code, group="policy", partner=partner)
    page = text(as_user(ada).get(url(approved, "deny")))
    assert 'value="OURS"' in page
    assert 'value="THEIRS"' not in page


def test_the_second_of_two_admins_is_told_and_loses_nothing(
    as_user: SignIn, ada: User, amos: User, northbank: Partner, approved: Verification
) -> None:
    factories.endpoint(northbank)
    theirs = form(approved, "UNDER_AGE", internal_note="Born in 2011")
    as_user(ada).post(url(approved, "deny"), theirs)
    late = form(approved, "DOC_FAKE", internal_note="My own words")
    response = as_user(amos).post(url(approved, "deny"), late)
    assert response.status_code == 409
    assert "Ada Lind" in text(response)
    assert "My own words" in text(response)
    assert "Born in 2011" in text(response)
    assert re.search(r"Goes out \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC", text(response))
    assert "Reasons: The document looks forged or altered" in text(response)
    assert Decision.objects.count() == 1


def test_a_conflict_names_who_moved_it_and_not_who_came_after(
    as_user: SignIn, ada: User, amos: User, approved: Verification
) -> None:
    """A hold, a note or a message sent again is no decision."""
    as_user(ada).post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    approved.refresh_from_db()
    holds.place(factories.membership(amos), approved, HoldReason.DISPUTE, "")
    late = form(approved, "DOC_FAKE", seen_revision=approved.revision - 1)
    response = as_user(amos).post(url(approved, "deny"), late)
    assert response.status_code == 409
    assert "Ada Lind" in text(response)
    assert "Denied" in text(response)


def test_from_a_conflict_the_page_opens_afresh_with_the_words(
    as_user: SignIn, ada: User, suspected: Verification
) -> None:
    typed = form(suspected, "DOC_FAKE", internal_note="My words", seen_revision=0, afresh="1")
    response = as_user(ada).post(url(suspected, "deny"), typed)
    assert response.status_code == 200
    page = text(response)
    assert "My words" in page
    assert 'value="DOC_FAKE" checked' in page
    assert f'name="seen_revision" value="{suspected.revision}"' in page
    assert str(typed["request_key"]) not in page


def test_the_same_form_twice_leads_to_the_same_place(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client, typed = as_user(ada), form(approved, "UNDER_AGE")
    answers = [client.post(url(approved, "deny"), typed) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert Decision.objects.count() == 1


def test_the_preview_shows_the_message_and_hides_the_note(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    typed = form(
        approved, "UNDER_AGE", message_to_applicant="Dear you", internal_note="Secret", preview="1"
    )
    response = as_user(ada).post(url(approved, "deny"), typed)
    assert response.status_code == 200
    shown = text(response).split('id="preview"')[1]
    assert '"messageToApplicant": "Dear you"' in shown
    assert "UNDER_AGE" in shown
    assert "Secret" not in shown
    assert not Decision.objects.exists()


def looks(user: User) -> list[bool]:
    """Of each look in the log, oldest first: whether what is hidden was shown."""
    entries = AuditEntry.objects.filter(kind=Kind.VIEWED, actor=user.pk).order_by("pk")
    return [entry.facts["revealed"] for entry in entries]


def test_a_page_of_a_decision_is_a_look_and_hides_what_the_details_hide(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client = as_user(ada)
    page = text(client.get(url(approved, "deny")))
    assert looks(ada) == [False]
    assert "TEST00001" not in page
    assert '"docNumber": "Hidden"' in page
    # As it is typed: in the entry of the same look.
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE", preview="1"))
    assert looks(ada) == [False]
    shown = text(
        client.post(url(approved, "deny"), form(approved, "UNDER_AGE", preview="revealed"))
    )
    assert looks(ada) == [False, True]
    assert '"docNumber": "TEST00001"' in shown


def test_after_the_details_a_decision_is_no_second_look(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client = as_user(ada)
    client.get(reverse("verification_detail", args=[approved.scan_ref]))
    client.get(url(approved, "deny"))
    assert looks(ada) == [False]


def test_who_looks_at_too_much_sees_no_page_of_a_decision_either(
    as_user: SignIn, ada: User, approved: Verification, denied: Verification, settings: Any
) -> None:
    settings.LOOKS_PER_HOUR = 1
    client = as_user(ada)
    assert client.get(url(approved, "deny")).status_code == 200
    assert client.get(url(denied, "approve")).status_code == 429


def test_only_without_script_is_preview_to_be_pressed(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    factories.endpoint(approved.partner)
    page = as_user(ada).get(url(approved, "deny")).content.decode()
    assert '<span class="without-script">; press Preview' in page


def test_what_was_previewed_is_what_is_sent(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client, typed = as_user(ada), form(approved, "UNDER_AGE", message_to_applicant="Dear you")
    page = text(client.post(url(approved, "deny"), typed | {"preview": "1"}))
    digest = page.split('name="preview_digest" value="')[1][:64]
    changed = typed | {"preview_digest": digest, "message_to_applicant": "Other"}
    back = client.post(url(approved, "deny"), changed)
    assert back.status_code == 422
    assert "has changed since you looked" in text(back)
    assert not Decision.objects.exists()
    assert client.post(url(approved, "deny"), typed | {"preview_digest": digest}).status_code == 302


def test_what_was_taken_back_is_not_said_to_be_decided(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    """The same form once more, from the browser's history."""
    client, typed = as_user(ada), form(approved, "UNDER_AGE")
    client.post(url(approved, "deny"), typed)
    made = Decision.objects.get()
    posted = {"decision": made.pk, "request_key": uuid.uuid4()}
    assert client.post(url(approved, "undo"), posted).status_code == 302
    again = client.post(url(approved, "deny"), typed)
    assert again.status_code == 409
    assert "Decision taken back" in text(again)
    approved.refresh_from_db()
    assert approved.status == "APPROVED"


@pytest.mark.parametrize("is_member", [True, False])
def test_a_form_acts_for_the_partner_that_it_was_opened_for(
    as_user: SignIn, ada: User, northbank: Partner, southpay: Partner, is_member: bool
) -> None:
    """Both have a verification by the same reference, and another page has switched meanwhile."""
    factories.join(ada, southpay, 40)
    for partner in (northbank, southpay):
        intake.receive(partner, *factories.sample("03", scanRef="same"))
    ours, theirs = (Verification.objects.get(partner=it) for it in (northbank, southpay))
    client = as_user(ada)
    client.post(reverse("switch_partner"), {"partner": southpay.key, "next": "/"})
    page = text(client.get(url(theirs, "approve")))
    assert f'name="opened_for" value="{southpay.pk}"' in page
    client.post(reverse("switch_partner"), {"partner": northbank.key, "next": "/"})
    if not is_member:
        ada.memberships.filter(partner=southpay).update(is_active=False)
    answer = client.post(url(theirs, "approve"), form(theirs, opened_for=southpay.pk))
    assert answer.status_code == (302 if is_member else 404)
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.status, theirs.status) == ("DENIED", "APPROVED" if is_member else "DENIED")


def test_a_session_that_cannot_be_saved_hides_no_decision(
    as_user: SignIn, ada: User, approved: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is saved last, when the decision is made: another page may have ended it by then."""
    client, decide = as_user(ada), decisions.decide

    def decided(*args: Any) -> Decision:
        made = decide(*args)
        Session.objects.all().delete()
        return made

    monkeypatch.setattr(decisions, "decide", decided)
    monkeypatch.setattr(sessions, "STAMP_SECONDS", 0)
    assert client.post(url(approved, "deny"), form(approved, "UNDER_AGE")).status_code == 302
    assert Decision.objects.count() == 1


def test_undo_takes_a_decision_back(as_user: SignIn, ada: User, approved: Verification) -> None:
    client = as_user(ada)
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    made = Decision.objects.get()
    page = text(client.get(reverse("verification_detail", args=[approved.scan_ref])))
    assert f'action="{url(approved, "undo")}"' in page
    posted = {"decision": made.pk, "request_key": uuid.uuid4()}
    assert client.post(url(approved, "undo"), posted).status_code == 302
    approved.refresh_from_db()
    assert approved.status == "APPROVED"


def test_undo_after_the_session_leads_back_to_its_button(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client = as_user(ada)
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    mark = unsent.mark(ada)
    posted = {"decision": Decision.objects.get().pk, "request_key": uuid.uuid4()}
    client.cookies.pop("sid")
    asked = client.post(url(approved, "undo"), posted | {unsent.OPENED_BY: mark})
    assert asked.headers["Location"] == f"/accounts/login/?next={url(approved, 'undo')}"
    sign_in = {"login": ada.email, "password": factories.PASSWORD}
    page = client.post(asked.headers["Location"], sign_in, follow=True)
    assert page.status_code == 200
    assert "Nothing was taken back. While there is time, Undo stands below." in text(page)
    assert f'action="{url(approved, "undo")}"' in text(page)
    assert Decision.objects.count() == 1


def test_undo_too_late_says_the_way_back(
    as_user: SignIn, ada: User, northbank: Partner, approved: Verification
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(undo_seconds=0)
    client = as_user(ada)
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    posted = {"decision": Decision.objects.get().pk, "request_key": uuid.uuid4()}
    response = client.post(url(approved, "undo"), posted)
    assert response.status_code == 409
    assert "The way back is Approve." in text(response)


@pytest.mark.parametrize(("who", "named"), [("ada", "You"), ("amos", "Amos Reed")])
def test_what_was_taken_back_already_is_said_to_be(
    request: pytest.FixtureRequest,
    as_user: SignIn,
    ada: User,
    amos: User,
    approved: Verification,
    who: str,
    named: str,
) -> None:
    """Undo on a page that was drawn before: to follow "The way back is Deny" would remake it."""
    client = as_user(ada)
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    made = Decision.objects.get().pk
    first = as_user(request.getfixturevalue(who))
    first.post(url(approved, "undo"), {"decision": made, "request_key": uuid.uuid4()})
    second = {"decision": made, "request_key": uuid.uuid4()}
    page = text(client.post(url(approved, "undo"), second, follow=True))
    assert f"{named} took this decision back already, " in page
    assert "Nothing was sent." in page
    assert "The way back" not in page
    assert Decision.objects.count() == 2


def test_undo_of_rubbish_changes_nothing(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client = as_user(ada)
    client.post(url(approved, "deny"), form(approved, "UNDER_AGE"))
    response = client.post(url(approved, "undo"), {"decision": "x", "request_key": "y"})
    assert response.status_code == 422
    approved.refresh_from_db()
    assert approved.status == "DENIED"
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_refused(
    as_user: SignIn, ada: User, approved: Verification, method: str
) -> None:
    assert getattr(as_user(ada), method)(url(approved, "deny")).status_code == 405


def test_a_decision_needs_a_csrf_token(ada: User, approved: Verification) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    response = client.post(url(approved, "deny"), form(approved, internal_note="My words"))
    assert response.status_code == 403
    assert "My words" in text(response)


def test_a_link_of_my_other_partner_works_there(
    as_user: SignIn, ada: User, southpay: Partner, receive: Callable[..., Verification]
) -> None:
    elsewhere = receive("03", partner=southpay)
    factories.join(ada, southpay, 40)
    client = as_user(ada)
    assert client.get(url(elsewhere, "approve")).status_code == 200
    assert "Southpay" in text(client.get(reverse("home")))
