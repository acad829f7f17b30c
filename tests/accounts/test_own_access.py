"""What people change about how they sign in is in the log, and they are told of it by letter."""

import getpass
import re
import time
from collections.abc import Callable
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.webauthn.internal import auth
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts import audit, own_access
from accounts.models import AuditEntry, Kind, Letter, User
from tests import factories
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]
NEW_PASSWORD, STEP = Kind.PASSWORD_CHANGED, Kind.SECOND_FACTOR_CHANGED
NEW = "violet-Harbour-42"
TWICE = {"password1": NEW, "password2": NEW}
PASSKEY = {"type": Authenticator.Type.WEBAUTHN, "data": {"name": "Key", "credential": {}}}


def change_password(client: Client, user: User) -> None:
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **TWICE})


def set_first_password(client: Client, user: User) -> None:
    user.set_unusable_password()
    user.save()
    factories.sign_in(client, user)
    client.post(reverse("account_set_password"), TWICE)


def reset_password(client: Client, user: User) -> None:
    """In the browser where they are signed in."""
    client.post(reverse("account_reset_password"), {"email": user.email})
    link = re.search(r"http://testserver(/\S+)", str(factories.sent()[-1].body))
    mail.outbox.clear()
    assert link
    client.post(client.get(link[1]).url, TWICE)


