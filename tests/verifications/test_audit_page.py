"""The audit log as Admins read it."""

import csv
import io
import re
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit, partners, team
from accounts.models import OF_NO_PARTNER, AuditEntry, Kind, Partner, Role, User
from tests import factories
from tests.hostile import PAYLOADS
from tests.verifications.test_decisions import decide
from verifications import audit_log, chores, spreadsheet
from verifications.models import Chore, Verification
from verifications.statuses import Action
from verifications.webhooks import endpoints

SignIn = Callable[[User], Client]


def text(client: Client, query: str = "") -> str:
    return client.get(f"/audit/{query}").content.decode()


def test_admins_read_what_happened_at_their_partner(
    ada: User, approved: Verification, as_user: SignIn
) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    page = text(as_user(ada))
    assert "Denied" in page
    assert "Ada Lind" in page
    assert "UNDER_AGE" in page


@pytest.mark.parametrize(("who", "status"), [("mo", 403), ("vera", 403), ("ada", 200)])
def test_only_admins_read_it(
    request: pytest.FixtureRequest, as_user: SignIn, who: str, status: int
) -> None:
    client = as_user(request.getfixturevalue(who))
    assert client.get("/audit/").status_code == status
    assert client.get("/audit/export/").status_code == status


def test_nothing_of_other_partners_is_in_it(
    ada: User, southpay: Partner, receive: Callable, as_user: SignIn
) -> None:
    it = receive("03", partner=southpay)
    assert it.scan_ref[:8] not in text(as_user(ada))


def test_filters_narrow_it(ada: User, amos: User, approved: Verification, as_user: SignIn) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    client = as_user(ada)
    assert "UNDER_AGE" in text(client, f"?kind=verification.denied&who={ada.pk}")
    assert "UNDER_AGE" not in text(client, f"?who={amos.pk}")
    assert "UNDER_AGE" in text(client, f"?scan_ref={approved.scan_ref}")
    assert "UNDER_AGE" not in text(client, "?scan_ref=other")
    assert "UNDER_AGE" not in text(client, "?to=2020-01-01")


@pytest.mark.parametrize(
    "query",
    [
        "kind=x",
        "who=99999",
        "scan_ref=%25",
        "from=2024-02-30",
        "from=2025-01-02&to=2025-01-01",
        "after=x",
        "before=1-2-3",
        "kind=&kind=",
        "to=0001-01-01",
    ],
)
def test_what_cannot_be_understood_is_refused(ada: User, as_user: SignIn, query: str) -> None:
    client = as_user(ada)
    assert client.get(f"/audit/?{query}").status_code == 400
    assert client.get(f"/audit/export/?{query}").status_code == 400


def test_pages_go_both_ways(ada: User, northbank: Partner, as_user: SignIn) -> None:
    for number in range(120):
        audit.record(
            Kind.NOTED,
            actor=ada,
            partner=northbank,
            subject=f"verification:n{number:03}",
            stream="v/1",
        )
    client = as_user(ada)
    first = client.get("/audit/").context["page"]
    second = client.get(f"/audit/?after={first.older}").context["page"]
    back = client.get(f"/audit/?before={second.newer}").context["page"]
    assert [line.scan_ref for line in first.lines][:2] == ["n119", "n118"]
    assert second.lines[0].scan_ref == "n069"
    assert back.lines == first.lines


