"""The second step and what stands around it: each code once, resets, sessions, support's door."""

import re
import time
from collections.abc import Callable

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import sessions
from accounts.models import AuditEntry, Kind, User
from tests import factories
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]
LOGIN, CODE = "/accounts/login/", "/accounts/2fa/authenticate/"
SECRET = "JBSWY3DPEHPK3PXP"
NEW = "violet-Harbour-42"


@pytest.fixture
def ada(ada: User) -> User:
    TOTP.activate(ada, SECRET)
    return ada


def code_now() -> str:
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))


def begin(client: Client, user: User, password: str = PASSWORD, **more: str) -> HttpResponse:
    return client.post(LOGIN, {"login": user.email, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_password_alone_opens_nothing(client: Client, ada: User) -> None:
    assert begin(client, ada).url == CODE
    assert not is_signed_in(client)
    for path in ("/", "/verifications/", "/team/", "/accounts/2fa/", "/profile/"):
        assert client.get(path).url.startswith(LOGIN)
    assert not AuditEntry.objects.filter(kind=Kind.SIGNED_IN).exists()


def test_with_the_code_one_is_in(client: Client, ada: User) -> None:
    begin(client, ada, next="/audit/")
    assert client.post(CODE, {"code": code_now()}).url == "/audit/"
    assert is_signed_in(client)
    assert AuditEntry.objects.filter(kind=Kind.SIGNED_IN, actor=ada.pk).count() == 1


def change_password(user: User) -> None:
    user.set_password(NEW)
    user.save()


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("meanwhile", [change_password, sessions.end, switch_off])
def test_a_sign_in_ends_between_its_steps_with_the_sessions(
    client: Client, ada: User, meanwhile: Callable[[User], None]
) -> None:
    begin(client, ada)
    meanwhile(ada)
    assert client.post(CODE, {"code": code_now()}).url == LOGIN
    assert "Sign in again." in client.get(LOGIN).content.decode()
    assert client.post(CODE, {"code": code_now()}).url == LOGIN
    assert not is_signed_in(client)
    (entry,) = AuditEntry.objects.filter(subject=f"user:{ada.pk}")
    assert (entry.kind, entry.actor) == (Kind.SIGN_IN_FAILED, None)


def test_a_code_is_refused_the_second_time(client: Client, ada: User) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        code = code_now()
        begin(client, ada)
        client.post(CODE, {"code": code})
        assert is_signed_in(client)
        other = Client()
        begin(other, ada)
        answer = other.post(CODE, {"code": code})
        assert answer.status_code == 200
        assert not is_signed_in(other)


def test_a_code_is_refused_the_second_time_for_proof_too(ada: User, client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        client.force_login(ada)
        ask = "/accounts/2fa/reauthenticate/?next=/team/invite/"
        assert client.post(ask, {"code": code_now()}).url == "/team/invite/"
        other = Client()
        other.force_login(ada)
        assert other.post(ask, {"code": code_now()}).status_code == 200
        assert other.get("/team/invite/").status_code == 302


@pytest.mark.parametrize("wrong", ["", "000000", "1", "abc", "\0", "9" * 5000, "１２３４５６"])
def test_a_code_that_is_none_is_only_wrong(client: Client, ada: User, wrong: str) -> None:
    begin(client, ada)
    assert client.post(CODE, {"code": wrong}).status_code in (200, 400)
    assert not is_signed_in(client)


def test_codes_cannot_be_guessed_without_end(client: Client, ada: User) -> None:
    """Five for this person; from then on the right one is not looked at either."""
    begin(client, ada)
    for _ in range(5):
        client.post(CODE, {"code": "000000"})
    page = client.post(CODE, {"code": code_now()}).content.decode()
    assert "Too many attempts" in page
    assert not is_signed_in(client)


def test_a_recovery_code_works_once(client: Client, ada: User) -> None:
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    begin(client, ada)
    client.post(CODE, {"code": code})
    assert is_signed_in(client)
    other = Client()
    begin(other, ada)
    other.post(CODE, {"code": code})
    assert not is_signed_in(other)
    codes = Authenticator.objects.get(user=ada, type=Authenticator.Type.RECOVERY_CODES)
    assert code not in codes.wrap().get_unused_codes()


def reset_password(ada: User) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": ada.email})
    link = re.search(r"http://testserver(/\S+)", str(factories.sent()[-1].body))
    assert link
    form = client.get(link[1], follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": NEW, "password2": NEW})
    assert not is_signed_in(client)


def test_a_new_password_by_mail_keeps_the_second_step(client: Client, ada: User) -> None:
    reset_password(ada)
    assert begin(client, ada, NEW).url == CODE
    assert not is_signed_in(client)


def test_a_new_password_by_mail_ends_every_session(as_user: SignIn, ada: User) -> None:
    sessions = [as_user(ada), as_user(ada)]
    reset_password(ada)
    assert [one.get("/").status_code for one in sessions] == [302, 302]


def test_a_changed_password_ends_every_other_session(as_user: SignIn, ada: User) -> None:
    here, elsewhere = as_user(ada), as_user(ada)
    fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post("/accounts/password/change/", fields).status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_one_sees_ones_sessions_and_ends_the_others(client: Client, amos: User) -> None:
    elsewhere = Client(HTTP_USER_AGENT="Elsewhere/1.0")
    for one in (client, elsewhere):
        begin(one, amos)
    page = client.get("/accounts/sessions/").content.decode()
    assert "Elsewhere/1.0" in page
    assert page.count("This one") == 1
    client.post("/accounts/sessions/")
    assert client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_a_session_known_before_signing_in_is_another_one_after(client: Client, ada: User) -> None:
    session = client.session
    session["planted"] = "here"
    session.save()
    chosen = session.session_key
    client.cookies["sid"] = chosen
    begin(client, ada)
    between = client.session.session_key
    client.post(CODE, {"code": code_now()})
    assert is_signed_in(client)
    assert client.session.session_key not in (chosen, between)
    stranger = Client()
    for key in (chosen, between):
        stranger.cookies["sid"] = key
        assert stranger.get("/").status_code == 302


def test_a_session_id_that_we_did_not_give_is_not_taken(client: Client, amos: User) -> None:
    client.cookies["sid"] = "a" * 32
    begin(client, amos)
    assert is_signed_in(client)
    assert client.session.session_key != "a" * 32


def test_reading_a_link_signs_nobody_out(as_user: SignIn, amos: User) -> None:
    client = as_user(amos)
    assert client.get("/accounts/logout/").status_code == 405
    assert is_signed_in(client)


def test_support_signs_in_by_the_same_door_with_the_second_step(
    client: Client, sue: User, settings: LazySettings
) -> None:
    settings.REQUIRE_MFA = True
    assert client.get("/admin/").status_code == 302
    begin(client, sue)
    assert client.get("/admin/").url == "/accounts/2fa/"
    TOTP.activate(sue, SECRET)
    client.post("/accounts/logout/")
    door = client.get("/admin/").url
    assert door == "/admin/login/?next=/admin/"
    assert client.get(door).url == "/accounts/login/?next=%2Fadmin%2F"
    assert begin(client, sue, next="/admin/").url == CODE
    assert client.get("/admin/").status_code == 302
    assert client.post(CODE, {"code": code_now()}).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_taking_a_factor_away_asks_who_it_is(client: Client, ada: User) -> None:
    factories.sign_in(client, ada)
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 200
    client.force_login(ada)
    session = client.session
    session.pop("account_authentication_methods")
    session.save()
    answer = client.post("/accounts/2fa/totp/deactivate/")
    assert answer.url.startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.filter(user=ada).exists()
