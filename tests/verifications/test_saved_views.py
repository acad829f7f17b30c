"""Saved views of the list: whose, how many, under which names, and what of a question is kept."""

import html
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Membership, Partner, User
from tests import factories
from tests.verifications import rows
from verifications import saved_views
from verifications.models import RejectionReason, SavedView
from verifications.models.saved_view import LONGEST_NAME, MOST, folded

SignIn = Callable[[User], Client]

LIST = "/verifications/"
MORNING = "country=DE&started=7d&status=DENIED"


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def add(browser: Client, name: str, query: str = MORNING) -> HttpResponse:
    return browser.post(f"{reverse('saved_view_add')}?{query}", {"name": name})


def replace(browser: Client, view: Any, query: str) -> HttpResponse:
    return browser.post(f"{reverse('saved_view_replace')}?{query}", {"view": view})


def rename(browser: Client, view: SavedView, name: str) -> HttpResponse:
    return browser.post(reverse("saved_view", args=[view.pk]), {"name": name})


def delete(browser: Client, view: SavedView, **more: Any) -> HttpResponse:
    return browser.post(reverse("saved_view_delete", args=[view.pk]), more)


def names(user: User) -> list[str]:
    return [it.name for it in SavedView.objects.filter(membership__user=user)]


def shown(browser: Client, query: str = "") -> list[tuple[str, bool]]:
    """The views offered on the list, and which is marked."""
    page = browser.get(f"{LIST}?{query}").context["page"]
    return [(it.name, it.is_current) for it in page.saved]


@pytest.fixture
def browser(ada: User, as_user: SignIn) -> Client:
    return as_user(ada)


@pytest.fixture
def view(ada: User) -> SavedView:
    return factories.saved_view(ada, "Morning", MORNING)


# Whose


@pytest.mark.parametrize("who", ["ada", "mo", "mia", "vera"])
def test_every_role_has_its_own(request: pytest.FixtureRequest, as_user: SignIn, who: str) -> None:
    browser = as_user(request.getfixturevalue(who))
    answer = add(browser, "Morning")
    assert answer.status_code == 302
    assert answer["Location"] == f"{LIST}?{MORNING}"
    assert shown(browser, MORNING) == [("Morning", True)]
    view = SavedView.objects.get()
    assert rename(browser, view, "Evening").status_code == 302
    assert shown(browser) == [("Evening", False)]
    assert delete(browser, view).status_code == 302
    assert shown(browser) == []


def test_nobody_sees_or_changes_what_is_somebody_elses(
    view: SavedView, amos: User, as_user: SignIn
) -> None:
    browser = as_user(amos)
    assert shown(browser, MORNING) == []
    nowhere = browser.get("/saved/999999/")
    theirs = browser.get(f"/saved/{view.pk}/")
    assert (nowhere.status_code, nowhere.content) == (theirs.status_code, theirs.content)
    assert rename(browser, view, "Mine").status_code == 404
    assert delete(browser, view).status_code == 404
    assert replace(browser, view.pk, "status=ACTIVE").status_code == 422
    view.refresh_from_db()
    assert (view.name, view.query) == ("Morning", MORNING)
    assert add(browser, "Morning").status_code == 302


def test_they_are_of_one_partner(
    view: SavedView, ada: User, southpay: Partner, browser: Client
) -> None:
    factories.join(ada, southpay, 10)
    browser.post(reverse("switch_partner"), {"partner": "southpay"})
    assert shown(browser, MORNING) == []
    assert add(browser, "Morning").status_code == 302
    assert SavedView.objects.count() == 2
    # A link of the other partner leads there.
    assert browser.get(f"/saved/{view.pk}/").context["shell"].work.name == "Northbank"


def test_a_form_saves_for_the_partner_that_it_was_opened_for(
    ada: User, northbank: Partner, southpay: Partner, browser: Client
) -> None:
    factories.join(ada, southpay, 10)
    page = text(browser.get(f"/saved/add/?{MORNING}")).split("data-dialog")[1]
    assert f'name="opened_for" value="{northbank.pk}"' in page
    browser.post(reverse("switch_partner"), {"partner": "southpay"})
    browser.post(f"/saved/add/?{MORNING}", {"name": "Morning", "opened_for": northbank.pk})
    assert SavedView.objects.get().membership.partner == northbank


