"""The report of one verification: who gets it, what it says, and what stays in the house."""

import io
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from accounts import audit
from accounts.models import AuditEntry, Kind, Membership, Partner, Role, User
from tests import factories
from tests.verifications import ends
from tests.verifications.test_detail import decide, undo
from tests.verifications.test_vault import shut
from verifications import children, notes, tags
from verifications.models import RejectionReason, Verification
from verifications.report import press
from verifications.statuses import Action

TOO_LATE = 99
SignIn = Callable[[User], Client]
Receive = Callable[..., Verification]


def url(scan_ref: str) -> str:
    return reverse("verification_report", args=[scan_ref])


def pages(response: HttpResponse) -> list[str]:
    """What a reader sees on each page, in one line."""
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/pdf")
    read = PdfReader(io.BytesIO(response.content)).pages
    return [re.sub(r"\s+", " ", page.extract_text().replace("\u200b", "")) for page in read]


def words(response: HttpResponse) -> str:
    return " ".join(pages(response))


def taken() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=Kind.REPORT_TAKEN))


@pytest.mark.parametrize(
    ("who", "status"), [("ada", 200), ("mo", 200), ("mia", 200), ("vera", 403), ("otto", 404)]
)
def test_members_and_above_take_reports(
    who: str,
    status: int,
    approved: Verification,
    as_user: SignIn,
    request: pytest.FixtureRequest,
) -> None:
    client = as_user(request.getfixturevalue(who))
    assert client.get(url(approved.scan_ref)).status_code == status
    assert len(taken()) == (status == 200)


def test_the_role_that_counts_is_the_one_at_its_partner(
    approved: Verification, vera: User, southpay: Partner, as_user: SignIn
) -> None:
    Membership.objects.create(user=vera, partner=southpay, role=Role.objects.get(rank=40))
    client = as_user(vera)
    client.post(reverse("switch_partner"), {"partner": southpay.key})
    assert client.get("/team/").status_code == 200
    assert client.get(url(approved.scan_ref)).status_code == 403


def test_the_page_links_to_it_for_who_may_take_it(
    approved: Verification, mia: User, vera: User, as_user: SignIn
) -> None:
    address = reverse("verification_detail", args=[approved.scan_ref])
    link = f'href="{url(approved.scan_ref)}"'
    assert link in as_user(mia).get(address).content.decode()
    assert link not in as_user(vera).get(address).content.decode()


def test_anothers_and_a_disposed_one_are_like_one_that_never_was(
    approved: Verification, receive: Receive, ada: User, otto: User, as_user: SignIn
) -> None:
    gone = receive("04")
    ends.dispose(ada, gone)
    never = as_user(ada).get(url("never"))
    for client, ref in ((as_user(otto), approved.scan_ref), (as_user(ada), gone.scan_ref)):
        answer = client.get(url(ref))
        assert (answer.status_code, answer.content) == (404, never.content)
    assert not taken()


def test_it_is_a_file_that_nobody_keeps_on_the_way(
    approved: Verification, mia: User, as_user: SignIn
) -> None:
    headers = as_user(mia).get(url(approved.scan_ref)).headers
    name = f"verification-{approved.scan_ref}.pdf"
    assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in headers["Cache-Control"]


@pytest.fixture
def decided(receive: Receive, ada: User) -> Verification:
    """Denied with a reason, taken back, a tag removed, and approved."""
    it = receive("07")
    decide(ada, it, Action.DENY, message_to_applicant="Send it again.", internal_note="HOUSE-1")
    undo(ada, it)
    decide(ada, it, Action.APPROVE)
    notes.write(factories.membership(ada), it, text="HOUSE-2", request_key=uuid.uuid4())
    return it


