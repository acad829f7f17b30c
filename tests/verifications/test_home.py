"""The dashboard: what waits, what fails, how the days went; words for supervisors."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import guards
from accounts.models import Partner, User
from tests import factories
from tests.verifications import rows
from verifications import decisions, figures, home
from verifications.looks import times
from verifications.models import Decision, DeliveryState, Verification, WebhookDelivery
from verifications.statuses import Status

SignIn = Callable[[User], Client]
NOW = rows.NOON + timedelta(days=1, hours=3)


def see(user: User, days: int | None = 30) -> home.Home:
    return seen(user, days, NOW)


def seen(user: User, days: int | None, now: datetime) -> home.Home:
    member = factories.membership(user)
    return home.build(member, days, now)


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def counts(page: home.Home) -> dict[str, int]:
    assert page.figures
    return {one.series.key: one.count for one in page.figures.counts}


# What waits


def test_the_one_who_waits_longest_comes_first(northbank: Partner, ada: User) -> None:
    for name, hours in (("Two", 2), ("Five", 5), ("One", 1)):
        at = NOW - timedelta(hours=hours)
        rows.add(northbank, name, suspected=True, started_at=at, finished_at=at)
    queue = see(ada).queue
    assert [waiting.name for waiting in queue] == ["Five", "Two", "One"]
    assert [waiting.since for waiting in queue] == [timedelta(hours=hours) for hours in (5, 2, 1)]
    assert [waiting.is_late for waiting in queue] == [True, True, False]


def test_only_what_needs_a_decision_waits(northbank: Partner, southpay: Partner, ada: User) -> None:
    rows.add(northbank, "Approved")
    rows.add(northbank, "Denied", status=Status.DENIED, suspected=True)
    rows.add(northbank, "Reviewing", status=Status.REVIEWING)
    rows.add(southpay, "Theirs", suspected=True)
    assert see(ada).queue == []
    assert see(ada).queue_count == 0


def test_the_queue_says_why_by_tags_that_stand(northbank: Partner, ada: User) -> None:
    made = rows.add(northbank, suspected=True)
    rows.tag(made, "NAME")
    rows.tag(made, "SURNAME", removed_at=NOW, removed_by=ada)
    assert see(ada).queue[0].tags == [("NAME", "mismatch_tag")]


def test_the_queue_shows_ten_and_counts_all(northbank: Partner, ada: User) -> None:
    rows.many(northbank, 101, suspected=True)
    assert len(see(ada).queue) == 10
    assert see(ada).queue_count == 101


@pytest.mark.parametrize(
    ("who", "words"), [("ada", "Needs your decision"), ("vera", "Needs a decision")]
)
def test_every_role_sees_the_queue(
    request: pytest.FixtureRequest,
    as_user: SignIn,
    suspected: Verification,
    who: str,
    words: str,
) -> None:
    shown = text(as_user(request.getfixturevalue(who)).get("/"))
    assert words in shown
    assert f"<bdi>{suspected.name}</bdi>" in shown
    assert "First name differs" in shown


def test_a_decision_that_one_may_not_make_is_not_called_ones_own(
    northbank: Partner, ada: User, as_user: SignIn
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(may_approve=False, may_deny=False)
    assert "Needs a decision" in text(as_user(ada).get("/"))


def test_an_empty_queue_says_so(ada: User, as_user: SignIn) -> None:
    assert "Nothing waits for a decision." in text(as_user(ada).get("/"))


# What fails


def _delivery(partner: Partner, **fields: Any) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        **{
            "endpoint": factories.endpoint(partner),
            "partner": partner,
            "verification": rows.add(partner),
            "event": "IDENTIFICATION_MANUAL_FINISHED",
            "sequence": 1,
            "queued_at": NOW,
        }
        | fields
    )


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({"attempts": 0}, ""),
        ({"attempts": 1}, "1"),
        ({"attempts": 1} | factories.in_state(DeliveryState.DELIVERED), ""),
        ({"attempts": 9} | factories.in_state(DeliveryState.GIVEN_UP), "1"),
        # A test tells of nobody.
        ({"attempts": 1, "verification": None}, ""),
        (
            {"attempts": 9, "queued_at": NOW - timedelta(days=8)}
            | factories.in_state(DeliveryState.GIVEN_UP),
            "",
        ),
    ],
)
def test_deliveries_in_trouble_are_counted(
    northbank: Partner, southpay: Partner, vera: User, fields: dict[str, Any], counted: str
) -> None:
    _delivery(northbank, **fields)
    _delivery(southpay, attempts=3)
    assert see(vera).troubled == counted


def test_trouble_is_told_to_everyone_and_silence_to_nobody(
    northbank: Partner, vera: User, as_user: SignIn
) -> None:
    browser = as_user(vera)
    assert "failed" not in text(browser.get("/"))
    _delivery(northbank, attempts=2, queued_at=timezone.now())
    assert "1 webhook delivery failed." in text(browser.get("/"))


# How the days went


@pytest.mark.parametrize(
    ("who", "allowed"), [("ada", True), ("mo", True), ("mia", False), ("vera", False)]
)
def test_figures_are_for_moderators_and_above(
    request: pytest.FixtureRequest, as_user: SignIn, who: str, allowed: bool
) -> None:
    user = request.getfixturevalue(who)
    assert (see(user).figures is not None) == allowed
    assert ("Approval rate" in text(as_user(user).get("/"))) == allowed


def test_every_status_is_counted_once(northbank: Partner, mo: User, southpay: Partner) -> None:
    made = {
        Status.APPROVED: 6,
        Status.DENIED: 2,
        Status.REVIEWING: 1,
        Status.ACTIVE: 1,
        Status.EXPIRED: 1,
        Status.EXPIRED_DELETED: 1,
        Status.ARCHIVED: 1,
    }
    for status, how_many in made.items():
        rows.many(northbank, how_many, status=status)
    rows.many(northbank, 2, suspected=True)
    rows.many(northbank, 1, status=Status.DENIED, suspected=True)
    rows.many(southpay, 5)
    page = see(mo)
    expected = {"approved": 6, "suspected": 2, "denied": 3, "reviewing": 2, "expired": 2}
    assert counts(page) == expected
    assert page.figures
    assert page.figures.started == 16
    assert page.figures.approval_rate == pytest.approx(100 * 6 / 11)


def test_without_results_there_is_no_rate(northbank: Partner, mo: User) -> None:
    rows.add(northbank, status=Status.REVIEWING)
    page = see(mo)
    assert page.figures
    assert page.figures.approval_rate is None


@pytest.mark.parametrize("days", figures.RANGES)
def test_the_range_begins_at_its_first_midnight(northbank: Partner, mo: User, days: int) -> None:
    first = datetime.combine(NOW.date() - timedelta(days=days - 1), datetime.min.time(), UTC)
    rows.add(northbank, started_at=first)
    rows.add(northbank, started_at=first - timedelta(microseconds=1))
    page = see(mo, days)
    assert page.figures
    chart = page.figures.chart
    assert chart
    assert len(chart.days) == days
    assert chart.first == first.date()
    assert chart.days[0].all == page.figures.started == 1
    assert chart.last == NOW.date()
    assert chart.marked[0] == first.date()
    assert chart.marked[-1] == NOW.date()


def test_all_time_has_sums_and_no_days(
    northbank: Partner, mo: User, ada: User, as_user: SignIn
) -> None:
    for years in (0, 10):
        it = rows.add(northbank, suspected=True, started_at=NOW - timedelta(days=365 * years))
        rows.tag(it, "NAME")
    page = see(mo, None)
    assert page.figures
    assert page.figures.chart is None
    assert (
        page.figures.started
        == counts(page)["suspected"]
        == page.figures.rankings.tags[0].count
        == 2
    )
    shown = text(as_user(mo).get("/?days=all"))
    assert '<a href="?days=all" aria-current="true">All time</a>' in shown
    assert "Verifications per day" not in shown


def test_the_bars_of_a_day_stand_on_one_another(northbank: Partner, mo: User) -> None:
    rows.many(northbank, 2, status=Status.DENIED, started_at=NOW)
    rows.many(northbank, 2, started_at=NOW)
    page = see(mo, 7)
    assert page.figures
    assert page.figures.chart
    assert page.figures.chart.ticks == (0, 1, 2, 3, 4)
    assert page.figures.chart.days[-1].rects == (
        figures.Rect("bad", 147, 100.0, 100.0),
        figures.Rect("good", 147, 0.0, 100.0),
    )


@pytest.mark.parametrize(
    ("top", "step"),
    [
        (0, 1),
        (4, 1),
        (5, 2),
        (9, 5),
        (20, 5),
        (21, 10),
        (198, 50),
        (1200, 500),
        (9_000_000, 5_000_000),
    ],
)
def test_the_lines_of_the_chart_are_round(top: int, step: int) -> None:
    assert figures._step(top) == step


def test_the_chart_has_words_and_a_table(northbank: Partner, mo: User, as_user: SignIn) -> None:
    today = timezone.now()
    rows.many(northbank, 3, started_at=today)
    shown = text(as_user(mo).get("/"))
    svg = re.search(r"<svg class=\"chart-plot\".*?</svg>", shown, re.S)
    assert svg
    assert '<title id="chart-title">' in svg[0]
    assert '<desc id="chart-desc">' in svg[0]
    assert "3 approved without suspicion, 3 in all" in svg[0]
    assert "style=" not in svg[0]
    line = re.search(rf'<tr><th scope="row"><time datetime="{today:%Y-%m-%d}">.*?</tr>', shown)
    assert line
    assert re.findall(r">(\d+)</td>", line[0]) == ["0", "0", "0", "3", "0", "3"]


def test_top_reasons_are_those_of_denials_that_stand(
    receive: Callable, ada: User, mo: User, otto: User, southpay: Partner
) -> None:
    names = ["first", "second", "third"]
    made = [receive("01", scanRef=f"scan-{name}", clientId=name) for name in names]
    rows.deny(ada, made[0], "DOC_FAKE", "FACE_MISMATCH")
    rows.deny(ada, made[1], "DOC_FAKE")
    undone = rows.deny(ada, made[2], "DOC_EXPIRED")
    made[2].refresh_from_db()
    _undo(ada, made[2], undone)
    page = seen(mo, 7, timezone.now())
    assert page.figures
    assert [(one.code, one.count, one.percent) for one in page.figures.rankings.reasons] == [
        ("DOC_FAKE", 2, 100),
        ("FACE_MISMATCH", 1, 50),
    ]
    assert page.figures.decisions == {"approve": 0, "deny": 2, "undo": 1}
    theirs = seen(otto, 7, timezone.now())
    assert theirs.figures
    assert theirs.figures.rankings.reasons == ()


def _undo(user: User, it: Verification, decision: Decision) -> None:
    decisions.undo(
        factories.membership(user),
        it,
        decision_id=decision.pk,
        request_key="3b1f7a52-46a4-4f0e-9b62-5a0d6f0e1c11",
    )


def test_top_tags_count_what_stands_at_this_partner(
    northbank: Partner, southpay: Partner, ada: User, mo: User
) -> None:
    for code in ("NAME", "NAME", "SURNAME"):
        rows.tag(rows.add(northbank), code)
    rows.tag(rows.add(northbank), "SURNAME", removed_at=NOW, removed_by=ada)
    rows.tag(rows.add(southpay), "SURNAME")
    rows.tag(rows.add(northbank, started_at=NOW - timedelta(days=40)), "SURNAME")
    page = see(mo)
    assert page.figures
    assert [(one.code, one.family, one.count) for one in page.figures.rankings.tags] == [
        ("NAME", "mismatch_tag", 2),
        ("SURNAME", "mismatch_tag", 1),
    ]


@pytest.mark.parametrize("raw", ["days=8", "days=abc", "days=7&days=30", "days=%D9%A7"])
def test_a_range_that_is_not_kept_is_refused(ada: User, as_user: SignIn, raw: str) -> None:
    response = as_user(ada).get(f"/?{raw}")
    assert response.status_code == 400
    assert "Figures are kept for the last 7, 30 or 90 days and for all time" in text(response)


@pytest.mark.parametrize("days", figures.RANGES)
def test_a_range_can_be_chosen(ada: User, as_user: SignIn, days: int) -> None:
    shown = text(as_user(ada).get("/", {"days": days}))
    assert f"Last {days} days" in shown
    assert f'<a href="?days={days}" aria-current="true">' in shown


def test_ten_rows_cost_as_many_queries_as_a_thousand(
    northbank: Partner, ada: User, as_user: SignIn
) -> None:
    browser = as_user(ada)
    for made in rows.many(northbank, 10, suspected=True, started_at=timezone.now()):
        rows.tag(made, "NAME")
    browser.get("/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/")
    rows.many(northbank, 990, suspected=True, started_at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        assert "All 1,000" in text(browser.get("/"))
    assert len(few) == len(many)
    assert len(few) <= 15


# Words for supervisors


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_anyone_may_ask_whether_it_runs(client: Client, db: None, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.content) == (200, b"ok")


def test_it_is_alive_without_a_database(client: Client) -> None:
    """No fixture lets this test reach one."""
    assert client.get("/healthz").status_code == 200


def test_it_is_not_ready_without_its_guards(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "missing", lambda connection: ["decision_no_update"])
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"not ready")


def test_it_is_not_ready_without_its_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Any) -> None:
        raise DatabaseError("the password is secret")

    monkeypatch.setattr(guards, "missing", fail)
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"not ready")


# Times in words


@pytest.mark.parametrize(("days", "words"), [(0, "Today, "), (1, "Yesterday, ")])
def test_near_days_are_called_by_name(days: int, words: str) -> None:
    at = timezone.now() - timedelta(days=days)
    assert times(at)[1] == f"{words}{at:%H:%M}"


def test_the_year_is_written_where_it_is_another() -> None:
    assert times(datetime(2020, 3, 4, 5, 6, 7, 8, tzinfo=UTC)) == (
        "2020-03-04T05:06:07+00:00",
        "4 Mar 2020, 05:06",
        "4 March 2020, 05:06:07 UTC",
    )


def test_what_the_list_does_not_understand_is_ranked_without_a_link() -> None:
    told = {"count": 1, "percent": 100, "label": "", "family": ""}
    asked = {code: figures.Ranked(code=code, **told).is_asked_for for code in ("NAME", "<b>", "ä")}
    assert asked == {"NAME": True, "<b>": False, "ä": False}


@pytest.mark.parametrize(("asked", "period"), [("7", "7d"), ("30", "30d"), ("90", "90d")])
def test_a_ranking_leads_to_the_list_of_its_days(
    ada: User, northbank: Partner, as_user: SignIn, asked: str, period: str
) -> None:
    now = timezone.now()
    for days in (0, 20, 60, 100):
        rows.tag(rows.add(northbank, started_at=now - timedelta(days=days)), "NAME")
    client = as_user(ada)
    page = html.unescape(client.get(f"/?days={asked}").content.decode())
    link = f"/verifications/?tag=NAME&started={period}"
    assert f'href="{link}"' in page
    counted = client.get(f"/?days={asked}").context["page"].figures.rankings.tags[0].count
    assert counted == len(client.get(link).context["page"].rows)


def test_the_number_without_suspicion_says_so(
    ada: User, northbank: Partner, as_user: SignIn
) -> None:
    rows.add(northbank)
    rows.add(northbank, suspected=True)
    page = as_user(ada).get("/").content.decode()
    assert "Approved without suspicion</dt>" in page
