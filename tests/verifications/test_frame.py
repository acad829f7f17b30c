"""The frame around every page: whose it is, where it leads, and at what price."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Partner, User
from tests import factories
from tests.verifications import rows
from verifications import frame as frames

SignIn = Callable[[User], Client]


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


@pytest.fixture
def frame(rf: RequestFactory) -> Callable[..., Any]:
    def frame(user: Any, path: str = "/") -> frames.Shell:
        request = rf.get(path)
        request.user = user
        request.memberships = [factories.membership(user)] if user.pk else []
        request.membership = next(iter(request.memberships), None)
        return frames.shell(request)["shell"]

    return frame


def test_the_frame_costs_one_statement(
    frame: Callable, ada: User, django_assert_num_queries: Callable
) -> None:
    with django_assert_num_queries(2):  # whose frame it is, and what waits
        shell = frame(ada)
    assert shell.work.name == "Northbank"


@pytest.mark.parametrize("address", ["/", "/?days=all", "/verifications/"])
def test_a_page_and_its_frame_read_the_sums_of_all_time_once(
    as_user: SignIn, ada: User, address: str
) -> None:
    browser = as_user(ada)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    ever = [it for it in asked if "'standing'" in it["sql"] and '"day" = ' in it["sql"]]
    assert len(ever) == 1


def test_the_frame_of_a_stranger_is_empty_and_free(
    frame: Callable, django_assert_num_queries: Callable, db: None
) -> None:
    with django_assert_num_queries(0):
        shell = frame(AnonymousUser())
        assert shell.sections == ()
    assert not shell.work


def test_the_sidebar_counts_what_needs_a_decision(
    frame: Callable, northbank: Partner, southpay: Partner, vera: User
) -> None:
    rows.many(northbank, 2, suspected=True)
    rows.many(southpay, 5, suspected=True)
    _, (title, links) = frame(vera, "/verifications/").sections
    assert title == "ID Verifications"
    told = [(link.label, link.counter) for link in links]
    assert told == [("Verifications", 2), ("Disposed verifications", 0)]
    assert links[0].is_current


@pytest.mark.parametrize(("who", "sees_it"), [("ada", True), ("mo", False), ("otto", False)])
def test_the_demos_receiver_is_for_northbanks_admins(
    request: pytest.FixtureRequest, frame: Callable, settings: Any, who: str, sees_it: bool
) -> None:
    settings.DEMO = True
    sections = frame(request.getfixturevalue(who)).sections
    assert ("Demo receiver" in [link.label for _, links in sections for link in links]) == sees_it


@pytest.mark.parametrize(("who", "sees_it"), [("ada", True), ("otto", True), ("mo", False)])
def test_the_audit_log_is_for_admins(
    request: pytest.FixtureRequest, frame: Callable, who: str, sees_it: bool
) -> None:
    sections = frame(request.getfixturevalue(who)).sections
    assert ("Audit log" in [link.label for _, links in sections for link in links]) == sees_it


def test_the_current_page_is_marked(ada: User, as_user: SignIn) -> None:
    assert '<a href="/" aria-current="page">' in text(as_user(ada).get("/"))
    shown = text(as_user(ada).get(reverse("verification_list")))
    assert '<a href="/verifications/" aria-current="page">' in shown
    assert '<a href="/">' in shown


def test_the_search_box_keeps_what_was_typed_on_the_list(ada: User, as_user: SignIn) -> None:
    box = re.compile(r'<input[^>]*id="q"[^>]*>')
    browser = as_user(ada)
    assert 'value="alma"' in box.findall(text(browser.get("/verifications/?q=alma")))[0]
    assert 'value=""' in box.findall(text(browser.get("/?q=alma")))[0]


def test_a_name_is_text_in_every_menu(ada: User, northbank: Partner, as_user: SignIn) -> None:
    User.objects.filter(pk=ada.pk).update(name='<i>Ada</i> \'n "co"')
    Partner.objects.filter(pk=northbank.pk).update(name="<b>North</b>")
    shown = as_user(ada).get("/?x=<u>").content.decode()
    assert "&lt;i&gt;Ada&lt;/i&gt; &#39;n &#34;co&#34;" in shown
    assert "&lt;b&gt;North&lt;/b&gt;" in shown
    assert not re.search("<i>|<b>North|<u>", shown)


def test_a_frame_that_was_kept_is_not_shown_to_the_next(
    ada: User, vera: User, as_user: SignIn
) -> None:
    for user, other in ((ada, vera), (vera, ada), (ada, vera)):
        shown = text(as_user(user).get("/verifications/"))
        assert user.email in shown
        assert other.email not in shown


def test_a_change_of_name_or_theme_shows_at_once(ada: User, as_user: SignIn) -> None:
    browser = as_user(ada)
    browser.get("/")
    User.objects.filter(pk=ada.pk).update(name="Ada King", theme="dark")
    shown = text(browser.get("/"))
    assert "Ada King" in shown
    assert "Ada Lind" not in shown
    assert 'data-theme="dark"' in shown


def test_every_form_of_the_frame_carries_its_own_token(ada: User, as_user: SignIn) -> None:
    token = re.compile('name="csrfmiddlewaretoken" value="([^"]+)"')
    browser = as_user(ada)
    first, second = (token.findall(browser.get("/").content.decode()) for _ in range(2))
    assert len(set(first)) == len(set(second)) == 1
    assert first != second
    assert all(len(one) == 64 for one in first)


FIELDS = {"name": "Main", "address": "https://hooks.example/idv", "events": "IDENTIFICATION"}
FROM_ANOTHER_TAB: dict[str, dict[str, object]] = {
    "team_invite": {"email": "nia@northbank.example", "role": 40},
    "webhook_add": FIELDS,
    "webhook_undo_time": {"seen_revision": 1, "undo_seconds": 7},
}


@pytest.mark.parametrize("name", FROM_ANOTHER_TAB)
def test_a_form_is_of_the_partner_for_which_its_page_was_drawn(
    as_user: SignIn, ada: User, northbank: Partner, southpay: Partner, name: str
) -> None:
    factories.join(ada, southpay, 40)
    browser, fields = as_user(ada), dict(FROM_ANOTHER_TAB[name])
    if "role" in fields:
        fields["role"] = factories.role(40).pk
    browser.post(reverse("switch_partner"), {"partner": southpay.key, "next": "/"})
    answer = browser.post(reverse(name), fields | {"opened_for": northbank.pk})
    assert answer.status_code == 302
    made = {
        "team_invite": lambda partner: partner.invitations.count(),
        "webhook_add": lambda partner: partner.endpoints.count(),
        "webhook_undo_time": lambda partner: int(partner.undo_seconds == 7),
    }[name]
    northbank.refresh_from_db()
    southpay.refresh_from_db()
    assert (made(northbank), made(southpay)) == (1, 0)


@pytest.mark.parametrize("name", ["webhook_undo_time", "set_theme"])
def test_what_is_refused_switches_nothing(
    ada: User, northbank: Partner, southpay: Partner, name: str
) -> None:
    factories.join(ada, southpay, 40)
    browser = Client(enforce_csrf_checks=True)
    factories.sign_in(browser, ada)
    refused = browser.post(reverse(name), {"opened_for": southpay.pk})
    assert refused.status_code == 403
    assert f'name="opened_for" value="{northbank.pk}"' in text(browser.get("/"))
