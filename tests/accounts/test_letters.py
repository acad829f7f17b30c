"""Letters are written with what they tell of, and sent by the worker, each once."""

import re
import socket
import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.errors import HeaderParseError
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from threading import Thread
from typing import Any, ClassVar
from unittest import mock

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import letters, sealing, team
from accounts.models import Letter, Partner, User
from tests import factories
from verifications import worker

SignIn = Callable[[User], Client]
REFUSED = SMTPRecipientsRefused({"it": (550, b"no such user")})
# Which of them pass.
TROUBLES = [
    (SMTPRecipientsRefused({"it": (451, b"come back later")}), True),
    (SMTPServerDisconnected(), True),
    (ConnectionRefusedError(), True),
    (REFUSED, False),
    (UnicodeError("label too long"), False),
    (HeaderParseError(), False),
]
SMTP = "django.core.mail.backends.smtp.EmailBackend"
RESET = "/accounts/password/reset/"
NOBODY = "nobody@northbank.example"


@contextmanager
def failing(trouble: Exception, *, at: str = "") -> Iterator[None]:
    """Letters to that address do not go out; without one, none does."""
    deliver = EmailBackend.send_messages

    def send(self: EmailBackend, messages: list[EmailMessage]) -> int:
        for letter in messages:
            if not at or at in letter.to:
                raise trouble
            deliver(self, [letter])
        return len(messages)

    with mock.patch.object(EmailBackend, "send_messages", send):
        yield


def post(*to: str, **options: Any) -> None:
    for each in to:
        letters.post(each, "Hello", "Hello there", **options)


def told() -> list[str]:
    return [to for letter in mail.outbox for to in letter.to]


@contextmanager
def after(**wait: float) -> Iterator[None]:
    with time_machine.travel(timezone.now() + timedelta(**wait), tick=False):
        yield


def test_the_worker_sends_what_waits_and_keeps_nothing_of_it(db: None) -> None:
    assert letters.send_due in worker.DUTIES
    post("ada@northbank.example")
    assert not mail.outbox
    assert letters.send_due() == 1
    (letter,) = mail.outbox
    assert (letter.to, letter.subject, letter.body) == (
        ["ada@northbank.example"],
        "Hello",
        "Hello there",
    )
    assert not Letter.objects.exists()
    assert letters.send_due() == 0


