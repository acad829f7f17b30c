"""The list of verifications: whose rows, which filters, what is refused, and at what price."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from markupsafe import escape

from accounts.models import Partner, User
from tests import factories
from tests.verifications import rows
from verifications import folding, listing, question
from verifications.models import Counter, RejectionReason, Verification
from verifications.statuses import Status

SignIn = Callable[[User], Client]
Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask(ada: User, as_user: SignIn) -> Ask:
    """Ada asks for the list: ask(status=["DENIED"], q="x"), or ask("raw=query")."""
    browser = as_user(ada)

    def ask(raw: str = "", **query: Any) -> HttpResponse:
        return browser.get(f"{reverse('verification_list')}?{raw}{urlencode(query, doseq=True)}")

    return ask


def page(response: HttpResponse) -> listing.Listing:
    return response.context["page"]


def names(response: HttpResponse) -> list[str]:
    assert response.status_code == 200
    return [row.name for row in page(response).rows]


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


# Whose rows


def test_the_list_shows_the_partners_own_rows_only(
    ask: Ask, northbank: Partner, southpay: Partner
) -> None:
    rows.add(northbank, "Ours")
    rows.add(southpay, "Theirs", client_id="shared")
    assert names(ask()) == ["Ours"]
    assert names(ask(q="theirs")) == []
    assert names(ask(q="shared")) == []
    assert page(ask()).tabs[0].count == 1
    assert page(ask(q="shared")).tabs[0].count == 0


def test_the_current_partner_filters_the_list(
    ada: User, as_user: SignIn, northbank: Partner, southpay: Partner
) -> None:
    rows.add(northbank, "At Northbank")
    rows.add(southpay, "At Southpay")
    factories.join(ada, southpay, 10)
    browser = as_user(ada)
    assert names(browser.get(reverse("verification_list"))) == ["At Northbank"]
    browser.post(reverse("switch_partner"), {"partner": "southpay"})
    assert names(browser.get(reverse("verification_list"))) == ["At Southpay"]


@pytest.mark.parametrize("who", ["ada", "mo", "mia", "vera"])
def test_every_role_sees_the_list(
    request: pytest.FixtureRequest, as_user: SignIn, northbank: Partner, who: str
) -> None:
    rows.add(northbank, "Alma Veske")
    browser = as_user(request.getfixturevalue(who))
    assert names(browser.get(reverse("verification_list"))) == ["Alma Veske"]


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(reverse("verification_list")).status_code == 302


def test_the_list_takes_no_post(ada: User, as_user: SignIn) -> None:
    assert as_user(ada).post(reverse("verification_list")).status_code == 405


# What a row shows


def test_the_name_is_a_link_to_the_details(ask: Ask, approved: Verification) -> None:
    address = reverse("verification_detail", args=[approved.scan_ref])
    assert f'<a href="{address}"><bdi>{approved.name}</bdi></a>' in text(ask())


def test_a_verification_without_a_name_can_be_opened(ask: Ask, northbank: Partner) -> None:
    made = rows.add(northbank, "")
    link = rf'<a href="{reverse("verification_detail", args=[made.scan_ref])}"[^>]*>'
    assert re.search(link + "<bdi>No name yet</bdi></a>", text(ask()))


def test_characters_that_turn_text_around_are_shown(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "Evil\u202etxet", client_id="id\u2066x", document_type="T\u200bX")
    shown = text(ask())
    assert "<bdi>Evil[U+202E]txet</bdi>" in shown
    assert "<bdi>id[U+2066]x</bdi>" in shown
    assert "<bdi>T[U+200B]X</bdi>" in shown
    assert not re.search("[\u200b\u202e\u2066]", shown)


def test_markup_in_a_name_stays_text(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "<b>Bold</b>")
    assert b"<bdi>&lt;b&gt;Bold&lt;/b&gt;</bdi>" in ask().content


def test_suspicion_stands_beside_the_status(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, status=Status.DENIED, suspected=True)
    row = text(ask()).split("<tbody")[1]
    assert "Denied" in row
    assert "Suspected" in row


def test_removed_tags_are_not_counted(ask: Ask, northbank: Partner, ada: User) -> None:
    made = rows.add(northbank)
    rows.tag(made, "NAME")
    rows.tag(made, "SURNAME", removed_at=timezone.now(), removed_by=ada)
    assert page(ask()).rows[0].tag_count == 1


# Order and pages


def test_newest_come_first_and_oldest_on_demand(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "Older", started_at=rows.NOON)
    rows.add(northbank, "Newer", started_at=rows.NOON + timedelta(hours=1))
    assert names(ask()) == ["Newer", "Older"]
    assert names(ask(order="newest")) == ["Newer", "Older"]
    assert names(ask(order="oldest")) == ["Older", "Newer"]


def test_fifty_rows_make_a_page(ask: Ask, northbank: Partner) -> None:
    rows.many(northbank, 51)
    first = page(ask())
    assert len(first.rows) == 50
    assert first.newer == ""
    second = page(ask(first.older))
    assert len(second.rows) == 1
    assert second.older == ""
    assert page(ask(second.newer)).rows == first.rows


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_keep_the_question(ask: Ask, northbank: Partner, order: str) -> None:
    rows.many(northbank, 51, status=Status.DENIED)
    rows.many(northbank, 51)
    first = page(ask(status="DENIED", order=order, q=""))
    assert parse_qs(first.older).keys() == {"status", "order", "after"}
    rest = page(ask(first.older))
    assert [row.status for row in rest.rows] == ["DENIED"]
    assert parse_qs(rest.first) == {"status": ["DENIED"], "order": [order]}


def test_beyond_the_last_page_the_way_back_is_shown(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank)
    response = ask(after="1-1", status="APPROVED")
    assert response.status_code == 200
    assert "Nothing further this way" in text(response)
    assert 'href="?status=APPROVED">First page' in text(response)


# Filters: each finds the row that fits and leaves the other

FILTERS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"status": "DENIED"}, {"status": Status.DENIED}, {}),
    ({"status": ["DENIED", "ACTIVE"]}, {"status": Status.ACTIVE}, {}),
    ({"suspected": "yes"}, {"suspected": True}, {}),
    ({"suspected": "no"}, {}, {"suspected": True}),
    ({"final": "yes"}, {"is_final": True}, {}),
    ({"final": "no"}, {}, {"is_final": True}),
    ({"from": "2026-11-20"}, {}, {"started_at": datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)}),
    ({"to": "2026-11-20"}, {}, {"started_at": datetime(2026, 11, 21, tzinfo=UTC)}),
    (
        {"from": "2026-11-01", "to": "2026-11-01"},
        {"started_at": datetime(2026, 11, 1, 23, 59, 59, 999999, tzinfo=UTC)},
        {"started_at": datetime(2026, 11, 2, tzinfo=UTC)},
    ),
    ({"document_type": "PASSPORT"}, {"document_type": "PASSPORT"}, {"document_type": "ID_CARD"}),
    ({"document_type": "MOON_PASS"}, {"document_type": "MOON_PASS"}, {}),
    ({"country": "LT"}, {"document_country": "LT"}, {"document_country": "LV"}),
    ({"platform": "PC"}, {"platform": "PC"}, {"platform": "MOBILE"}),
    ({"review": "MANUAL"}, {"review_type": "MANUAL"}, {"review_type": "AUTOMATIC"}),
    ({"q": "fits"}, {}, {"name": "Alma", "search_text": "alma"}),
]


@pytest.mark.parametrize(("query", "fits", "other"), FILTERS)
def test_a_filter_finds_what_fits(
    ask: Ask,
    northbank: Partner,
    query: dict[str, Any],
    fits: dict[str, Any],
    other: dict[str, Any],
) -> None:
    rows.add(northbank, "Fits", **{"started_at": rows.NOON} | fits)
    rows.add(northbank, **{"name": "Other", "started_at": rows.NOON} | other)
    assert names(ask(**query)) == ["Fits"]


@pytest.mark.parametrize(("preset", "days"), [("today", 0), ("7d", 6), ("30d", 29), ("90d", 89)])
def test_a_preset_reaches_back_so_many_days(
    ask: Ask, northbank: Partner, preset: str, days: int
) -> None:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=days)
    rows.add(northbank, "First", started_at=first)
    rows.add(northbank, "Before", started_at=first - timedelta(microseconds=1))
    rows.add(northbank, "Tomorrow", started_at=midnight + timedelta(days=1))
    assert names(ask(started=preset)) == ["First"]


def test_a_tag_finds_its_standing_ones(ask: Ask, northbank: Partner, ada: User) -> None:
    standing, removed = rows.add(northbank, "Standing"), rows.add(northbank, "Removed")
    rows.add(northbank, "None")
    rows.tag(standing, "NAME")
    rows.tag(removed, "NAME", removed_at=timezone.now(), removed_by=ada)
    assert names(ask(tag="NAME")) == ["Standing"]


@pytest.fixture
def denied_by_amos(amos: User, approved: Verification) -> Verification:
    rows.deny(amos, approved, "DOC_FAKE")
    return approved


def test_who_decided_is_a_filter(
    ask: Ask, ada: User, amos: User, denied_by_amos: Verification, reviewing: Verification
) -> None:
    assert names(ask(decided_by=amos.pk)) == [denied_by_amos.name]
    assert names(ask(decided_by=ada.pk)) == []


def test_the_rejection_reason_is_a_filter(
    ask: Ask, denied_by_amos: Verification, reviewing: Verification
) -> None:
    assert names(ask(reason="DOC_FAKE")) == [denied_by_amos.name]
    assert names(ask(reason="FACE_MISMATCH")) == []


def test_what_is_no_result_is_never_suspected(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, status=Status.REVIEWING)
    rows.add(northbank, status=Status.APPROVED, suspected=True)
    assert names(ask(status="REVIEWING", suspected="yes")) == []
    assert names(ask(status="REVIEWING", suspected="yes", tag="NAME")) == []


def test_filters_narrow_one_another(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "Alma", status=Status.DENIED, document_country="LT")
    rows.add(northbank, "Alma", status=Status.APPROVED, document_country="LT")
    rows.add(northbank, "Alma", status=Status.DENIED, document_country="LV")
    found = page(ask(q="alma", status="DENIED", country="LT")).rows
    assert [(row.status, row.document_country) for row in found] == [("DENIED", "LT")]


def test_empty_values_ask_nothing(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "Alma")
    keys = listing.FilterForm.base_fields.keys() - {"from_"} | {"from"}
    response = ask(**dict.fromkeys(keys - {"status", "order"}, ""))
    assert names(response) == ["Alma"]
    assert page(response).chips == []


# Chips and tabs


def test_each_filter_is_a_chip_that_takes_it_away(ask: Ask, amos: User) -> None:
    query = {
        "q": "alma",
        "status": ["DENIED", "ACTIVE"],
        "from": "2026-11-01",
        "country": "LT",
        "tag": "NAME",
        "decided_by": str(amos.pk),
        "reason": "DOC_FAKE",
    }
    found = page(ask(after="1-1", order="oldest", **query))
    assert [(chip.label, chip.value) for chip in found.chips] == [
        ("Search", "alma"),
        ("Status", "Denied, Active"),
        ("From", "2026-11-01"),
        ("Issuing country", "Lithuania"),
        ("Tag", "First name differs"),
        ("Decided by", "Amos Reed"),
        ("Rejection reason", RejectionReason.objects.get(code="DOC_FAKE").label),
    ]
    for chip, key in zip(found.chips, query, strict=True):
        assert parse_qs(chip.query).keys() == query.keys() - {key} | {"order"}


def test_the_form_shows_what_is_asked_for(ask: Ask, as_user: SignIn, ada: User) -> None:
    asked = "status=DENIED&country=LT&document_type=MOON_PASS&q=al"
    link = re.search(r'href="(/filter/[^"]*)" data-enhance="dialog"', ask(asked).content.decode())
    assert link
    shown = text(as_user(ada).get(html.unescape(link[1])))
    assert re.search(r'value="DENIED" checked', shown)
    assert '<option value="LT" selected>Lithuania</option>' in shown
    assert '<option value="MOON_PASS" selected>MOON_PASS</option>' in shown
    assert 'value="al"' in shown


def test_the_form_offers_everybody_and_every_reason(ada: User, amos: User, as_user: SignIn) -> None:
    shown = text(as_user(ada).get("/filter/"))
    assert f'<option value="{amos.pk}">Amos Reed</option>' in shown
    assert '<option value="DOC_FAKE">' in shown
    assert '<option value="LT">Lithuania</option>' in shown


@pytest.mark.parametrize("order", [1, 9999])
def test_a_partners_own_wording_of_a_reason_stands_before_the_global_one(
    ada: User, northbank: Partner, as_user: SignIn, order: int
) -> None:
    RejectionReason.objects.create(
        partner=northbank, code="DOC_FAKE", label="Ours", group="document", order=order
    )
    shown = text(as_user(ada).get("/filter/"))
    assert '<option value="DOC_FAKE">Ours</option>' in shown
    assert shown.count('<option value="DOC_FAKE">') == 1


def test_a_form_that_cannot_be_understood_says_so(ada: User, as_user: SignIn) -> None:
    answer = as_user(ada).get("/filter/?country=lt&from=2024-02-30")
    assert answer.status_code == 400
    assert "Issuing country is not a code." in text(answer)
    assert "<title>Error: Filter verifications" in text(answer)


def test_forms_share_no_choice_that_was_asked_for(ask: Ask, ada: User, as_user: SignIn) -> None:
    ask(country="QQ")
    assert '<option value="QQ"' not in text(as_user(ada).get("/filter/"))


def test_tabs_count_what_is_in_them(ask: Ask, northbank: Partner) -> None:
    rows.many(northbank, 2, status=Status.DENIED)
    rows.many(northbank, 3, suspected=True)
    rows.add(northbank)
    rows.add(northbank, status=Status.DENIED, suspected=True)
    counted = {tab.label: tab.counted for tab in page(ask()).tabs}
    assert counted == {
        "All": "7",
        "Needs decision": "3",
        "Reviewing": "0",
        "Approved": "4",
        "Denied": "3",
        "Expired": "0",
    }


def test_tabs_count_what_the_other_filters_leave(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, "Alma", suspected=True)
    rows.add(northbank, "Alma", status=Status.EXPIRED)
    rows.add(northbank, "Jonas", status=Status.DENIED)
    found = page(ask(q="alma", status="DENIED"))
    assert [tab.counted for tab in found.tabs] == ["2", "1", "0", "1", "0", "1"]
    assert [tab.is_current for tab in found.tabs] == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("how_many", "shown"), [(4, ["4", "0", "0", "4", "0", "0"]), (5, [""] * 6)]
)
def test_a_narrowed_tab_has_a_number_where_all_was_looked_at(
    ask: Ask, northbank: Partner, monkeypatch: pytest.MonkeyPatch, how_many: int, shown: list[str]
) -> None:
    monkeypatch.setattr(question, "SIZE", 4)
    rows.many(northbank, how_many, platform="PC")
    rows.many(northbank, 9)
    assert [tab.counted for tab in page(ask(platform="PC", status="DENIED")).tabs] == shown


def test_counts_of_all_are_exact(ask: Ask, northbank: Partner) -> None:
    rows.add(northbank, status=Status.EXPIRED)
    folding.fold()
    Counter.objects.update(number=1_002)
    rows.add(northbank)
    assert [tab.counted for tab in page(ask()).tabs] == ["1,003", "0", "0", "1", "0", "1,002"]


def test_a_tab_keeps_the_other_filters(ask: Ask) -> None:
    tabs = page(ask(q="alma", status="EXPIRED", after="1-1")).tabs
    assert parse_qs(tabs[0].query) == {"q": ["alma"]}
    assert parse_qs(tabs[1].query) == {
        "q": ["alma"],
        "status": ["APPROVED"],
        "suspected": ["yes"],
    }


def test_an_empty_answer_says_what_was_looked_for(ask: Ask, approved: Verification) -> None:
    shown = text(ask(q="nobody", status="DENIED"))
    assert "No verification matches" in shown
    assert "<b><bdi>nobody</bdi></b>" in shown
    assert "No verifications yet" not in shown


def test_a_new_partner_is_told_what_will_come(ask: Ask) -> None:
    assert "No verifications yet" in text(ask())


# What is refused

REFUSED = [
    ("status=FOO", "Status: choose one from the list."),
    ("status=DENIED&status=FOO", "Status: choose one from the list."),
    ("suspected=maybe", "Suspected: choose one from the list."),
    ("final=1", "Final: choose one from the list."),
    ("started=yesterday", "Started: choose one from the list."),
    ("review=BOTH", "Review: choose one from the list."),
    ("order=partner__callback_key", "Order: choose one from the list."),
    ("order=%3F", "Order: choose one from the list."),
    ("decided_by=abc", "Decided by: choose one from the list."),
    ("decided_by=-1", "Decided by: choose one from the list."),
    ("decided_by=99999", "Decided by: choose one from the list."),
    ("decided_by=%D9%A3", "Decided by: choose one from the list."),
    ("decided_by=" + "9" * 3000, "Decided by: choose one from the list."),
    ("from=notadate", "From is not a date between 1900 and 2100."),
    ("from=2024-02-30", "From is not a date between 1900 and 2100."),
    ("from=20240230", "From is not a date between 1900 and 2100."),
    ("from=1899-12-31", "From is not a date between 1900 and 2100."),
    ("from=0001-01-01", "From is not a date between 1900 and 2100."),
    ("to=2101-01-01", "To is not a date between 1900 and 2100."),
    ("to=9999-12-31T23:59:59%2B14:00", "To is not a date between 1900 and 2100."),
    ("to=%D9%A2%D9%A0%D9%A2%D9%A4-01-01", "To is not a date between 1900 and 2100."),
    ("from=2026-02-02&to=2026-02-01", "From is after To."),
    ("started=7d&from=2026-02-02", "Choose either a period or From and To."),
    ("document_type=a%20b", "Document type is not a code."),
    ("platform=" + "A" * 101, "Platform is not a code."),
    ("tag=%27", "Tag is not a code."),
    ("reason=%20x%20y", "Rejection reason is not a code."),
    ("country=lt", "Issuing country is not a code."),
    ("country=LTU", "Issuing country is not a code."),
    ("q=" + "a" * 101, "Search for 100 characters or fewer."),
    ("q=a&q=b", "q was given twice."),
    ("from=2026-01-01&from=2026-01-01", "from was given twice."),
    ("suspected=yes&suspected=yes", "suspected was given twice."),
    ("after=1-1&after=1-1", "after was given twice."),
    ("after=garbage", "This page link is no longer valid. Start again from the first page."),
    ("before=%7B%7D", "This page link is no longer valid. Start again from the first page."),
    ("after=NaN", "This page link is no longer valid. Start again from the first page."),
    ("after=" + "A" * 3000, "This page link is no longer valid. Start again from the first page."),
    ("after=1-1&before=1-1", "A page lies after a position or before it, not both."),
    ("staus=DENIED", "There is no filter called “staus”."),
    ("unknown=", "There is no filter called “unknown”."),
    ("from_=2030-01-01&_connector=OR", "There is no filter called “from_”, “_connector”."),
    ("number_hash=x&q=y", "There is no filter called “number_hash”."),
    ("a=1&b=1&c=1&d=1", "There is no filter called “a”, “b”, “c” and others."),
]


@pytest.mark.parametrize(("raw", "why"), REFUSED, ids=[raw[:40] for raw, _ in REFUSED])
def test_what_cannot_be_understood_is_refused(
    ask: Ask, approved: Verification, raw: str, why: str
) -> None:
    response = ask(raw)
    assert response.status_code == 400
    assert why in text(response)
    assert approved.name not in text(response)
    assert page(response).rows == []


def test_a_refused_filter_is_marked_kept_and_can_be_cleared(ask: Ask) -> None:
    response = ask("from=2024-02-30&country=lt&q=al&status=FOO")
    shown = text(response)
    for key in ("from", "country"):
        field = re.search(rf'<(input|select)[^>]*name="{key}"[^>]*>', shown)
        assert field
        assert 'aria-invalid="true"' in field[0]
    assert 'type="text" value="2024-02-30"' in shown
    assert '<option value="lt" selected>lt</option>' in shown
    assert {chip.label: chip.value for chip in page(response).chips}["Status"] == "FOO"
    (refusal,) = [one for one in page(response).refusals if one.label == "From"]
    assert parse_qs(refusal.query) == {"country": ["lt"], "q": ["al"], "status": ["FOO"]}
    assert "<title>Error: Verifications" in shown


def test_a_broken_page_link_leads_to_the_first_page_of_the_question(ask: Ask) -> None:
    response = ask("after=x&status=DENIED")
    assert 'href="/verifications/?status=DENIED">First page' in text(response)


@pytest.mark.parametrize(
    ("raw", "status"), [("q=a%00b", 400), ("a&" * 1500, 400), ("q=" + "a" * 5000, 414)]
)
def test_what_cannot_even_be_read_is_refused(ask: Ask, raw: str, status: int) -> None:
    assert ask(raw).status_code == status


@pytest.mark.parametrize("q", ["' OR 1=1 --", "{{ 7*7 }}", "{% debug %}", ".*", "<script>", "%ff"])
def test_a_search_is_text_and_nothing_else(ask: Ask, approved: Verification, q: str) -> None:
    response = ask(q=q)
    assert names(response) == []
    assert str(escape(q)) in response.content.decode()


# The price


@pytest.mark.parametrize(
    # A name is looked for in windows of time, each eight times as wide as the one before.
    ("query", "windows"),
    [({}, 0), ({"q": "a"}, 3), ({"status": "APPROVED", "tag": "NAME"}, 0)],
)
def test_ten_rows_cost_as_many_queries_as_a_thousand(
    ask: Ask, northbank: Partner, query: dict[str, str], windows: int
) -> None:
    for made in rows.many(northbank, 10, suspected=True):
        rows.tag(made, "NAME")
    ask(**query)
    with CaptureQueriesContext(connection) as few:
        ask(**query)
    for made in rows.many(northbank, 990, suspected=True)[:60]:
        rows.tag(made, "NAME")
    with CaptureQueriesContext(connection) as many:
        assert len(page(ask(**query)).rows) == 50
    assert len(many) <= len(few) + windows
    assert len(few) <= 20


def test_no_query_walks_the_table(ask: Ask, northbank: Partner) -> None:
    rows.many(northbank, 60)
    position = page(ask()).older
    with CaptureQueriesContext(connection) as seen:
        ask(position)
    for query in seen.captured_queries:
        assert "OFFSET" not in query["sql"]
        if "verifications_verification" in query["sql"] and "COUNT(" in query["sql"]:
            assert "LIMIT" in query["sql"]