def test_it_tells_what_machine_and_people_said_who_when_and_why(
    decided: Verification, mia: User, as_user: SignIn
) -> None:
    RejectionReason.objects.filter(code="UNDER_AGE").update(label="Reworded since")
    decided.refresh_from_db()
    said = words(as_user(mia).get(url(decided.scan_ref)))
    for told in (
        "TSVETOMIRA IZMISLENOVA ЦВЕТОМИРА ИЗМИСЛЕНОВА",
        f"Scan ref {decided.scan_ref} Client ID {decided.client_id} Revision {decided.revision}",
        "Check The machine found A person found Document Document valid",
        "Full name differs FULL_NAME",
        "Approved by Ada Lind",
        "Denied by Ada Lind Taken back Was Approved, suspected; decided as Admin.",
        "Reasons: The applicant is too young",
        "Message to the applicant: Send it again.",
        "Decision taken back by Ada Lind From Denied back to Approved, suspected.",
        "Automatic checks finished: Suspected",
        "Mia Kern (mia@northbank.example, Member) took it on",
    ):
        assert told in said


def test_what_is_written_for_the_house_stays_and_is_told_to_be_there(
    decided: Verification, ada: User, as_user: SignIn
) -> None:
    answer = as_user(ada).get(url(decided.scan_ref))
    said = words(answer)
    assert "HOUSE-" not in said
    assert b"HOUSE-" not in answer.content
    assert said.count("An internal note was written with it. It is not in this report.") == 1
    assert "Internal notes (1), those written with decisions too." in said
    assert "The pictures themselves are not in this report" in said