def test_an_export_is_itself_in_the_log(ada: User, approved: Verification, as_user: SignIn) -> None:
    answer = as_user(ada).get("/audit/export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert approved.scan_ref in b"".join(answer.streaming_content).decode()
    assert AuditEntry.objects.filter(kind=Kind.LOG_EXPORTED, actor=ada.pk).exists()


def exported(user: User, as_user: SignIn, query: str = "") -> list[list[str]]:
    answer = as_user(user).get(f"/audit/export/{query}")
    sent = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    return [*csv.reader(io.StringIO(sent.decode("utf-8-sig"), None))]


def test_an_export_says_where_it_ends(
    ada: User, approved: Verification, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *lines, last = exported(ada, as_user)
    assert header == list(audit_log.COLUMNS)
    assert last[0] == f"End of the export: all that fit. Entries: {len(lines)}"
    monkeypatch.setattr(audit_log, "EXPORT_MOST", 2)
    _, *lines, last = exported(ada, as_user)
    assert len(lines) == 2
    assert last[0].startswith("Stopped after 2 entries: more fit, from ")


SIGNS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"]


@pytest.mark.parametrize("sign", SIGNS)
def test_no_cell_is_a_formula(sign: str) -> None:
    assert spreadsheet.plain(f"{sign}1") == f"'{sign}1"
    assert spreadsheet.plain(f"a{sign}1") == f"a{sign}1" or sign in "\t\r\n"


@pytest.mark.parametrize("cell", ["2026-11-26", "a-b; c: d, e+f", "ada@north.example", "", "x\ty"])
def test_a_cell_that_is_none_stays_as_it_is(cell: str) -> None:
    assert spreadsheet.plain(cell) == cell


def formulas(text: str) -> list[str]:
    """Cells that a spreadsheet would calculate, whatever it separates cells by."""
    rows = [row for by in ",;\t|" for row in csv.reader(io.StringIO(text, None), delimiter=by)]
    return [
        cell for row in rows for cell in row if cell.lstrip(" ")[:1] in set("=+-@＝＋－＠\t\r\n")
    ]


def test_no_text_that_reaches_an_export_is_calculated(
    ada: User, northbank: Partner, as_user: SignIn
) -> None:
    payloads = [f"{sign}cmd|' /C calc'!A0" for sign in SIGNS if sign != "\0"]
    payloads += [it for it in PAYLOADS if "calc" in it or "=" in it]
    payloads += [f"x{by}=1+1" for by in ',;\t|"\r\n']
    payloads += ['";=1+1', '";"=1+1', " =1+1", ";  @SUM(1)"]
    for payload in payloads:
        someone = factories.person(f"Someone{len(payload)}", northbank, 10)
        User.objects.filter(pk=someone.pk).update(name=payload, email=f"{uuid.uuid4()}@x.example")
        facts = dict.fromkeys(("tag", "role", "why", "what", "name", "operator"), payload)
        audit.record(
            Kind.NOTED,
            actor=someone,
            partner=northbank,
            subject=f"verification:{payload}",
            stream="p/1",
            reasons=[payload, payload],
            user=someone.pk,
            **facts,
        )
    told = b"".join(as_user(ada).get("/audit/export/").streaming_content).decode()
    assert told.count("calc") > len(payloads)
    assert formulas(told) == []


def test_the_page_costs_the_same_for_few_and_many(
    ada: User, northbank: Partner, as_user: SignIn, django_assert_max_num_queries: Callable
) -> None:
    client = as_user(ada)
    client.get("/audit/")
    for _ in range(60):
        audit.record(Kind.NOTED, actor=ada, partner=northbank, subject="s:1", stream="v/1")
    with django_assert_max_num_queries(12):
        client.get("/audit/")


def test_the_worker_proves_the_log_and_the_page_says_so(
    ada: User, approved: Verification, as_user: SignIn
) -> None:
    assert "Not proven yet" in text(as_user(ada))
    chores.run_due()
    shown = text(as_user(ada))
    assert "Intact up to" in shown
    assert "proven next time" in shown


def test_a_partner_does_not_learn_how_much_others_do(
    ada: User, approved: Verification, southpay: Partner, as_user: SignIn
) -> None:
    def told() -> str:
        Chore.objects.update(due_at=timezone.now())
        chores.run_due()
        (notice,) = re.findall("<b>Intact up to.*", text(as_user(ada)))
        return re.sub(r"<time.*?</time>|[\d:]+ *UTC|number \d+|\d\d:\d\d", "", notice)

    before = told()
    for _ in range(60):
        audit.record(Kind.NOTED, actor=None, partner=southpay, subject="s:1", stream="s/1")
    assert told() == before


def test_a_chore_is_done_once_in_its_time(northbank: Partner) -> None:
    assert chores.run_due() == len(chores.CHORES)
    assert chores.run_due() == 0
    Chore.objects.update(due_at=timezone.now())
    assert chores.run_due() == len(chores.CHORES)


def test_a_colleague_is_told_of_by_name(ada: User, mo: User, as_user: SignIn) -> None:
    team.end_sessions(factories.membership(mo), actor=ada)
    page = as_user(ada).get("/audit/?kind=member.sessions_ended").content.decode()
    assert "<bdi>Mo Salim</bdi>" in page
    lines = b"".join(as_user(ada).get("/audit/export/").streaming_content).decode()
    assert "user: Mo Salim" in lines


def test_support_is_named_on_the_page_and_in_the_file(
    ada: User, sue: User, northbank: Partner, as_user: SignIn
) -> None:
    facts = {"may_deny": False}
    partners.change(northbank, facts, actor=sue, seen_revision=northbank.revision, reason="x" * 10)
    assert f"<bdi>{sue.name}</bdi>" in text(as_user(ada))
    assert any("Partner changed" in line and sue.name in line for line in exported(ada, as_user))


def test_one_asks_for_what_support_did_and_for_what_the_system_did(
    ada: User, sue: User, northbank: Partner, as_user: SignIn
) -> None:
    for actor, subject in (
        (ada, "verification:own"),
        (sue, "verification:sup"),
        (None, "verification:sys"),
    ):
        audit.record(Kind.NOTED, actor=actor, partner=northbank, subject=subject, stream="v/1")
    client = as_user(ada)

    def found(who: object) -> list[str]:
        query = f"?kind=verification.noted&who={who}"
        shown = [line.scan_ref for line in client.get(f"/audit/{query}").context["page"].lines]
        assert [row[3] for row in exported(ada, as_user, query)[1:-1]] == shown
        return shown

    assert found("support") == ["sup"]
    assert found("system") == ["sys"]
    assert found(ada.pk) == ["own"]


def test_what_no_partner_is_told_of_cannot_be_asked_for(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    page = client.get("/audit/")
    offered = {value for value, _ in page.context["form"].fields["kind"].choices}
    assert offered == {"", *Kind.values} - {it.value for it in OF_NO_PARTNER}
    assert "support can look that up" in page.content.decode()
    assert client.get("/audit/?kind=user.sign_in_failed").status_code == 400


def test_what_is_not_offered_is_never_written_at_a_partner(northbank: Partner) -> None:
    with pytest.raises(TypeError, match="could not ask for it"):
        audit.record(
            Kind.SIGN_IN_FAILED, actor=None, partner=northbank, subject="user:1", stream="u/1"
        )


def test_an_endpoint_a_role_and_a_reason_are_called_by_name(
    ada: User, sue: User, northbank: Partner, approved: Verification, as_user: SignIn
) -> None:
    wanted = endpoints.Wanted("Core bank", "https://hooks.north.example/x", ["IDENTIFICATION"], {})
    endpoints.add(northbank, wanted, ada, is_active=True)
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    role = Role.objects.get(name="Viewer")
    audit.record(
        Kind.MEMBERSHIP_CHANGED,
        actor=sue,
        partner=northbank,
        subject="membership:1",
        stream=f"p/{northbank.pk}",
        role_id=["", str(role.pk)],
    )
    page, file = text(as_user(ada)), str(exported(ada, as_user))
    for label, word in (
        ("endpoint", "Core bank"),
        ("reasons", "The applicant is too young (UNDER_AGE)"),
        ("role", "none → Viewer"),
    ):
        assert f'<span class="muted">{label}</span> <bdi>{word}</bdi>' in page
        assert f"{label}: {word}" in file


def test_anothers_endpoint_is_no_name_here(
    ada: User, northbank: Partner, southpay: Partner, as_user: SignIn
) -> None:
    wanted = endpoints.Wanted("Hidden", "https://hooks.south.example/x", ["IDENTIFICATION"], {})
    other = endpoints.add(southpay, wanted, ada, is_active=True)
    audit.record(
        Kind.ENDPOINT_CHANGED,
        actor=ada,
        partner=northbank,
        subject=other.audit_subject,
        stream="v/1",
    )
    assert "Hidden" not in text(as_user(ada))


def printed(client: Client, query: str = "") -> str:
    (part,) = re.findall(r'<div class="only-print small">(.*?)</div>', text(client, query), re.S)
    return " ".join(re.sub(r"<[^>]+>", "", part).split())


def test_a_print_says_what_was_asked_and_that_it_is_all(
    ada: User, approved: Verification, as_user: SignIn
) -> None:
    client = as_user(ada)
    assert printed(client).startswith("Northbank. Not filtered.")
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    query = (
        f"?kind=verification.denied&who={ada.pk}&scan_ref={approved.scan_ref}"
        "&from=2020-01-02&to=2100-12-31"
    )
    assert printed(client, query) == (
        f"Northbank. Only what Denied, who Ada Lind, scan ref {approved.scan_ref},"
        " from 2020-01-02, to 2100-12-31. Times and days are UTC. This is all of it: 1."
    )


def test_a_print_of_a_part_says_so(ada: User, northbank: Partner, as_user: SignIn) -> None:
    for _ in range(120):
        audit.record(Kind.NOTED, actor=ada, partner=northbank, subject="s:1", stream="v/1")
    client = as_user(ada)
    first = client.get("/audit/").context["page"]
    assert "This is a part: 50 of more. Older ones stand on pages after it." in printed(client)
    middle = printed(client, f"?after={first.older}")
    assert "Newer ones stand on pages before this one. Older ones" in middle


@pytest.mark.parametrize(
    ("address", "number"),
    [("/audit/", 1), ("/disposed/", 1), ("/webhooks/deliveries/", uuid.UUID(int=1))],
)
def test_a_print_of_the_last_page_is_not_all_where_nothing_is_on_it(
    ada: User, as_user: SignIn, address: str, number: object
) -> None:
    """To go on with a search may find nothing more, while the pages before hold what it found."""
    query = f"?after=1700000000000000-{number}"
    page = as_user(ada).get(f"{address}{query}").content.decode()
    assert "This is a part: 0 of more." in page


def test_an_export_says_in_the_log_what_it_was_asked(
    ada: User, approved: Verification, as_user: SignIn
) -> None:
    client = as_user(ada)
    client.get(f"/audit/export/?kind=verification.denied&who={ada.pk}&from=2020-01-02&scan_ref=ab")
    asked = AuditEntry.objects.get(kind=Kind.LOG_EXPORTED).facts["filters"]
    assert asked == ["from=2020-01-02", "kind=verification.denied", "scan_ref", f"who={ada.pk}"]
    assert "from 2020-01-02, what Denied, scan ref, who Ada Lind" in text(client)


def test_other_lists_say_on_paper_what_they_were_asked(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    for address, said in (
        ("/disposed/?who=system", "Only who The system."),
        ("/webhooks/deliveries/?state=given_up&q=ab12", "Only scan ref ab12, state Given up."),
    ):
        page = client.get(address).content.decode()
        (part,) = re.findall(r'<div class="only-print small">(.*?)</div>', page, re.S)
        assert said in " ".join(re.sub(r"<[^>]+>", "", part).split())
        assert "This is all of it: 0." in part
