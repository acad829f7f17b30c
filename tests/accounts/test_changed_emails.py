"""Another e-mail is another person, as far as letters go: it is told to who must know."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, Kind, User
from tests import factories
from tests.accounts.test_admin_people import change, page

SignIn = Callable[[User], Client]
NEW = "mo.new@northbank.example"
WHY = "Mo asked by phone, called back at the desk"


@pytest.fixture
def moved(
    as_user: SignIn,
    sue: User,
    ada: User,
    amos: User,
    otto: User,
    mo: User,
) -> Client:
    """Sue gives Mo another address; Mo's browser."""
    browser = as_user(mo)
    assert browser.get("/profile/").status_code == 200
    fields = {"email": NEW, "name": mo.name, "is_active": "on", "why": WHY}
    answer = change(as_user(sue), page("user_change", mo.pk), **fields)
    assert answer.status_code == 302
    return browser


def test_the_former_address_and_the_admins_are_told(moved: Client, mo: User) -> None:
    told = {letter.to[0]: letter.body for letter in factories.sent()}
    assert set(told) == {mo.email, "ada@northbank.example", "amos@northbank.example"}
    for body in told.values():
        assert WHY in body
        assert NEW not in body
    assert mo.email in told["ada@northbank.example"]


def test_its_sessions_end(moved: Client) -> None:
    assert moved.get("/profile/").status_code == 302


def test_the_log_says_that_and_why(moved: Client, sue: User, mo: User) -> None:
    entry = AuditEntry.objects.filter(kind=Kind.USER_CHANGED).latest("pk")
    assert (entry.actor, entry.subject) == (sue.pk, f"user:{mo.pk}")
    assert entry.facts == {"email": "changed", "why": WHY}


@pytest.mark.parametrize("why", ["", "too short", " " * 20])
def test_without_a_why_nothing_changes(as_user: SignIn, sue: User, mo: User, why: str) -> None:
    browser = as_user(mo)
    fields = {"email": NEW, "name": mo.name, "is_active": "on", "why": why}
    answer = change(as_user(sue), page("user_change", mo.pk), **fields)
    assert answer.status_code == 422
    assert User.objects.get(pk=mo.pk).email == mo.email
    assert browser.get("/profile/").status_code == 200
    assert factories.sent() == []


def test_the_same_address_in_other_letters_is_no_change(
    as_user: SignIn, sue: User, mo: User
) -> None:
    fields = {"email": mo.email.upper(), "name": mo.name, "is_active": "on"}
    assert change(as_user(sue), page("user_change", mo.pk), **fields).status_code == 302
    assert factories.sent() == []