def test_a_removed_tag_is_told_with_who_removed_it(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    tag = suspected.tags.filter(kind="mismatch")[0]
    tags.remove(factories.membership(ada), suspected, tag.pk, seen_revision=1)
    assert "Removed by Ada Lind" in words(as_user(ada).get(url(suspected.scan_ref)))


def test_every_page_has_its_number_the_scan_ref_and_the_mark(
    receive: Receive, mia: User, as_user: SignIn, capsys: pytest.CaptureFixture[str]
) -> None:
    it = receive("10")
    answer = as_user(mia).get(url(it.scan_ref))
    (entry,) = taken()
    mark = PdfReader(io.BytesIO(answer.content)).metadata["/Keywords"]  # type: ignore[index]
    read = pages(answer)
    for number, page in enumerate(read, 1):
        assert f"Scan ref {it.scan_ref} Mark {mark}" in page
        assert f"Page {number} of {len(read)}" in page
    call_command("who_saw", mark=mark)
    moment = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    assert capsys.readouterr().out == f"{moment}  Mia Kern  {it.audit_subject}  report\n"
    call_command("who_saw", it.scan_ref)
    assert f"{moment}  Mia Kern  report\n1 looks.\n" in capsys.readouterr().out


def test_what_the_page_hides_is_hidden_even_after_a_reveal(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    it, client = receive("16"), as_user(ada)
    revealed = client.post(reverse("verification_reveal", args=[it.scan_ref])).content.decode()
    answer = client.get(url(it.scan_ref))
    said = words(answer)
    assert "TEST00016" in revealed
    assert "TEST00016" not in said
    assert "Document number Hidden" in said
    assert "Document number, personal code and address, wherever they stand" in said


def test_it_is_one_entry_of_its_own_in_the_log(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    as_user(mia).get(url(suspected.scan_ref))
    (entry,) = AuditEntry.objects.filter(subject=suspected.audit_subject, actor=mia.pk)
    assert (entry.kind, entry.partner) == (Kind.REPORT_TAKEN, suspected.partner_id)
    assert entry.facts == {"revision": suspected.revision}


def test_what_cannot_be_written_down_does_not_go_out(
    suspected: Verification, mia: User, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **facts: Any) -> None:
        raise OperationalError("the disk is full")

    client = as_user(mia)
    client.raise_request_exception = False
    monkeypatch.setattr(audit, "record", refuse)
    answer = client.get(url(suspected.scan_ref))
    assert answer.status_code >= 500
    assert not answer.content.startswith(b"%PDF")


def test_who_asks_only_for_its_head_takes_none(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    assert as_user(mia).head(url(suspected.scan_ref)).status_code == 405
    assert not taken()


def ends_with(code: int, asked: list[str]) -> Callable[..., Any]:
    def run(module: str, given: bytes, *, seconds: float) -> subprocess.CompletedProcess[bytes]:
        asked.append(module)
        if code == TOO_LATE:
            raise subprocess.TimeoutExpired(module, seconds)
        return subprocess.CompletedProcess(module, code, b"", b"")

    return run


@pytest.mark.parametrize(
    ("code", "tries", "status"),
    [
        (-signal.SIGKILL, 1, 503),
        (-signal.SIGTERM, 1, 503),
        (TOO_LATE, 1, 503),
        (1, 2, 500),
        (-signal.SIGXCPU, 2, 500),
        (-signal.SIGABRT, 2, 500),
    ],
)
def test_one_that_could_not_be_made_is_said_and_logged_to_be_so(
    code: int,
    tries: int,
    status: int,
    suspected: Verification,
    mia: User,
    as_user: SignIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []
    client = as_user(mia)
    client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(children, "run", ends_with(code, asked))
        answer = client.get(url(suspected.scan_ref))
    assert (answer.status_code, len(asked)) == (status, tries)
    said = answer.content.decode()
    assert ("You have not taken it. Try again" in said) == (status == 503)
    assert ("Something in it cannot be printed" in said) == (status == 500)
    assert (answer.headers.get("Retry-After") == "5") == (status == 503)
    (entry,) = taken()
    failed = AuditEntry.objects.get(kind=Kind.REPORT_FAILED)
    assert (failed.subject, failed.actor) == (suspected.audit_subject, mia.pk)
    assert failed.facts == {"entry": entry.pk}
    call_command("who_saw", suspected.scan_ref)
    assert "report" not in capsys.readouterr().out
    assert client.get(url(suspected.scan_ref)).status_code == 200


@pytest.mark.parametrize("waiting", [0, 1], ids=["waits in vain", "hears at once"])
def test_one_report_at_a_time_and_others_are_not_logged_as_taken(
    waiting: int,
    suspected: Verification,
    mia: User,
    as_user: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(press, "PATIENCE", 60 if waiting else 0.1)
    client = as_user(mia)
    with press.turn(), press.PLACES if waiting else nullcontext():
        answer = client.get(url(suspected.scan_ref))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert f'href="{url(suspected.scan_ref)}"' in answer.content.decode()
    assert not AuditEntry.objects.filter(subject=suspected.audit_subject, actor=mia.pk).exists()
    assert client.get(url(suspected.scan_ref)).status_code == 200


def test_what_takes_too_long_to_set_is_told_from_a_kill() -> None:
    spin = "import resource; from verifications.report import typesetter as t; t.SECONDS = 1"
    spin += "\nt.json.load = lambda _: [0 for _ in iter(int, 1)]\nt.main()"
    child = subprocess.run(  # noqa: S603
        [sys.executable, "-c", spin], cwd=children.HOME, check=False, timeout=60
    )
    assert child.returncode == -signal.SIGXCPU


def test_reports_and_looks_are_of_one_budget(
    receive: Receive, mia: User, as_user: SignIn, settings: Any
) -> None:
    settings.LOOKS_PER_HOUR = 2
    refs = [receive("01", scanRef=f"scan-{number}").scan_ref for number in range(3)]
    client = as_user(mia)
    looked = reverse("verification_detail", args=[refs[0]])
    asked = [looked, url(refs[0]), url(refs[1]), url(refs[2])]
    assert [client.get(one).status_code for one in asked] == [200, 200, 200, 429]
    assert client.get(reverse("verification_detail", args=[refs[2]])).status_code == 429
    assert len(taken()) == 2


def test_a_report_of_the_same_counts_again(
    suspected: Verification, mia: User, as_user: SignIn, settings: Any
) -> None:
    settings.LOOKS_PER_HOUR = 2
    client = as_user(mia)
    answers = [client.get(url(suspected.scan_ref)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "2 reports of verifications taken within an hour" in answers[2].content.decode()
    assert len(taken()) == 2


def test_data_that_does_not_open_is_said_to_be_so(
    decided: Verification, ada: User, as_user: SignIn
) -> None:
    shut(decided)
    said = words(as_user(ada).get(url(decided.scan_ref)))
    assert "The data of this verification cannot be opened." in said
    assert "What was written with it cannot be opened." in said
    assert "Approved by Ada Lind" in said