def test_who_is_deactivated_finds_them_again(view: SavedView, ada: User, browser: Client) -> None:
    Membership.objects.filter(user=ada).update(is_active=False)
    assert delete(browser, view).status_code == 403
    Membership.objects.filter(user=ada).update(is_active=True)
    assert shown(browser) == [("Morning", False)]


def test_they_go_with_the_membership(view: SavedView, mo: User) -> None:
    left = factories.saved_view(mo)
    view.membership.delete()
    assert SavedView.objects.get() == left


def test_the_audit_log_does_not_tell_of_them(browser: Client, view: SavedView) -> None:
    before = AuditEntry.objects.count()
    add(browser, "Evening", "status=ACTIVE")
    rename(browser, view, "Noon")
    replace(browser, view.pk, "status=EXPIRED")
    delete(browser, view)
    assert AuditEntry.objects.count() == before


# What of a question


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("status=DENIED&status=ACTIVE&country=DE", "country=DE&status=ACTIVE&status=DENIED"),
        ("started=7d", "started=7d"),
        ("from=2026-01-02&to=2026-01-03", "from=2026-01-02&to=2026-01-03"),
        ("status=DENIED&q=Alma+Veske", "status=DENIED"),
        ("status=DENIED&q=&country=&order=newest", "status=DENIED"),
        ("order=oldest&tag=NAME", "order=oldest&tag=NAME"),
        ("status=DENIED&utm_source=mail", "status=DENIED"),
    ],
)
def test_filters_and_order_are_kept_and_nothing_else(
    browser: Client, asked: str, kept: str
) -> None:
    assert add(browser, "It", asked).status_code == 302
    assert SavedView.objects.get().query == kept


def test_a_place_in_the_list_is_not_kept(browser: Client, northbank: Partner) -> None:
    rows.many(northbank, 51)
    older = browser.get(f"{LIST}?review=AUTOMATIC").context["page"].older
    assert "after=" in older
    assert add(browser, "It", older).status_code == 302
    assert SavedView.objects.get().query == "review=AUTOMATIC"


@pytest.mark.parametrize("asked", ["", "q=Alma", "order=newest", "utm_source=mail"])
def test_where_no_filter_is_set_nothing_is_saved(browser: Client, asked: str) -> None:
    assert "Save view" not in text(browser.get(f"{LIST}?{asked}"))
    answer = browser.get(f"/saved/add/?{asked}", follow=True)
    assert "Set a filter first." in text(answer)
    answer = add(browser, "Morning", asked)
    assert answer.status_code == 422
    assert 'value="Morning"' in text(answer)
    assert not SavedView.objects.exists()


def test_what_is_searched_for_stands_nowhere_on_the_way(browser: Client) -> None:
    page = text(browser.get(f"{LIST}?status=DENIED&q=Alma"))
    assert 'href="/saved/add/?status=DENIED"' in page
    for answer in (
        browser.get("/saved/add/?status=DENIED&q=Alma"),
        add(browser, "", "status=DENIED&q=Alma"),
    ):
        assert "Alma" not in text(answer).split("data-dialog")[1]


def test_a_question_that_is_not_understood_is_not_saved(browser: Client) -> None:
    answer = browser.get("/saved/add/?status=NONSENSE")
    assert answer["Location"] == f"{LIST}?status=NONSENSE"
    answer = add(browser, "Morning", "status=NONSENSE&country=lt")
    assert answer.status_code == 422
    assert 'value="Morning"' in text(answer)
    assert not SavedView.objects.exists()


# On the list


@pytest.mark.parametrize(
    ("asked", "is_current"),
    [
        (MORNING, True),
        ("status=DENIED&country=DE&started=7d&order=newest&q=", True),
        (f"{MORNING}&q=Alma", False),
        (f"{MORNING}&tag=NAME", False),
        ("status=DENIED", False),
        ("", False),
    ],
)
def test_the_one_that_is_open_is_marked(
    browser: Client, view: SavedView, asked: str, is_current: bool
) -> None:
    assert shown(browser, asked) == [("Morning", is_current)]
    page = browser.get(f"{LIST}?{asked}").content.decode()
    link = f'href="{LIST}?{html.escape(MORNING)}"'
    assert (f'{link} aria-current="page"><bdi>Morning</bdi>' in page) == is_current
    assert (f'href="/saved/{view.pk}/"' in page) == is_current


