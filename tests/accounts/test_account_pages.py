"""The switches in the top bar, the pages about one's own account, and the error pages."""

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Membership, Partner, Rank, Role, User
from idv_dashboard import errors
from tests import factories
from tests.conftest import PASSWORD

Browser = Callable[[User], Client]

OWN_PAGES = [
    "account_change_password",
    "account_reauthenticate",
    "mfa_index",
    "mfa_list_webauthn",
    "profile",
    "team",
    "team_invite",
    "usersessions_list",
]
OPEN_PAGES = ["account_login", "account_reset_password", "account_reset_password_done"]
OPEN_PAGES += ["account_reset_password_from_key_done"]
# What the content security policy would refuse, and what no page of ours may lean on.
INLINE = re.compile(
    r"<[^>]+\s(style|on\w+)=|<style|<script(?![^>]*\ssrc=)(?![^>]*application/json)"
)


@pytest.fixture
def browser(as_user: Browser, ada: User) -> Client:
    return as_user(ada)


@pytest.mark.parametrize("theme", ["light", "dark", ""])
def test_the_theme_is_remembered(browser: Client, ada: User, theme: str) -> None:
    browser.post(reverse("set_theme"), {"theme": theme})
    ada.refresh_from_db()
    assert ada.theme == theme
    page = browser.get(reverse("account_reauthenticate")).content.decode()
    assert (f'data-theme="{theme}"' in page) == bool(theme)


@pytest.mark.parametrize("theme", ["purple", "LIGHT", "x" * 1000])
def test_an_unknown_theme_changes_nothing(browser: Client, ada: User, theme: str) -> None:
    assert browser.post(reverse("set_theme"), {"theme": theme}).status_code == 422
    ada.refresh_from_db()
    assert ada.theme == ""


@pytest.mark.parametrize(("choice", "kept"), [("on", True), ("off", False), ("", False)])
def test_shortcuts_can_be_switched(browser: Client, ada: User, choice: str, kept: bool) -> None:
    browser.post(reverse("set_shortcuts"), {"shortcuts": choice})
    ada.refresh_from_db()
    assert ada.has_shortcuts is kept


@pytest.mark.parametrize("name", ["set_theme", "set_shortcuts", "switch_partner"])
def test_switches_take_posts_only(browser: Client, name: str) -> None:
    assert browser.get(reverse(name)).status_code == 405


@pytest.mark.parametrize("name", ["set_theme", "set_shortcuts", "switch_partner"])
def test_switches_ask_who_it_is(client: Client, db: None, name: str) -> None:
    assert client.post(reverse(name)).url.startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("back", "leads"),
    [("/verifications/?q=a", "/verifications/?q=a"), ("//evil.example/", "/"), ("", "/")],
)
def test_a_switch_leads_back_and_never_away(browser: Client, back: str, leads: str) -> None:
    response = browser.post(reverse("set_theme"), {"theme": "dark", "next": back})
    assert response.url == leads


def test_the_partner_can_be_switched(browser: Client, ada: User, southpay: Partner) -> None:
    role = Role.objects.get(rank=Rank.VIEWER)
    Membership.objects.create(user=ada, partner=southpay, role=role)
    response = browser.post(reverse("switch_partner"), {"partner": "southpay"})
    assert response.status_code == 302
    page = browser.get(reverse("mfa_index"))
    assert page.wsgi_request.membership.partner == southpay


@pytest.mark.parametrize("key", ["southpay", "unknown", "", "x" * 500])
def test_a_partner_of_somebody_else_is_not_there(
    browser: Client, southpay: Partner, key: str
) -> None:
    assert browser.post(reverse("switch_partner"), {"partner": key}).status_code == 404


def test_a_membership_that_ended_is_not_there(
    browser: Client, ada: User, southpay: Partner
) -> None:
    role = Role.objects.get(rank=Rank.VIEWER)
    Membership.objects.create(user=ada, partner=southpay, role=role, is_active=False)
    assert browser.post(reverse("switch_partner"), {"partner": "southpay"}).status_code == 404