def test_a_letter_goes_with_its_change_or_not_at_all(
    ada: User, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        post(ada.email)
        raise ZeroDivisionError
    factories.second_factor(mo)
    monkeypatch.setattr(Letter, "save", mock.Mock(side_effect=DatabaseError))
    with pytest.raises(DatabaseError), transaction.atomic():
        team.reset_second_factor(factories.membership(mo), actor=ada)
    assert mo.authenticator_set.exists()
    assert not Letter.objects.exists()


def test_nobody_who_reads_the_table_reads_a_letter(client: Client, ada: User) -> None:
    client.post(RESET, {"email": ada.email})
    row = Letter.objects.get()
    assert "password/reset/key" in row.content["body"]
    kept = repr([bytes(it) if isinstance(it, memoryview) else it for it in vars(row).values()])
    assert "password/reset" not in kept
    assert ada.email not in kept
    other = Letter(until=row.until, sealed=row.sealed)
    with pytest.raises(sealing.DoesNotOpen):
        _ = other.content


def test_no_request_waits_for_a_mail_server(
    as_user: SignIn, ada: User, mo: User, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_TIMEOUT = SMTP, 5
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        browser, began = as_user(ada), time.monotonic()
        Client().post(RESET, {"email": ada.email})
        fields = {"email": "nia@new.example", "role": factories.role(10).pk}
        browser.post("/team/invite/", fields)
        browser.post(f"/team/{factories.membership(mo).pk}/second-step/")
    assert time.monotonic() - began < 5
    assert Letter.objects.count() == 3


def test_a_reset_does_the_same_for_whom_it_does_not_know(client: Client, ada: User) -> None:
    """Time tells who has an account where one takes more work than the other."""
    answers, statements, sizes = [], [], []
    for email in (ada.email, NOBODY):
        cache.clear()
        with CaptureQueriesContext(connection) as caught:
            answer = client.post(RESET, {"email": email})
        answers.append((answer.status_code, answer.headers["Location"], answer.content))
        statements.append([re.sub(r"\d+", "", it["sql"].split("WHERE")[0])[:80] for it in caught])
        sizes.append(len(Letter.objects.latest("written_at").sealed))
    assert answers[0] == answers[1]
    assert statements[0] == statements[1]
    assert abs(sizes[0] - sizes[1]) < 40
    assert [letter.to for letter in factories.sent()] == [[ada.email]]
    assert not Letter.objects.exists()


@pytest.mark.parametrize(("trouble", "passes"), TROUBLES, ids=lambda it: type(it).__name__)
def test_a_letter_that_does_not_go_out_stops_no_other(
    db: None, trouble: Exception, passes: bool
) -> None:
    post("gone@x.example", "ada@northbank.example", "mo@northbank.example")
    with failing(trouble, at="gone@x.example"):
        letters.send_due()
    assert told() == ["ada@northbank.example", "mo@northbank.example"]
    assert Letter.objects.count() == passes
    with after(seconds=30):
        assert letters.send_due() == 0
    with after(minutes=2):
        letters.send_due()
    assert ("gone@x.example" in told()) == passes


@pytest.mark.parametrize(
    ("lasts", "tries"), [(timedelta(hours=1), 5), (timedelta(days=1), 28)], ids=["hour", "day"]
)
def test_a_letter_is_given_up_when_it_is_of_no_use(
    db: None, caplog: pytest.LogCaptureFixture, lasts: timedelta, tries: int
) -> None:
    post("ada@northbank.example", lasts=lasts)
    began, tried = timezone.now(), 0
    with failing(ConnectionRefusedError()), time_machine.travel(began, tick=False) as clock:
        while letter := Letter.objects.first():
            assert "given up" not in caplog.text
            clock.move_to(letter.due_at)
            tried += letters.send_due()
        assert began + lasts - timedelta(hours=1) <= timezone.now() < began + lasts
    assert tried == tries
    assert "was given up: ConnectionRefusedError" in caplog.text


def test_a_letter_that_nobody_sent_in_time_is_not_sent_late(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    post("ada@northbank.example", lasts=timedelta(hours=1))
    with after(minutes=61):
        letters.send_due()
    assert not mail.outbox
    assert not Letter.objects.exists()
    assert "was given up: it is too old" in caplog.text


def test_a_letter_that_does_not_open_waits_and_stops_no_other(
    db: None, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    post("ada@northbank.example")
    settings.DATA_KEY = "c2VhbGVkIHVuZGVyIGFub3RoZXIga2V5OiAzMiBieXQ="
    post("mo@northbank.example")
    letters.send_due()
    assert told() == ["mo@northbank.example"]
    assert Letter.objects.get().tries == 1
    assert "DoesNotOpen" in caplog.text


def test_what_did_not_go_out_is_logged_without_the_address(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    post("mo@northbank.example")
    with failing(REFUSED):
        letters.send_due()
    assert "'Hello': SMTPRecipientsRefused" in caplog.text
    assert "mo@" not in caplog.text


def test_of_two_workers_one_sends_it(db: None) -> None:
    """The other looks while the first is talking to the mail server."""
    post("ada@northbank.example")
    deliver, looked = EmailBackend.send_messages, []

    def send(self: EmailBackend, messages: list[EmailMessage]) -> int:
        looked.append(letters.send_due())
        return deliver(self, messages)

    with mock.patch.object(EmailBackend, "send_messages", send):
        letters.send_due()
    assert looked == [0]
    assert told() == ["ada@northbank.example"]


def test_of_two_workers_that_found_it_one_sends_it(db: None) -> None:
    post("ada@northbank.example")
    open_ = EmailBackend.open

    def other_was_quicker(self: EmailBackend) -> bool | None:
        with mock.patch.object(EmailBackend, "open", open_):
            letters.send_due()
        return open_(self)

    with mock.patch.object(EmailBackend, "open", other_was_quicker):
        letters.send_due()
    assert told() == ["ada@northbank.example"]


def test_a_worker_that_dies_leaves_its_letter_to_another(db: None) -> None:
    post("ada@northbank.example")
    with (
        mock.patch.object(EmailBackend, "send_messages", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        letters.send_due()
    assert letters.send_due() == 0
    with after(seconds=letters.LEASE.total_seconds()):
        letters.send_due()
    assert told() == ["ada@northbank.example"]


def test_a_mail_server_that_says_nothing_is_waited_for_once(
    db: None, settings: LazySettings
) -> None:
    assert 0 < settings.EMAIL_TIMEOUT <= 10
    settings.EMAIL_BACKEND, settings.EMAIL_TIMEOUT = SMTP, 0.2
    post(*["ada@northbank.example"] * 3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        assert letters.send_due() == 3
        silent.setblocking(False)
        silent.accept()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert Letter.objects.filter(tries=1, due_at__gt=timezone.now()).count() == 3


class Refusing(socketserver.StreamRequestHandler):
    """Ends the connection at an address that it does not know."""

    told: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.lower().startswith(b"rcpt"):
                if b"gone@" in line:
                    self.wfile.write(b"421 too many errors\r\n")
                    return
                self.told.append(line.decode().split("<")[1].split(">")[0])
            if line.lower().startswith(b"data"):
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.wfile.write(b"250 fine\r\n")


def test_a_server_that_hangs_up_at_one_letter_gets_the_others(
    db: None, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND, Refusing.told = SMTP, []
    ada, gone, amos, mo = (f"{name}@northbank.example" for name in ("ada", "gone", "amos", "mo"))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        post(ada, gone, amos, mo)
        letters.send_due()
        server.shutdown()
    assert Refusing.told == [ada, amos, mo]
    assert Letter.objects.get().content["to"] == [gone]


def test_a_server_that_is_silent_at_one_letter_lets_the_newer_ones_go_first(db: None) -> None:
    post("silent@northbank.example", "ada@northbank.example")
    with failing(TimeoutError(), at="silent@northbank.example"):
        letters.send_due()
        assert told() == []
        post("mo@northbank.example")
        with after(minutes=2):
            letters.send_due()
    assert told() == ["ada@northbank.example", "mo@northbank.example"]


def test_a_letter_sent_twice_is_the_same_to_a_mail_program(db: None) -> None:
    post("ada@northbank.example")
    with mock.patch.object(letters, "_settle"):
        letters.send_due()
    with after(minutes=6):
        letters.send_due()
    first, second = (it.message()["Message-ID"] for it in mail.outbox)
    assert first == second


def test_support_hears_that_letters_do_not_go(as_user: SignIn, sue: User) -> None:
    browser, said = as_user(sue), "E-mail waits to be sent since"
    post("ada@northbank.example")
    assert said not in browser.get("/admin/").content.decode()
    Letter.objects.update(written_at=timezone.now() - timedelta(minutes=11))
    assert said in browser.get("/admin/").content.decode()
    letters.send_due()
    assert said not in browser.get("/admin/").content.decode()


@pytest.mark.parametrize(
    "fields", [{"due_at": None}, {"sealed": b""}, {"due_at": None, "sealed": b""}]
)
def test_only_an_invitation_s_letter_leaves_a_trace(
    northbank: Partner, ada: User, fields: dict[str, Any]
) -> None:
    """And nothing of what it said."""
    post("ada@northbank.example")
    with pytest.raises(IntegrityError), transaction.atomic():
        Letter.objects.update(**fields)
    Letter.objects.all().delete()
    factories.invitation(northbank, ada)
    if len(fields) == 2:
        Letter.objects.update(**fields)
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            Letter.objects.update(**fields)
