"""The database is locked, full or away: 503, nothing half done, and what was typed is kept."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from accounts import middleware
from accounts.models import Partner, User
from tests import factories
from verifications import decisions
from verifications.callbacks import intake, provider
from verifications.models import Decision, Note, ProviderCallback, Verification

SignIn = Callable[[User], Client]
FAULTS = [OperationalError("database is locked"), InterfaceError("connection already closed")]
NOTE = "Forged: see line 2 <b>of the zone</b>"
MESSAGE = "Please send\nanother document."


class Form(HTMLParser):
    """What the page's form would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields, self._area = "", {}, ""  # type: ignore[var-annotated]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        told = dict(attrs)
        if tag == "form":
            self.action = told["action"]
        if tag == "input":
            self.fields.setdefault(told["name"], []).append(told["value"])
        self._area = told["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._area:
            # The first line break after <textarea> is not part of its text.
            self.fields.setdefault(self._area, []).append(data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        self._area = ""


def denial(it: Verification) -> dict[str, Any]:
    return {
        "seen_revision": it.revision,
        "request_key": str(uuid.uuid4()),
        "reasons": ["DOC_FAKE", "UNDER_AGE"],
        "message_to_applicant": MESSAGE,
        "internal_note": NOTE,
    }


@contextmanager
def fault(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, error: Exception) -> Iterator:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(place, name, fail)
        yield


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_denial_that_could_not_be_saved_is_sent_again_by_one_button(
    monkeypatch: pytest.MonkeyPatch,
    as_user: SignIn,
    ada: User,
    approved: Verification,
    error: Exception,
) -> None:
    client = as_user(ada)
    address = reverse("verification_deny", args=[approved.scan_ref])
    sent = denial(approved)
    with fault(monkeypatch, decisions, "decide", error):
        response = client.post(address, sent)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert not Decision.objects.exists()
    form = Form(response.content.decode())
    assert form.action == address
    assert form.fields == {
        key: value if isinstance(value, list) else [str(value)] for key, value in sent.items()
    }
    assert client.post(form.action, form.fields).status_code == 302
    decision = Decision.objects.select_related("text").get()
    assert [reason.code for reason in decision.reasons.all()] == sent["reasons"]


def test_a_note_that_could_not_be_saved_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, as_user: SignIn, mia: User, approved: Verification
) -> None:
    client = as_user(mia)
    address = reverse("verification_note", args=[approved.scan_ref])
    sent = {"note": NOTE, "request_key": str(uuid.uuid4())}
    with fault(monkeypatch, Note.objects, "get_or_create", FAULTS[0]):
        response = client.post(address, sent)
    assert response.status_code == 503
    form = Form(response.content.decode())
    assert form.fields == {key: [value] for key, value in sent.items()}
    assert client.post(form.action, form.fields).status_code == 302
    assert Note.objects.count() == 1


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_page_says_so_even_where_not_its_view_but_a_middleware_fails(
    monkeypatch: pytest.MonkeyPatch, as_user: SignIn, ada: User, error: Exception
) -> None:
    client = as_user(ada)
    client.raise_request_exception = False
    with fault(monkeypatch, middleware, "_memberships", error):
        response = client.get("/verifications/?status=DENIED&q=x")
    assert response.status_code == 503
    assert 'href="/verifications/?status=DENIED&amp;q=x"' in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert "Content-Security-Policy" in response.headers


def test_any_other_fault_of_a_middleware_is_still_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, as_user: SignIn, ada: User
) -> None:
    client = as_user(ada)
    client.raise_request_exception = False
    with fault(monkeypatch, middleware, "_memberships", ValueError("a bug")):
        assert client.get("/").status_code == 500


