"""The list as a file: who may have it, what is in it, who will know, and where it ends."""

import csv
import io
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import proof, team
from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.hostile import PAYLOADS
from tests.verifications import rows
from tests.verifications.test_audit_page import formulas
from verifications import disposal, exports, question
from verifications.forms import Filters
from verifications.models import Verification
from verifications.statuses import Status

SignIn = Callable[[User], Client]
Export = Callable[..., list[dict[str, str]]]

PAGE, FILE = reverse("verification_export"), reverse("verification_export_file")
LIST = reverse("verification_list")
END = "End of the export: all that fit. Verifications: {}"


def told(answer: Any) -> str:
    assert isinstance(answer, StreamingHttpResponse), answer.status_code
    return b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, None)))


@pytest.fixture
def export(mo: User, as_user: SignIn) -> Export:
    """What Mo gets: export(status="DENIED")."""
    browser = as_user(mo)
    return lambda **query: lines(told(browser.get(f"{FILE}?{urlencode(query, doseq=True)}")))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Every answer takes several batches."""
    settings.EXPORTS_PER_DAY = 1000
    for name, rows_read in rows.SMALL.items():
        monkeypatch.setattr(question, name, rows_read)


def exported() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=Kind.LIST_EXPORTED))


# Who may


ROLES = [("vera", 403), ("mia", 403), ("mo", 200), ("ada", 200)]


@pytest.mark.parametrize("address", [PAGE, FILE])
@pytest.mark.parametrize(("who", "status"), ROLES)
def test_moderators_and_above_export(
    request: pytest.FixtureRequest, as_user: SignIn, who: str, status: int, address: str
) -> None:
    answer = as_user(request.getfixturevalue(who)).get(address)
    assert answer.status_code == status
    if status == 403:
        assert "This needs the role Moderator or above" in answer.content.decode()
        assert not exported()


@pytest.mark.parametrize(("who", "status"), ROLES)
def test_the_list_offers_what_one_may_have(
    request: pytest.FixtureRequest, as_user: SignIn, denied: Verification, who: str, status: int
) -> None:
    page = as_user(request.getfixturevalue(who)).get(f"{LIST}?status=DENIED&after=").content
    assert (f'href="{PAGE}?status=DENIED"'.encode() in page) == (status == 200)


@pytest.mark.parametrize("query", ["q=Nobody", "status=NONSENSE"])
def test_where_nothing_is_listed_nothing_is_offered(
    as_user: SignIn, mo: User, denied: Verification, query: str
) -> None:
    assert PAGE.encode() not in as_user(mo).get(f"{LIST}?{query}").content


# What is in it


def test_it_says_in_words_what_the_list_says_and_what_to_reconcile_by(
    export: Export, northbank: Partner
) -> None:
    it = rows.add(
        northbank,
        "Inés Duarte",
        client_id="client-9",
        external_ref="order-7",
        status=Status.DENIED,
        suspected=True,
        review_type="MANUAL",
        document_type="ID_CARD",
        document_country="LT",
        started_at=rows.NOON,
        finished_at=rows.NOON + timedelta(minutes=2),
    )
    for code, kind in (("SURNAME", "mismatch"), ("NAME", "mismatch"), ("NAME", "fraud")):
        rows.tag(it, code, kind)
    assert export()[0] == {
        "name": "Inés Duarte",
        "status": "Denied",
        "suspected": "yes",
        "client ID": "client-9",
        "scan ref": it.scan_ref,
        "external ref": "order-7",
        "document type": "Identity card",
        "issuing country": "LT",
        "tags": "NAME, SURNAME",
        "review": "Manual",
        "started": "2026-11-20T12:00:00+00:00",
        "finished": "2026-11-20T12:02:00+00:00",
    }


QUERIES: list[dict[str, Any]] = [
    {},
    {"order": "oldest"},
    {"status": ["DENIED", "EXPIRED"]},
    {"suspected": "yes"},
    {"final": "no"},
    {"tag": "NAME"},
    {"tag": "NAME", "status": "APPROVED", "order": "oldest"},
    {"country": "LT", "document_type": "PASSPORT"},
    {"from": "2026-11-19", "to": "2026-11-20"},
    {"q": "alma"},
    {"q": "shared", "status": "APPROVED"},
    {"q": "nobody at all"},
]


def listed(browser: Client, query: dict[str, Any]) -> Iterator[str]:
    """Scan refs, page by page."""
    further = urlencode(query, doseq=True)
    while True:
        page = browser.get(f"{LIST}?{further}").context["page"]
        yield from (row.scan_ref for row in page.rows)
        further = page.older or page.further
        if not further:
            return


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("query", QUERIES, ids=lambda it: urlencode(it, doseq=True) or "all")
def test_it_holds_the_rows_of_the_list_in_their_order(
    export: Export, as_user: SignIn, mo: User, northbank: Partner, southpay: Partner, query: dict
) -> None:
    for place in range(24):
        it = rows.add(
            southpay if place % 6 == 5 else northbank,
            ["Alma Veske", "Jonas Okoro"][place % 2],
            status=[Status.APPROVED, Status.DENIED, Status.EXPIRED][place % 3],
            suspected=place % 3 == 1,
            is_final=place % 4 > 0,
            document_type=["PASSPORT", "ID_CARD"][place % 2],
            document_country=["LT", "LV"][place % 4 // 2],
            external_ref=["shared", ""][place % 2],
            started_at=rows.NOON - timedelta(hours=8 * (place // 2)),
        )
        if place % 4 < 2:
            rows.tag(it, "NAME")
    expected = list(listed(as_user(mo), query))
    *found, last = export(**query)
    assert [line["scan ref"] for line in found] == expected
    assert last["name"] == END.format(len(expected))
    assert expected or query.get("q") == "nobody at all"


def test_where_one_stands_in_the_list_makes_no_difference(
    export: Export, northbank: Partner
) -> None:
    rows.many(northbank, 3)
    assert export(after="1000000000000000-1") == export()


def test_no_text_of_an_applicant_is_calculated(export: Export, northbank: Partner) -> None:
    payloads = [f"{sign}cmd|' /C calc'!A0" for sign in "=+-@\t\r\n＝＋－＠"]
    payloads += [it.replace("\0", "") for it in PAYLOADS if "calc" in it or "=" in it]
    payloads += [f"x{by}=1+1" for by in ',;\t|"\r\n']
    for text in payloads:
        fields = {"client_id": text[:100], "external_ref": text[:40], "document_type": text[:100]}
        rows.tag(rows.add(northbank, text[:255], **fields), text[:100])
    written = export()
    assert len(written) == len(payloads) + 1
    cells = [cell for line in written for cell in line.values()]
    assert sum("calc" in cell for cell in cells) > len(payloads)
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(line.values() for line in written)
    assert formulas(text.getvalue()) == []


# While it streams


@pytest.mark.usefixtures("small")
def test_what_happens_meanwhile_costs_and_repeats_nothing(
    as_user: SignIn, ada: User, northbank: Partner
) -> None:
    made = rows.many(northbank, 12)
    stream = iter(as_user(ada).get(FILE).streaming_content)
    begun = [next(stream) for _ in range(3)]
    rows.add(northbank, "Newer", started_at=rows.NOON + timedelta(days=1))
    older = rows.add(northbank, "Older", started_at=rows.NOON - timedelta(days=9))
    gone = made[-1]
    disposal.dispose(factories.membership(ada), gone, seen_revision=1, request_key=uuid.uuid4())
    Verification.objects.filter(pk=made[-2].pk).update(review_type="MANUAL")
    found = lines(b"".join([*begun, *stream]).decode("utf-8-sig"))
    expected = [*(it.scan_ref for it in made[:-1]), older.scan_ref]
    assert [line["scan ref"] for line in found[:-1]] == expected
    assert found[-3]["review"] == "Manual"
    assert found[-1]["name"] == END.format(12)


def test_what_is_disposed_of_between_two_statements_is_not_in_it(
    ada: User, approved: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batches(asked: question.Question) -> Iterator[list[Any]]:
        found = asked.page().rows
        disposal.dispose(
            factories.membership(ada), approved, seen_revision=1, request_key=uuid.uuid4()
        )
        yield found

    monkeypatch.setattr(question.Question, "batches", batches)
    found = list(exports.rows(factories.membership(ada), Filters()))
    assert found == [[END.format(0)]]


@pytest.mark.usefixtures("small")
def test_a_role_that_is_lost_meanwhile_ends_the_file(
    as_user: SignIn, mo: User, ada: User, northbank: Partner
) -> None:
    rows.many(northbank, 30)
    stream = iter(as_user(mo).get(FILE).streaming_content)
    begun = [next(stream) for _ in range(3)]
    team.deactivate(factories.membership(mo), actor=ada)
    *found, last = lines(b"".join([*begun, *stream]).decode("utf-8-sig"))
    assert len(found) < 30
    assert last["name"] == (
        f"Stopped after {len(found)} verifications: you may not export from here any more."
    )


@pytest.mark.parametrize("address", [FILE, reverse("audit_export")])
def test_who_asks_only_for_its_headers_spends_nothing(
    as_user: SignIn, ada: User, address: str
) -> None:
    assert as_user(ada).head(address).status_code == 405
    kinds = (Kind.LIST_EXPORTED, Kind.LOG_EXPORTED)
    assert not AuditEntry.objects.filter(kind__in=kinds).exists()


def test_a_file_that_broke_off_has_no_end(
    as_user: SignIn, mo: User, approved: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batches(asked: question.Question) -> Iterator[list[Any]]:
        yield asked.page().rows
        raise ConnectionResetError

    monkeypatch.setattr(question.Question, "batches", batches)
    sent: list[bytes] = []
    with pytest.raises(ConnectionResetError):
        sent.extend(iter(as_user(mo).get(FILE).streaming_content))
    assert "End of the export" not in b"".join(sent).decode()


@pytest.mark.usefixtures("small")
def test_every_batch_costs_four_statements(northbank: Partner, mo: User) -> None:
    member, costs = factories.membership(mo), []
    for number in (2, 24):
        rows.many(northbank, number)
        with CaptureQueriesContext(connection) as captured:
            found = list(exports.rows(member, Filters()))
        costs.append((len(found) - 1, len(captured)))
    # Of four rows each, and a last one that finds nothing further.
    assert costs == [(2, 4), (26, 4 * 7)]


# Where it stops


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("newest", "started before 20 Nov 2026, 11:57:00 UTC. Export again with To set"),
        ("oldest", "started after 20 Nov 2026, 11:57:00 UTC. Export again with From set"),
    ],
)
def test_more_than_a_file_holds_is_said_to_be_left_out(
    export: Export,
    northbank: Partner,
    as_user: SignIn,
    mo: User,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    sentence: str,
) -> None:
    monkeypatch.setattr(exports, "MOST", 3)
    for minute in range(1, 6):
        rows.add(northbank, started_at=rows.NOON - timedelta(minutes=minute))
    *found, last = export(order=order)
    assert len(found) == 3
    assert last["name"].startswith("Stopped after 3 verifications: more fit, ")
    assert sentence in last["name"]
    page = as_user(mo).get(f"{PAGE}?order={order}").content.decode()
    assert f"Only the {order} 3 go into the file" in page


def test_as_many_as_a_file_holds_are_all_of_them(
    export: Export, northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST", 3)
    rows.many(northbank, 3)
    assert export()[-1]["name"] == END.format(3)


# Who will know


def test_it_is_on_record_before_the_first_line(
    as_user: SignIn, mo: User, northbank: Partner, denied: Verification
) -> None:
    query = "status=DENIED&status=EXPIRED&from=2020-01-02&q=Veske&tag=Alma&order=oldest&country="
    answer = as_user(mo).get(f"{FILE}?{query}")
    (entry,) = exported()
    assert (entry.actor, entry.partner, entry.subject) == (
        mo.pk,
        northbank.pk,
        "partner:northbank",
    )
    # What may be a name is not written down, only that it was asked for.
    assert entry.facts == {
        "filters": ["q", "status=DENIED,EXPIRED", "from=2020-01-02", "tag", "order=oldest"]
    }
    assert proof.verify().holds
    assert answer.headers["Content-Disposition"] == 'attachment; filename="verifications.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["Cache-Control"]
    assert told(answer)


def test_admins_find_it_in_the_log(as_user: SignIn, ada: User, mo: User) -> None:
    told(as_user(mo).get(f"{FILE}?status=DENIED"))
    page = as_user(ada).get(f"/audit/?kind=verifications.exported&who={mo.pk}").content.decode()
    assert "Verifications exported" in page
    assert "<bdi>status Denied</bdi>" in page


@pytest.mark.parametrize(
    "query", ["status=NONSENSE", "from=32", "after=x", "status=DENIED&tag=a&tag=b"]
)
@pytest.mark.parametrize("address", [PAGE, FILE])
def test_what_cannot_be_understood_is_answered_as_the_list_does(
    as_user: SignIn, mo: User, denied: Verification, address: str, query: str
) -> None:
    browser = as_user(mo)
    answer, as_list = browser.get(f"{address}?{query}"), browser.get(f"{LIST}?{query}")
    assert answer.status_code == as_list.status_code == 400
    assert body(answer) == body(as_list)
    assert not exported()


def body(answer: HttpResponse) -> str:
    """The page itself: around it stands where one is. When it was drawn makes no difference."""
    text = re.sub(r"\d\d:\d\d:\d\d", "", answer.content.decode())
    return text[text.index("<main") : text.index("</main>")]


# The budget


def test_the_third_export_of_a_day_is_refused_and_said_so_before(
    as_user: SignIn, mo: User, ada: User, settings: Any
) -> None:
    settings.EXPORTS_PER_DAY = 2
    browser = as_user(mo)
    pages = []
    for status in (200, 200, 429):
        pages.append(browser.get(PAGE).content.decode())
        answer = browser.get(FILE)
        assert answer.status_code == status
    assert len(exported()) == 2
    assert "2 exports of verifications within a day" in answer.content.decode()
    assert [found and found[0] for found in map(offered, pages)] == [
        "2 exports left",
        "1 export left",
        None,
    ]
    assert f'href="{FILE}"' in pages[1]
    assert f'href="{FILE}"' not in pages[2]
    assert "You have reached 2 exports of verifications within a day" in pages[2]
    assert "Mo Salim was stopped" in as_user(ada).get("/").content.decode()
    assert as_user(ada).get(FILE).status_code == 200


def offered(page: str) -> re.Match[str] | None:
    return re.search(r"\d+ exports? left", page)


def test_exports_of_the_log_are_counted_apart(as_user: SignIn, ada: User, settings: Any) -> None:
    settings.EXPORTS_PER_DAY = 1
    browser = as_user(ada)
    assert [browser.get(it).status_code for it in ("/audit/export/", FILE)] == [200, 200]
    assert [browser.get(it).status_code for it in ("/audit/export/", FILE)] == [429, 429]


# The page before it


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", "4 verifications"),
        ("status=DENIED", "1 verification"),
        ("status=DENIED&status=APPROVED", "3 verifications"),
        ("status=APPROVED&suspected=no", "1 verification"),
        ("q=Alma", "4 verifications"),
        ("q=Alma&suspected=yes", "1 verification"),
        ("q=Alma&suspected=yes&after=1000000000000000-1", "1 verification"),
    ],
)
def test_the_page_says_how_many_it_will_be(
    as_user: SignIn, mo: User, northbank: Partner, query: str, number: str
) -> None:
    rows.add(northbank)
    rows.add(northbank, suspected=True)
    rows.add(northbank, status=Status.DENIED)
    rows.add(northbank, status=Status.EXPIRED)
    page = as_user(mo).get(f"{PAGE}?{query}").content.decode()
    assert f"<b>{number}</b>" in page
    kept = query.partition("&after=")[0].replace("&", "&amp;")
    assert f'href="{FILE}{"?" if kept else ""}{kept}"' in page


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("query", "number"),
    [("", 22), ("status=APPROVED", 21), ("status=APPROVED&suspected=no", 20)],
)
def test_what_fills_pages_is_told_by_the_sums(
    as_user: SignIn, mo: User, northbank: Partner, query: str, number: int
) -> None:
    rows.many(northbank, 20)
    rows.add(northbank, suspected=True)
    rows.add(northbank, status=Status.DENIED)
    page = as_user(mo).get(f"{PAGE}?{query}").content.decode()
    assert f"<b>{number} verifications</b>" in page


@pytest.mark.usefixtures("small")
def test_what_is_not_counted_is_said_to_be_so(
    as_user: SignIn, mo: User, northbank: Partner
) -> None:
    rows.many(northbank, 20)
    page = as_user(mo).get(f"{PAGE}?q=Alma").content.decode()
    assert "how many, the file will tell" in page
    assert "Search: <b><bdi>Alma</bdi></b>" in page


def test_looking_at_the_page_takes_nothing(as_user: SignIn, mo: User) -> None:
    for _ in range(3):
        as_user(mo).get(PAGE)
    assert not exported()