@pytest.mark.parametrize("name", OWN_PAGES)
def test_pages_of_ones_own_are_ours_and_have_nothing_inline(browser: Client, name: str) -> None:
    page = browser.get(reverse(name)).content.decode()
    assert "IDV Dashboard</title>" in page
    assert not INLINE.search(page)


@pytest.mark.parametrize("name", OPEN_PAGES)
def test_open_pages_are_ours_and_have_nothing_inline(client: Client, db: None, name: str) -> None:
    page = client.get(reverse(name)).content.decode()
    assert "IDV Dashboard</title>" in page
    assert not INLINE.search(page)


def test_a_second_factor_is_set_up_after_the_password_is_given_again(
    client: Client, ada: User
) -> None:
    browser = client
    browser.force_login(ada)
    first = browser.get(reverse("mfa_activate_totp"))
    assert first.url.startswith(reverse("account_reauthenticate"))
    second = browser.post(first.url, {"password": PASSWORD})
    page = browser.get(second.url).content.decode()
    assert "<svg" in page.split('class="qr"')[1]
    assert not INLINE.search(page)


def test_a_reset_leads_to_a_new_password(client: Client, ada: User) -> None:
    client.post(reverse("account_reset_password"), {"email": ada.email})
    (sent,) = factories.sent()
    link = re.search(r"http://testserver(/\S+)", sent.body)[1]
    form = client.get(link, follow=True)
    new = "a-Quite-new-phrase-77"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    ada.refresh_from_db()
    assert ada.check_password(new)
    assert client.get(link).status_code == 200
    assert "no longer works" in client.get(link).content.decode()


def test_a_reset_keeps_no_second_list_of_addresses(client: Client, ada: User) -> None:
    """An address that support took away would go on signing in."""
    client.post(reverse("account_reset_password"), {"email": ada.email})
    assert len(factories.sent()) == 1
    assert not EmailAddress.objects.exists()


def test_a_reset_does_not_tell_who_has_an_account(client: Client, ada: User) -> None:
    known = client.post(reverse("account_reset_password"), {"email": ada.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "no@northbank.example"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert [sent.to for sent in factories.sent()] == [[ada.email]]


def test_what_is_not_there_looks_the_same_to_everyone(client: Client, browser: Client) -> None:
    answers = [client.get("/nothing/"), browser.get("/nothing/"), browser.get("/accounts/x/")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert b"<form" not in answers[0].content


@pytest.mark.parametrize("status", errors.WORDS)
def test_every_error_page_says_what_happened_and_leads_back(status: int) -> None:
    response = errors.page(RequestFactory().get("/"), status)
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{errors.WORDS[status].title}</h1>" in page
    assert 'href="/"' in page


def test_a_page_too_old_to_send_gives_back_what_was_typed(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    typed = "Spoke to <b>the fraud desk</b>"
    response = client.post(reverse("set_theme"), {"internal_note": typed, "theme": "dark"})
    page = response.content.decode()
    assert response.status_code == 403
    assert "Spoke to &lt;b&gt;the fraud desk&lt;/b&gt;</textarea>" in page
    assert "Internal note" in page


def test_a_field_ties_its_error_to_itself() -> None:
    page = (
        engines["jinja2"]
        .env.get_template("components.html")
        .module.field_error("Choose one", "x-error")
    )
    assert 'id="x-error"' in page


@pytest.mark.parametrize(
    "credential",
    ["", "5", "[]", '"x"', "{}", '{"id": 1}', "[" * 5000, '{"id": "\\ud800"}', "x" * 50_000],
)
def test_a_passkey_that_is_none_is_refused(client: Client, db: None, credential: str) -> None:
    response = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert (response.status_code, response.url) == (302, reverse("account_login"))
    assert "_auth_user_id" not in client.session
