"""Sessions beside their users: one statement, and every question that Django asks of them."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Partner, Session, User
from tests import factories
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]
ANY = "/accounts/2fa/"


def statements(client: Client, path: str = ANY) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in seen.captured_queries]


def key_of(client: Client) -> str:
    return client.session.session_key or ""


def test_session_user_and_memberships_come_in_one_statement(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    client.get(ANY)
    first, *rest = statements(client)
    assert all(f"accounts_{it}" in first for it in ("session", "user", "membership", "partner"))
    assert not [sql for sql in rest if "accounts_membership" in sql or "session" in sql]


@pytest.mark.parametrize(
    ("change", "works_there"),
    [
        ({"is_active": False}, False),
        ({"partner__is_active": False}, False),
        ({"role": 10}, True),
    ],
    ids=str,
)
def test_memberships_are_those_of_the_moment(
    ada: User, northbank: Partner, as_user: SignIn, change: dict, works_there: bool
) -> None:
    client = as_user(ada)
    assert client.get("/filter/").status_code == 200
    if "role" in change:
        change = {"role": factories.role(change["role"])}
    if "partner__is_active" in change:
        Partner.objects.filter(pk=northbank.pk).update(is_active=False)
    else:
        ada.memberships.update(**change)
    assert client.get("/filter/").status_code == (200 if works_there else 403)
    assert client.get("/team/").status_code == 403


def test_who_works_for_two_partners_is_told_of_both(
    ada: User, southpay: Partner, as_user: SignIn
) -> None:
    client = as_user(ada)
    assert "Southpay" not in client.get("/filter/").content.decode()
    ada.memberships.create(partner=southpay, role=factories.role(10))
    assert "Southpay" in client.get("/filter/").content.decode()


def test_the_frame_of_a_page_costs_two_statements(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    client.get("/filter/")
    people, reasons = 1, 1
    assert len(statements(client, "/filter/")) == 2 + people + reasons


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [
        ({}, True),
        ({"name": "Ada King"}, True),
        ({"is_active": False}, False),
        ({"password": "md5$other$other"}, False),
    ],
    ids=str,
)
def test_a_session_lasts_as_long_as_its_user_may_sign_in(
    ada: User, as_user: SignIn, change: dict, goes_on: bool
) -> None:
    client = as_user(ada)
    client.get(ANY)
    User.objects.filter(pk=ada.pk).update(**{"theme": "dark"} | change)
    assert (client.get(ANY).status_code == 200) is goes_on


def test_what_the_session_says_counts_and_not_the_column_beside_it(
    ada: User, amos: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    Session.objects.filter(pk=key_of(client)).update(user=amos)
    shown = client.get("/").content.decode()
    assert ada.email in shown
    assert amos.email not in shown


def test_a_backend_that_was_taken_away_signs_nobody_in(
    ada: User, as_user: SignIn, settings: LazySettings
) -> None:
    client = as_user(ada)
    assert client.get(ANY).status_code == 200
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert client.get(ANY).status_code == 302


def test_a_key_that_was_replaced_still_opens_while_it_is_kept(
    ada: User, as_user: SignIn, settings: LazySettings
) -> None:
    old = settings.SECRET_KEY
    client = as_user(ada)
    before = key_of(client)
    settings.SECRET_KEY = "n" * 60
    settings.SECRET_KEY_FALLBACKS = [old]
    assert client.get(ANY).status_code == 200
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(ANY).status_code == 200


def test_a_key_that_was_replaced_and_dropped_ends_every_session(
    ada: User, as_user: SignIn, settings: LazySettings
) -> None:
    client = as_user(ada)
    settings.SECRET_KEY = "n" * 60
    assert client.get(ANY).status_code == 302


def test_signing_in_gives_a_new_session_and_names_its_user(client: Client, ada: User) -> None:
    client.get("/accounts/login/")
    session = client.session
    session["before"] = "x"
    session.save()
    old = key_of(client)
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert key_of(client) not in ("", old)
    assert not Session.objects.filter(pk=old).exists()
    assert Session.objects.get(pk=key_of(client)).user == ada


def test_a_session_that_somebody_else_ends_is_over(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    Session.objects.filter(user=ada).delete()
    assert client.get(ANY).status_code == 302


def test_sessions_that_ran_out_are_cleared(ada: User, as_user: SignIn) -> None:
    old, new = as_user(ada), as_user(ada)
    past = timezone.now() - timedelta(minutes=1)
    Session.objects.filter(pk=key_of(old)).update(expire_date=past)
    assert old.get(ANY).status_code == 302
    call_command("clearsessions", stdout=StringIO())
    assert list(Session.objects.filter(user=ada).values_list("pk", flat=True)) == [key_of(new)]


def test_a_stranger_s_session_has_no_user(client: Client, db: None) -> None:
    session = client.session
    session["x"] = 1
    session.save()
    stored = Session.objects.get()
    assert stored.user is None
    assert SESSION_KEY not in stored.get_decoded()