def test_no_password_is_written_into_a_page(monkeypatch: pytest.MonkeyPatch, ada: User) -> None:
    client = Client(raise_request_exception=False)
    with fault(monkeypatch, User.objects, "filter", FAULTS[0]):
        response = client.post(
            reverse("account_login"), {"login": ada.email, "password": "not-the-Right-1"}
        )
    assert response.status_code == 503
    assert "not-the-Right-1" not in response.content.decode()
    assert "<form" not in response.content.decode()


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_callback_that_cannot_be_kept_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, northbank: Partner, error: Exception
) -> None:
    event, raw = factories.sample("01")
    headers = {
        "Idenfy-Signature": provider.signature("key-of-northbank", raw),
        "Idenfy-Event-Type": event,
    }
    with fault(monkeypatch, intake, "receive", error):
        response = Client().post(
            "/callbacks/idenfy/northbank/", raw, "application/json", headers=headers
        )
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json() == {"error": "unavailable"}
    assert not ProviderCallback.objects.exists()


# The real faults, each on the engine that has it. After each the same form goes through.


@contextmanager
def locked() -> Iterator[None]:
    """Another program holds SQLite's write lock, longer than anybody waits."""
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        yield
        cursor.execute("ROLLBACK")
    other.close()


@contextmanager
def full() -> Iterator[None]:
    """SQLite may not take one page more."""
    with connection.cursor() as cursor:
        for page in range(2000):
            # What was freed before would be used again: take it first.
            cursor.execute("PRAGMA freelist_count")
            if cursor.fetchone()[0] == 0:
                break
            cursor.execute("CREATE TABLE IF NOT EXISTS ballast (filling BLOB)")
            cursor.execute("INSERT INTO ballast VALUES (randomblob(4000))")
            assert page < 1999
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        yield
        cursor.execute("PRAGMA max_page_count = 4294967294")
        cursor.execute("DROP TABLE IF EXISTS ballast")


@contextmanager
def row_held() -> Iterator[None]:
    """Somebody holds the verification's row on PostgreSQL, longer than anybody waits."""
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM verifications_verification FOR UPDATE")
        yield
        cursor.execute("ROLLBACK")
    other.close()


@contextmanager
def restarting() -> Iterator[None]:
    """PostgreSQL ends the connection while it is in use."""
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    # Nobody looks first whether it still answers: it goes away in the middle.
    connection.health_check_enabled = connection.health_check_done = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    yield
    other.close()


REAL = {"sqlite": [locked, full], "postgresql": [row_held, restarting]}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", REAL[connection.vendor], ids=lambda trouble: trouble.__name__)
def test_nothing_is_half_saved_and_the_same_form_goes_through_afterwards(
    as_user: SignIn, ada: User, approved: Verification, trouble: Callable[[], Any]
) -> None:
    client = as_user(ada)
    client.raise_request_exception = False
    address = reverse("verification_deny", args=[approved.scan_ref])
    # Longer than a page of the database, so that it needs one more.
    sent = denial(approved) | {"internal_note": NOTE * 90, "message_to_applicant": MESSAGE * 90}
    with trouble():
        response = client.post(address, sent)
        assert response.status_code == 503
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 5000")
    connection.close()
    assert not Decision.objects.exists()
    approved.refresh_from_db()
    assert approved.revision == sent["seen_revision"]
    assert client.post(address, sent).status_code == 302
    assert client.post(address, sent).status_code == 302
    assert Decision.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="a full disk is played on SQLite")
def test_where_the_look_cannot_be_written_down_nothing_of_the_applicant_is_shown(
    as_user: SignIn, ada: User, approved: Verification
) -> None:
    client = as_user(ada)
    client.raise_request_exception = False
    with full():
        for _ in range(40):
            # Entries still fit into the last pages that are open.
            response = client.get(reverse("verification_detail", args=[approved.scan_ref]))
            if response.status_code == 503:
                break
        assert response.status_code == 503
        assert approved.name not in response.content.decode()
        assert client.get("/verifications/").status_code == 200
    assert client.get(reverse("verification_detail", args=[approved.scan_ref])).status_code == 200
