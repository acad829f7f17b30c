"""The sign-in page: one sentence for every failure, and a wait that never locks the owner out."""

import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import hashers
from django.http import HttpResponse
from django.test import Client
from django.test.client import FakePayload
from django.urls import reverse

from accounts.forms import WAIT, WRONG
from accounts.hashers import Argon2
from accounts.models import AuditEntry, Kind, Membership, Partner, Rank, Role, User
from tests import factories
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"
ELSEWHERE = "203.0.113.9"


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    address = more.pop("REMOTE_ADDR", "192.0.2.1")
    fields = {"login": email, "password": password, **more}
    return client.post(LOGIN, fields, REMOTE_ADDR=address)


def body_of(response: HttpResponse) -> str:
    """The page without what differs from one answer to the next by nature."""
    page = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", response.content.decode())
    return re.sub(r'(type="email"[^>]* value=")[^"]*', r"\1", page)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_right_password_signs_in(client: Client, ada: User) -> None:
    response = sign_in(client, ada.email)
    assert (response.status_code, response.url) == (302, reverse("home"))
    assert is_signed_in(client)


def test_the_email_may_be_typed_in_capitals_and_with_spaces(client: Client, ada: User) -> None:
    sign_in(client, f"  {ada.email.upper()} ")
    assert is_signed_in(client)


@pytest.fixture
def bea(northbank: Partner) -> User:
    """Was made by support and never chose a password."""
    bea = factories.person("Bea Fox", northbank, 10)
    bea.set_unusable_password()
    bea.save()
    return bea


def test_every_failure_looks_the_same(client: Client, ada: User, amos: User, bea: User) -> None:
    User.objects.filter(pk=amos.pk).update(is_active=False)
    answers = [
        sign_in(client, ada.email, "not the password"),
        sign_in(client, "nobody@northbank.example"),
        sign_in(client, amos.email),
        sign_in(client, bea.email),
        sign_in(client, "not an e-mail"),
        sign_in(client, "", ""),
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({body_of(answer) for answer in answers}) == 1
    assert len({len(body_of(answer)) for answer in answers}) == 1
    assert WRONG in body_of(answers[0])
    assert not is_signed_in(client)


FAILURES = {
    "wrong password": ("ada@northbank.example", "not the password"),
    "unknown": ("nobody@northbank.example", PASSWORD),
    "inactive": ("amos@northbank.example", PASSWORD),
    "inactive, wrong password": ("amos@northbank.example", "not the password"),
    "no usable password": ("bea@northbank.example", PASSWORD),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_costs_one_hash(
    client: Client, ada: User, amos: User, bea: User, failure: str
) -> None:
    """The work that takes time: one hash, whoever it is; none once somebody must wait."""
    User.objects.filter(pk=amos.pk).update(is_active=False)
    with mock.patch.object(hashers.MD5PasswordHasher, "encode", return_value="x$y$z") as hash_:
        for _ in range(5):
            sign_in(client, *FAILURES[failure])
        assert hash_.call_count == 5
        assert sign_in(client, *FAILURES[failure]).status_code == 429
        assert hash_.call_count == 5


def test_a_failed_page_keeps_the_email_and_not_the_password(client: Client, ada: User) -> None:
    page = sign_in(client, ada.email, "typed by mistake").content.decode()
    assert f'value="{ada.email}"' in page
    assert "typed by mistake" not in page


def test_the_sixth_failure_is_told_to_wait(client: Client, ada: User) -> None:
    codes = [sign_in(client, ada.email, "wrong").status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


def test_whoever_must_wait_is_told_how_long(client: Client, ada: User) -> None:
    for _ in range(5):
        sign_in(client, ada.email, "wrong")
    response = sign_in(client, ada.email)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "300"
    assert WAIT in response.content.decode()
    assert not is_signed_in(client)


def test_an_unknown_account_must_wait_as_a_known_one(client: Client, db: None) -> None:
    codes = [sign_in(client, "nobody@northbank.example").status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


def test_no_password_is_hashed_while_waiting(client: Client, ada: User) -> None:
    for _ in range(5):
        sign_in(client, ada.email, "wrong")
    with (
        mock.patch.object(User, "check_password") as check,
        mock.patch.object(User, "set_password") as hash_for_time,
    ):
        sign_in(client, ada.email)
        assert not check.called
        assert not hash_for_time.called


def test_an_unknown_account_costs_a_hash_as_a_known_one_does(client: Client, db: None) -> None:
    with mock.patch.object(User, "set_password") as hash_for_time:
        sign_in(client, "nobody@northbank.example", "wrong")
    assert hash_for_time.call_count == 1


def test_requests_without_end_are_told_to_wait_too(client: Client, db: None) -> None:
    codes = [sign_in(client, "", "").status_code for _ in range(30)]
    response = sign_in(client, "", "")
    assert (set(codes), response.status_code) == ({200}, 429)
    assert response.headers["Retry-After"] == "300"
    assert WAIT in response.content.decode()


def test_the_owner_signs_in_from_elsewhere_meanwhile(client: Client, ada: User) -> None:
    for _ in range(6):
        sign_in(client, ada.email, "wrong")
    sign_in(client, ada.email, REMOTE_ADDR=ELSEWHERE)
    assert is_signed_in(client)


def test_an_address_waits_after_twenty_failures(client: Client, ada: User) -> None:
    codes = [sign_in(client, f"guess{n}@northbank.example").status_code for n in range(20)]
    assert codes == [200] * 20
    assert sign_in(client, ada.email).status_code == 429


def test_signing_in_does_not_use_up_attempts(client: Client, ada: User) -> None:
    for _ in range(7):
        sign_in(client, ada.email)
        client.logout()
    sign_in(client, ada.email)
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "email",
    ["a\0b@northbank.example", "x" * 10_000 + "@northbank.example", "'; --", "\u202e@x.example"],
)
def test_a_strange_email_is_only_wrong(client: Client, db: None, email: str) -> None:
    response = sign_in(client, email)
    assert response.status_code == 200
    assert WRONG in response.content.decode()


@pytest.mark.parametrize("name", ["login", "password", "next"])
def test_text_that_is_no_text_is_refused(client: Client, ada: User, name: str) -> None:
    """A charset may turn plain bytes into lone surrogates."""
    fields = {"login": ada.email, "password": "wrong", "next": "/", name: r"/\ud800@x.example"}
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    response = client.generic(
        "POST",
        LOGIN,
        "".join([*parts, "--x--\r\n"]).encode(),
        "multipart/form-data; boundary=x; charset=unicode_escape",
    )
    assert response.status_code == 400


def test_a_password_too_long_is_refused_unhashed(client: Client, ada: User) -> None:
    with mock.patch.object(User, "check_password") as check:
        response = sign_in(client, ada.email, "x" * 4097)
    assert not check.called
    assert WRONG in response.content.decode()


def test_a_password_of_a_megabyte_is_refused(client: Client, ada: User) -> None:
    assert sign_in(client, ada.email, "x" * 1_000_000).status_code == 413


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, db: None, method: str) -> None:
    assert getattr(client, method)(LOGIN).status_code == 405


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_the_answer_is_a_page_whatever_is_asked_for(client: Client, ada: User, accept: str) -> None:
    response = client.post(
        LOGIN,
        {"login": ada.email, "password": "wrong"},
        HTTP_ACCEPT=accept,
        HTTP_X_REQUESTED_WITH="XMLHttpRequest",
    )
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.status_code == 200


def test_signing_in_goes_on_to_the_page_that_was_asked_for(client: Client, ada: User) -> None:
    assert sign_in(client, ada.email, next="/verifications/?q=x").url == "/verifications/?q=x"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://localhost:9999/",
        "http://127.0.0.1/",
        "https://testserver@evil.example/",
        "\thttps://evil.example/",
    ],
)
def test_signing_in_never_leads_to_another_host(client: Client, ada: User, elsewhere: str) -> None:
    assert sign_in(client, ada.email, next=elsewhere).url == reverse("home")