def test_save_is_offered_where_the_question_is_not_saved_yet(
    browser: Client, view: SavedView
) -> None:
    assert "Save view" not in text(browser.get(f"{LIST}?{MORNING}"))
    assert "Save view" not in text(browser.get(f"{LIST}?{MORNING}&q=Alma"))
    assert "Save view" in text(browser.get(f"{LIST}?{MORNING}&tag=NAME"))
    assert "Save view" not in text(browser.get(f"{LIST}?status=NONSENSE"))


def test_they_stand_by_name_whatever_its_case(browser: Client, ada: User) -> None:
    for name, query in (("b", "status=ACTIVE"), ("C", "status=DENIED"), ("A", "tag=NAME")):
        factories.saved_view(ada, name, query)
    assert [name for name, _ in shown(browser)] == ["A", "b", "C"]


def test_a_page_asks_for_them_once_however_many(browser: Client, ada: User) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(LIST)
        return sum("saved" in it["sql"] for it in asked)

    browser.get(LIST)
    assert statements() == 1
    for number in range(MOST):
        factories.saved_view(ada, f"View {number}", f"tag=T{number}")
    assert statements() == 1


def test_one_that_is_not_understood_any_more_says_so_and_can_be_deleted(
    browser: Client, northbank: Partner, ada: User, mo: User
) -> None:
    own = {"partner": northbank, "code": "OWN", "label": "Own", "group": "other"}
    RejectionReason.objects.create(**own)
    query = f"decided_by={mo.pk}&reason=OWN&status=DENIED"
    assert add(browser, "Ours", query).status_code == 302
    RejectionReason.objects.filter(code="OWN").delete()
    factories.membership(mo).delete()
    page = browser.get(f"{LIST}?{query}")
    assert page.status_code == 400
    assert "could not be understood" in text(page)
    view = SavedView.objects.get()
    assert shown(browser, query) == [("Ours", True)]
    assert browser.get(f"/saved/{view.pk}/").status_code == 200
    assert delete(browser, view).status_code == 302
    assert not SavedView.objects.exists()


# Names


@pytest.mark.parametrize(
    "name",
    ["", "   ", "\t\n", "x" * 500, "x" * 61, "a\u202eb", "\u200f", "a\x00b", "a\x07b", "a\u2028b"],
)
def test_a_name_that_cannot_be_read_is_refused(browser: Client, view: SavedView, name: str) -> None:
    answer = add(browser, name, "tag=NAME")
    assert answer.status_code == 422
    assert 'id="id_name-error"' in text(answer)
    assert 'action="/saved/add/?tag=NAME"' in text(answer)
    assert rename(browser, view, name).status_code == 422
    assert [it.name for it in SavedView.objects.all()] == ["Morning"]


def test_what_was_typed_is_kept_at_an_error(browser: Client, view: SavedView) -> None:
    assert f'value="{"x" * 61}"' in text(add(browser, "x" * 61, "tag=NAME"))
    assert f'value="{"x" * 61}"' in text(rename(browser, view, "x" * 61))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Two   words ", "Two words"), ("<b>&amp;", "<b>&amp;"), ("ﷺ" * 60, "ﷺ" * 60)],
)
def test_other_names_stand_as_they_are(browser: Client, typed: str, kept: str) -> None:
    assert add(browser, typed).status_code == 302
    assert SavedView.objects.get().name == kept
    page = browser.get(LIST).content.decode()
    assert f"<bdi>{html.escape(kept)}</bdi>" in page


@pytest.mark.parametrize("name", ["Morning", "MORNING", " morning ", "Ｍorning"])
def test_a_name_is_given_once(browser: Client, view: SavedView, ada: User, name: str) -> None:
    answer = add(browser, name, "tag=NAME")
    assert answer.status_code == 422
    assert "“Morning” exists already." in text(answer)
    other = factories.saved_view(ada, "Other", "tag=NAME")
    assert rename(browser, other, name).status_code == 422
    assert rename(browser, view, name).status_code == 302
    assert SavedView.objects.count() == 2


