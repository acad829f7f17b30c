"""A letter that does not go out is nobody's but its own: the others go, and nothing breaks."""

import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.errors import HeaderParseError
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from threading import Thread
from typing import ClassVar
from unittest import mock

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from accounts import emails, letters
from accounts.models import User

TROUBLES = [
    SMTPRecipientsRefused({"it": (550, b"no such user")}),
    SMTPServerDisconnected(),
    ConnectionRefusedError(),
    UnicodeError("label too long"),
    HeaderParseError(),
]
NO_ADDRESS = f"a@{'ü' * 60}.example"


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


def told() -> set[str]:
    return {to for letter in mail.outbox for to in letter.to}


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda it: type(it).__name__)
def test_a_former_address_that_is_refused_keeps_no_admin_in_the_dark(
    ada: User,
    amos: User,
    mo: User,
    trouble: Exception,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    with failing(trouble, at=mo.email), django_capture_on_commit_callbacks(execute=True):
        emails.changed(mo, mo.email, why="Mo asked by phone")
    assert told() == {ada.email, amos.email}


def test_a_former_address_that_is_none_breaks_nothing(
    ada: User, mo: User, django_capture_on_commit_callbacks: Callable
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        emails.changed(mo, NO_ADDRESS, why="Mo asked by phone")
    assert told() == {ada.email}


def test_what_did_not_go_out_is_logged_without_the_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with failing(TROUBLES[0]):
        assert not letters.send(EmailMessage("Hello", "", to=["mo@northbank.example"]))
    assert "'Hello': SMTPRecipientsRefused" in caplog.text
    assert "mo@" not in caplog.text


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda it: type(it).__name__)
def test_a_reset_whose_letter_does_not_go_out_tells_nobody_who_has_an_account(
    client: Client, ada: User, trouble: Exception
) -> None:
    with failing(trouble):
        answers = [
            client.post("/accounts/password/reset/", {"email": email})
            for email in (ada.email, "nobody@northbank.example")
        ]
    assert len({(it.status_code, it.headers["Location"], it.content) for it in answers}) == 1


def test_a_mail_server_that_says_nothing_keeps_nobody_waiting(settings: LazySettings) -> None:
    assert 0 < settings.EMAIL_TIMEOUT <= 10
    settings.EMAIL_TIMEOUT = 0.2
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        letter = EmailMessage("Hello", "Hello", to=["ada@northbank.example"])
        assert letters.send_all([letter] * 3) == 0
        # It was waited for once.
        silent.setblocking(False)
        silent.accept()
        with pytest.raises(BlockingIOError):
            silent.accept()


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


def test_a_server_that_hangs_up_at_one_letter_gets_the_others(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND, Refusing.told = "django.core.mail.backends.smtp.EmailBackend", []
    ada, gone, amos, mo = (f"{name}@northbank.example" for name in ("ada", "gone", "amos", "mo"))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        four = [EmailMessage("Hello", "Hello", to=[it]) for it in (ada, gone, amos, mo)]
        assert letters.send_all(four) == 3
        server.shutdown()
    assert Refusing.told == [ada, amos, mo]