def test_whoever_is_signed_in_is_sent_home(as_user: Callable[[User], Client], ada: User) -> None:
    response = as_user(ada).get(LOGIN)
    assert (response.status_code, response.url) == (302, reverse("home"))


def test_support_goes_to_django_admin(client: Client, sue: User) -> None:
    assert sign_in(client, sue.email).url == reverse("admin:index")


def test_whoever_belongs_to_nobody_still_goes_home(client: Client, ada: User) -> None:
    ada.memberships.update(is_active=False)
    assert sign_in(client, ada.email).url == reverse("home")


def test_support_with_a_membership_goes_home(client: Client, sue: User, northbank: Partner) -> None:
    role = Role.objects.get(rank=Rank.VIEWER)
    Membership.objects.create(user=sue, partner=northbank, role=role)
    assert sign_in(client, sue.email).url == reverse("home")


def test_nobody_can_sign_up(client: Client, db: None) -> None:
    assert client.get("/accounts/signup/").status_code == 404
    assert client.get("/accounts/email/").status_code == 404


def test_signing_in_and_out_is_logged(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    client.post("/accounts/logout/")
    entries = AuditEntry.objects.filter(stream=f"u/{ada.pk}").order_by("seq")
    assert [entry.kind for entry in entries] == [Kind.SIGNED_IN, Kind.SIGNED_OUT]
    assert {entry.actor for entry in entries} == {ada.pk}
    assert {entry.subject for entry in entries} == {f"user:{ada.pk}"}


def test_a_failure_is_logged_on_the_user(client: Client, ada: User) -> None:
    sign_in(client, ada.email, "wrong")
    entry = AuditEntry.objects.get(kind=Kind.SIGN_IN_FAILED)
    assert (entry.stream, entry.subject, entry.actor) == (f"u/{ada.pk}", f"user:{ada.pk}", None)


def test_what_was_typed_is_never_logged(client: Client, db: None) -> None:
    sign_in(client, "secret-word@northbank.example", "another-secret")
    entry = AuditEntry.objects.get(kind=Kind.SIGN_IN_FAILED)
    assert (entry.stream, entry.subject) == ("s/sign-in", "user:unknown")
    assert "secret" not in entry.body


def test_passwords_are_hashed_with_argon2() -> None:
    assert Argon2().encode("x", "somesaltsomesalt").startswith("argon2$argon2id$")


def test_a_body_that_breaks_off_is_no_server_error(db: None) -> None:
    class Broken(FakePayload):
        def read(self, *args: Any, **options: Any) -> bytes:
            raise OSError("the other side went away")

    broken = {
        "wsgi.input": Broken(b"x"),
        "CONTENT_LENGTH": "9",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    client = Client(raise_request_exception=False)
    assert client.generic("POST", reverse("account_login"), **broken).status_code == 400
