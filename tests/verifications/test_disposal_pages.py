"""Disposing, holding and looking back, as people do it by the pages."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.accounts.test_admin_partners import address, form, mark
from tests.verifications import ends
from tests.verifications.test_decisions import decide
from tests.verifications.test_disposal import at
from verifications import disposal
from verifications.models import Disposal, Hold, Verification, WebhookDelivery
from verifications.statuses import Action

AsUser = Callable[[User], Client]
Receive = Callable[..., Verification]


def text(answer: HttpResponse) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(page.split())


def test_an_admin_disposes_and_finds_it_in_the_list_of_what_is_gone(
    as_user: AsUser, ada: User, suspected: Verification
) -> None:
    client = as_user(ada)
    assert at("dispose", suspected) in client.get(at("detail", suspected)).content.decode()
    page = client.get(at("dispose", suspected))
    assert "3 photos" in text(page)
    answer = ends.post(client, suspected)
    assert (answer.status_code, answer["Location"]) == (302, reverse("disposed_list"))
    told = text(client.get(answer["Location"]))
    assert "Disposed of: its data is erased." in told
    assert "Approved Suspected Automatic" in told
    assert "Ada Lind" in told


def test_without_the_tick_nothing_is_erased_and_the_form_comes_back(
    as_user: AsUser, ada: User, approved: Verification
) -> None:
    key = uuid.uuid4()
    answer = ends.post(as_user(ada), approved, agreed=None, request_key=key)
    assert answer.status_code == 422
    assert "Tick the box" in text(answer)
    assert str(key) in answer.content.decode()
    assert not Disposal.objects.exists()


@pytest.mark.parametrize("damaged", ["seen_revision", "request_key"])
def test_a_damaged_form_is_told_so(
    damaged: str, as_user: AsUser, ada: User, approved: Verification
) -> None:
    for value in (None, "", "x", "-1", "9" * 40):
        answer = ends.post(as_user(ada), approved, **{damaged: value})
        assert answer.status_code == 422
        assert "damaged" in text(answer)


def test_a_page_that_is_stale_says_what_happened_and_asks_again(
    as_user: AsUser, ada: User, amos: User, denied: Verification, northbank: Partner
) -> None:
    northbank.undo_seconds = 0
    northbank.save()
    seen = denied.revision
    decide(amos, denied, Action.APPROVE)
    answer = ends.post(as_user(ada), denied, seen_revision=seen)
    assert answer.status_code == 409
    assert "Approved by Amos Reed" in text(answer)
    assert f'name="seen_revision" value="{seen + 1}"' in answer.content.decode()
    assert not Disposal.objects.exists()


def test_a_double_click_disposes_once(as_user: AsUser, ada: User, approved: Verification) -> None:
    client, key = as_user(ada), uuid.uuid4()
    answers = [ends.post(client, approved, request_key=key) for _ in range(2)]
    assert {(it.status_code, it["Location"]) for it in answers} == {(302, "/disposed/")}
    assert Disposal.objects.count() == 1
    assert ends.post(client, approved).status_code == 404, "another request finds nothing"


def test_a_refusal_explains_itself(
    as_user: AsUser, northbank: Partner, ada: User, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    northbank.undo_seconds = 0
    northbank.save()
    decide(ada, suspected, Action.APPROVE)
    client = as_user(ada)
    assert "Northbank is still being told of it: wait until" in text(
        client.get(at("detail", suspected))
    )
    answer = ends.post(client, suspected, seen_revision=2)
    assert answer.status_code == 403
    assert f"dispose/partner_is_told/{suspected.scan_ref}/r2" in text(answer)
    assert AuditEntry.objects.filter(kind=Kind.REFUSED).count() == 1


def test_it_is_answered_like_what_never_existed(
    as_user: AsUser, northbank: Partner, ada: User, suspected: Verification
) -> None:
    tag = suspected.tags.first()
    assert tag
    ends.dispose(ada, suspected)
    client = as_user(ada)
    paths = [at(name, suspected) for name in ("detail", "approve", "deny", "dispose", "hold")]
    paths += [
        at("release", suspected),
        reverse("verification_photo", args=[suspected.scan_ref, "FRONT"]),
        reverse("verification_remove_tag", args=[suspected.scan_ref, tag.pk]),
    ]
    for path in paths:
        answer, never = client.get(path), client.get(path.replace(suspected.scan_ref, "never-was"))
        assert (answer.status_code, answer.content) == (404, never.content), path


def test_it_is_gone_from_lists_queue_figures_and_earlier_ones(
    as_user: AsUser, ada: User, receive: Receive
) -> None:
    gone, stays = receive("07"), receive("07", scanRef="stays-1")
    client = as_user(ada)
    places = ["/", "/verifications/", "/verifications/?status=DELETED", at("detail", stays)]
    places.append(f"/verifications/?q={gone.scan_ref}")
    assert any(gone.scan_ref in client.get(path).content.decode() for path in places)
    ends.dispose(ada, gone)
    for path in places:
        answer = client.get(path)
        found = answer.content.decode().replace(f'value="{gone.scan_ref}"', "")
        assert f"/{gone.scan_ref}/" not in found, path
    home = client.get("/").context["page"]
    assert (home.queue_count, home.figures.started) == (1, 1)


def test_its_deliveries_stay_in_the_history_without_bodies(
    as_user: AsUser, northbank: Partner, mo: User, ada: User, suspected: Verification
) -> None:
    factories.endpoint(northbank)
    decide(ada, suspected, Action.APPROVE)
    WebhookDelivery.objects.update(**factories.in_state("delivered"), attempts=1)
    Verification.objects.filter(pk=suspected.pk).update(decision=None, decided_by=None)
    ends.dispose(ada, suspected)
    client, row = as_user(mo), WebhookDelivery.objects.get()
    listed = client.get(reverse("delivery_list")).content.decode()
    assert f"/disposed/?scan_ref={suspected.scan_ref}" in listed
    page = client.get(reverse("delivery_detail", args=[row.pk]))
    assert "was erased" in text(page)
    assert "disposed of" in text(page)
    assert suspected.name not in text(page)
    assert (
        client.post(reverse("delivery_resend", args=[row.pk]), {"seen_tries": 1}).status_code == 409
    )


def test_the_audit_log_leads_to_the_list_of_what_is_gone(
    as_user: AsUser, ada: User, approved: Verification
) -> None:
    ends.dispose(ada, approved)
    page = as_user(ada).get(reverse("audit_log")).content.decode()
    assert f"/disposed/?scan_ref={approved.scan_ref}" in page
    assert at("detail", approved) not in page


def test_every_role_sees_what_was_disposed_of_and_no_other_partner_does(
    as_user: AsUser, vera: User, otto: User, ada: User, approved: Verification
) -> None:
    ends.dispose(ada, approved)
    assert approved.scan_ref in as_user(vera).get("/disposed/").content.decode()
    assert approved.scan_ref not in as_user(otto).get("/disposed/").content.decode()


# What is asked → which of the two are found: one of Ada's, one of the system's.
QUESTIONS = {
    "": {"ada-1", "system-1"},
    "kind=retention": {"system-1"},
    "kind=dashboard": {"ada-1"},
    "kind=partner_request": set(),
    "who={ada}": {"ada-1"},
    "scan_ref=ada-1": {"ada-1"},
    "scan_ref=ada": set(),
    "from=2100-01-01": set(),
    "from=2020-01-01&to=2100-01-01": {"ada-1", "system-1"},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_list_answers_what_is_asked(
    question: str, as_user: AsUser, ada: User, receive: Receive
) -> None:
    mine, old = receive("01", scanRef="ada-1"), receive("03", scanRef="system-1")
    ends.dispose(ada, mine)
    ends.long_ago(old)
    disposal.retire(10)
    answer = as_user(ada).get("/disposed/?" + question.format(ada=ada.pk))
    found = {line.disposal.verification.scan_ref for line in answer.context["page"].lines}
    assert (answer.status_code, found) == (200, QUESTIONS[question])


@pytest.mark.parametrize(
    "question",
    ["kind=x", "who=0", "who=x", "from=32", "from=2026-02-02&to=2026-01-01", "after=x"]
    + ["kind=&kind=", "scan_ref=a%20b", "before=1"],
)
def test_a_question_that_cannot_be_understood_is_refused(
    question: str, as_user: AsUser, ada: User, approved: Verification
) -> None:
    ends.dispose(ada, approved)
    answer = as_user(ada).get("/disposed/?" + question)
    assert answer.status_code == 400
    assert "could not be understood" in text(answer)
    assert not answer.context["page"].lines


def test_the_list_turns_its_pages(as_user: AsUser, vera: User, ada: User, receive: Receive) -> None:
    for number in range(51):
        ends.dispose(ada, receive("03", scanRef=f"gone-{number}"))
    client = as_user(vera)
    first = client.get("/disposed/").context["page"]
    assert (len(first.lines), first.newer) == (50, None)
    last = client.get(f"/disposed/?after={first.older}").context["page"]
    assert [line.disposal.verification.scan_ref for line in last.lines] == ["gone-0"]
    again = client.get(f"/disposed/?before={last.newer}").context["page"]
    assert [line.disposal.pk for line in again.lines] == [it.disposal.pk for it in first.lines]


def test_an_admin_holds_and_releases_and_all_see_it(
    as_user: AsUser, ada: User, vera: User, approved: Verification
) -> None:
    client = as_user(ada)
    typed = {"reason": "authority", "reference": "LG-2026/17"}
    answer = client.post(at("hold", approved), typed, follow=True)
    assert "On hold: nothing disposes of it." in text(answer)
    seen = text(as_user(vera).get(at("detail", approved)))
    assert "A court or an authority asked for it, LG-2026/17 ." in seen
    assert "Hold placed by Ada Lind" in seen
    assert client.get(at("dispose", approved)).status_code == 403
    client.post(at("hold", approved), typed)
    assert Hold.objects.count() == 1
    client.post(at("release", approved), {"reason": "closed"})
    assert "Hold released by Ada Lind" in text(client.get(at("detail", approved)))
    assert client.get(at("dispose", approved)).status_code == 200


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Choose why."),
        ({"reason": "because"}, "Why: choose one from the list."),
        ({"reason": "audit", "reference": "Alma Veske"}, "Case number: letters"),
        ({"reason": "audit", "reference": "Veske"}, "Case number: letters"),
        ({"reason": "audit", "reference": "7" * 41}, "Case number: letters"),
        ({"reason": "audit", "reference": "7\u202e"}, "Case number: letters"),
    ],
)
def test_why_it_is_held_can_hold_no_word_about_anyone(
    typed: dict[str, Any], sentence: str, as_user: AsUser, ada: User, approved: Verification
) -> None:
    answer = as_user(ada).post(at("hold", approved), typed)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not Hold.objects.exists()


def test_support_sees_how_much_a_shorter_period_would_end(
    as_user: AsUser, sue: User, northbank: Partner, approved: Verification, denied: Verification
) -> None:
    for it in (approved, denied):
        ends.long_ago(it, 400)
    client = as_user(sue)
    answer = client.post(address(northbank), form(northbank, retention_days=365))
    assert "With 365 days, 2 verifications would be disposed of" in text(answer)
    client.post(address(northbank), form(northbank, retention_days=365, previewed=mark(answer)))
    northbank.refresh_from_db()
    assert northbank.retention_days == 365
    for days in (29, 3661, "x"):
        answer = client.post(address(northbank), form(northbank, retention_days=days))
        assert answer.status_code == 422