def test_a_folded_name_fits_its_column_and_an_index() -> None:
    signs = (chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) != "Cs")
    alike = [folded(sign) for sign in signs]
    column = SavedView._meta.get_field("folded").max_length
    assert LONGEST_NAME * max(map(len, alike)) <= column
    # PostgreSQL keeps a third of a page in one entry of an index.
    assert LONGEST_NAME * max(len(it.encode()) for it in alike) < 2600


# Once, and not too many


def test_a_second_press_does_nothing_more(browser: Client, ada: User, view: SavedView) -> None:
    for press in (
        lambda: add(browser, "Twice", "tag=NAME"),
        lambda: rename(browser, view, "Noon"),
        lambda: replace(browser, view.pk, "status=ACTIVE"),
        lambda: delete(browser, view, csrfmiddlewaretoken="x"),
    ):
        first, second = press(), press()
        assert (first.status_code, second.status_code) == (302, 302)
        assert first["Location"] == second["Location"]
    assert names(ada) == ["Twice"]


def test_a_question_is_saved_once(browser: Client, view: SavedView, ada: User) -> None:
    answer = add(browser, "Again")
    assert answer.status_code == 422
    assert "“Morning” asks exactly this already." in text(answer)
    other = factories.saved_view(ada, "Other", "tag=NAME")
    answer = replace(browser, other.pk, MORNING)
    assert answer.status_code == 422
    assert "“Morning” asks exactly this already." in text(answer)


def test_the_present_question_takes_the_place_of_a_former(browser: Client, view: SavedView) -> None:
    answer = replace(browser, view.pk, f"{MORNING}&tag=NAME&q=Alma")
    assert answer["Location"] == f"{LIST}?{MORNING}&tag=NAME"
    assert shown(browser, f"{MORNING}&tag=NAME") == [("Morning", True)]


@pytest.mark.parametrize("chosen", ["", "x", "0", "9" * 40])
def test_only_one_of_mine_can_be_replaced(browser: Client, view: SavedView, chosen: str) -> None:
    answer = replace(browser, chosen, "tag=NAME")
    assert answer.status_code == 422
    assert "Choose one of your views." in text(answer)


def test_there_are_twenty_at_most(browser: Client, ada: User) -> None:
    for number in range(MOST):
        assert add(browser, f"View {number}", f"tag=T{number}").status_code == 302
    answer = add(browser, "One more")
    assert answer.status_code == 422
    assert "20 saved views are the limit." in text(answer)
    assert 'value="One more"' in text(answer)
    delete(browser, SavedView.objects.get(name="View 7"))
    assert add(browser, "One more").status_code == 302
    assert len(names(ada)) == MOST


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "MORNING"},
        {"query": MORNING},
        {"place": 1},
        {"place": 0},
        {"place": MOST + 1},
        {"name": "  "},
        {"query": ""},
        {"name": "x" * (LONGEST_NAME + 1)},
    ],
)
def test_the_database_refuses_what_a_view_may_not_be(
    view: SavedView, fields: dict[str, Any]
) -> None:
    usual = {"membership": view.membership, "name": "Other", "query": "tag=NAME", "place": 2}
    with pytest.raises(Exception) as refused, transaction.atomic():  # noqa: PT011
        SavedView.objects.create(**usual | fields)
    # PostgreSQL measures a column's text itself.
    assert isinstance(refused.value, IntegrityError) or "too long" in str(refused.value)
    assert SavedView.objects.create(**usual)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_same", [False, True])
def test_two_at_once_do_not_pass_the_limit_or_make_two(is_same: bool) -> None:
    ada = factories.person("Ada Lind", factories.NorthbankFactory(), 40)
    mine = factories.membership(ada)
    for number in range(MOST - 1):
        saved_views.save(mine, f"View {number}", f"tag=T{number}")

    def one(number: int, barrier: Barrier) -> str:
        barrier.wait()
        try:
            saved_views.save(mine, f"Last {number}", f"reason=R{number}")
        except saved_views.TooMany:
            return "too many"
        finally:
            connections.close_all()
        return "saved"

    expected = ["saved", "saved"] if is_same else ["saved", "too many"]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            barrier = Barrier(2)
            tries = [pool.submit(one, 0 if is_same else it, barrier) for it in range(2)]
            assert sorted(it.result() for it in tries) == expected
            assert SavedView.objects.count() == MOST
            SavedView.objects.filter(name__startswith="Last").delete()