def switch_app_on(client: Client, user: User) -> None:
    address = reverse("mfa_activate_totp")
    secret = client.get(address).context["form"].secret
    client.post(address, {"code": format_hotp_value(hotp_value(secret, int(time.time()) // 30))})


def switch_app_off(client: Client, user: User) -> None:
    factories.second_factor(user)
    client.post(reverse("mfa_deactivate_totp"))


def make_codes(client: Client, user: User) -> None:
    factories.second_factor(user)
    client.post(reverse("mfa_generate_recovery_codes"))


def add_passkey(client: Client, user: User) -> None:
    client.post(reverse("mfa_add_webauthn"), {"name": "Key", "credential": '{"id": "x"}'})


def remove_passkey(client: Client, user: User) -> None:
    key = Authenticator.objects.create(user=user, **PASSKEY)
    client.post(reverse("mfa_remove_webauthn", args=[key.pk]))


@pytest.fixture
def ceremony(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes whatever a browser sends for a passkey."""
    monkeypatch.setattr(auth, "parse_registration_response", lambda sent: None)
    monkeypatch.setattr(auth, "complete_registration", lambda sent: None)


@pytest.mark.usefixtures("ceremony")
@pytest.mark.parametrize(
    ("change", "kind", "facts", "said"),
    [
        (change_password, NEW_PASSWORD, {"by_link": False}, "was signed in as you"),
        (set_first_password, NEW_PASSWORD, {"by_link": False}, "was signed in as you"),
        (reset_password, NEW_PASSWORD, {"by_link": True}, "followed a link"),
        (switch_app_on, STEP, {"what": "app", "how": "added"}, "app was added"),
        (switch_app_off, STEP, {"what": "app", "how": "removed"}, "app was removed"),
        (make_codes, STEP, {"what": "recovery codes", "how": "replaced"}, "New recovery codes"),
        (add_passkey, STEP, {"what": "passkey", "how": "added"}, "passkey was added"),
        (remove_passkey, STEP, {"what": "passkey", "how": "removed"}, "passkey was removed"),
    ],
)
def test_changing_ones_own_access_is_logged_and_told(
    as_user: SignIn,
    ada: User,
    change: Callable[[Client, User], None],
    kind: Kind,
    facts: dict[str, Any],
    said: str,
) -> None:
    change(as_user(ada), ada)
    (entry,) = AuditEntry.objects.all()
    assert (entry.kind, entry.actor, entry.partner) == (kind, ada.pk, None)
    assert (entry.subject, entry.stream) == (f"user:{ada.pk}", f"u/{ada.pk}")
    assert entry.facts == facts
    (letter,) = factories.sent()
    assert letter.to == [ada.email]
    assert said in letter.body


def test_ending_ones_other_sessions_is_in_the_log(client: Client, ada: User) -> None:
    ended = AuditEntry.objects.filter(kind=Kind.SIGNED_OUT_ELSEWHERE)
    for browser in (client, Client(), Client()):
        browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    client.post("/accounts/sessions/")
    entry = ended.get()
    assert (entry.actor, entry.subject) == (ada.pk, f"user:{ada.pk}")
    assert entry.facts == {"sessions": 2}
    client.post("/accounts/sessions/")
    assert ended.count() == 1


def test_a_password_that_cannot_be_logged_stays(
    as_user: SignIn, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_user(ada)
    client.raise_request_exception = False
    monkeypatch.setattr(own_access.audit, "record", lambda *_, **__: 1 / 0)
    change_password(client, ada)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_a_new_password_brings_back_nothing_that_support_took_meanwhile(
    as_user: SignIn, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a while to make: the user was read before."""
    client, make = as_user(ada), User.set_password

    def slow(user: User, password: str) -> None:
        make(user, password)
        User.objects.filter(pk=ada.pk).update(is_active=False, name="Ada King")

    monkeypatch.setattr(User, "set_password", slow)
    change_password(client, ada)
    monkeypatch.undo()
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert (ada.is_active, ada.name) == (False, "Ada King")


def by_command(monkeypatch: pytest.MonkeyPatch, email: str, *typed: str) -> str:
    left = iter(typed)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(left))
    said = StringIO()
    call_command("changepassword", email, stdout=said)
    return said.getvalue()


def test_a_password_set_by_command_is_logged_and_told(
    as_user: SignIn, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_user(ada)
    assert "signed out everywhere" in by_command(monkeypatch, ada.email.upper(), NEW, NEW)
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert browser.get("/").status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.actor, entry.subject) == (NEW_PASSWORD, None, f"user:{ada.pk}")
    assert entry.facts == {"by_command": True}
    (letter,) = factories.sent()
    assert letter.to == [ada.email]
    assert "Whoever runs this site" in letter.body


@pytest.mark.parametrize(
    ("email", "typed", "said"),
    [
        ("nobody@x.example", (NEW, NEW), "Nobody signs in as nobody@x.example"),
        ("ada@northbank.example", (NEW, NEW + "!"), "match"),
        ("ada@northbank.example", ("password", "password"), "too common"),
        ("ada@northbank.example", ("", ""), "is required"),
    ],
)
def test_a_command_that_sets_no_password_says_why(
    ada: User, monkeypatch: pytest.MonkeyPatch, email: str, typed: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        by_command(monkeypatch, email, *typed)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert not AuditEntry.objects.exists()


def test_a_password_that_the_command_cannot_log_stays(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "record", mock.Mock(side_effect=OperationalError))
    with pytest.raises(OperationalError):
        by_command(monkeypatch, ada.email, NEW, NEW)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.usefixtures("ceremony")
@pytest.mark.parametrize(
    "change", [switch_app_on, switch_app_off, make_codes, add_passkey, remove_passkey]
)
@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (OperationalError("locked"), 503, "Nothing was changed"),
        (ZeroDivisionError(), 500, "may not have been saved"),
    ],
)
def test_a_second_step_that_cannot_be_logged_stays_as_it_is(
    as_user: SignIn,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Client, User], None],
    fault: Exception,
    status: int,
    said: str,
) -> None:
    client, answers = as_user(ada), []
    client.raise_request_exception = False
    post = client.post

    def watched(*args: Any, **options: Any) -> Any:
        before = list(Authenticator.objects.values())
        answers.append(post(*args, **options))
        assert list(Authenticator.objects.values()) == before
        return answers[-1]

    monkeypatch.setattr(client, "post", watched)
    monkeypatch.setattr(audit, "record", mock.Mock(side_effect=fault))
    change(client, ada)
    (answer,) = answers
    assert (answer.status_code, said in answer.content.decode()) == (status, True)
    assert not Letter.objects.exists()
    # And no page says that it was done.
    assert not list(client.get(reverse("mfa_index")).context["messages"])
