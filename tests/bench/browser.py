"""The callable that gunicorn gets, called as gunicorn does; and who is signed in."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.bench import peers

TOKEN = "b" * 32


@dataclass
class Answer:
    status: int
    body: bytes
    seconds: float
    queries: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class Browser:
    """One person's browser: GET and POST with a real session cookie."""

    def __init__(self, application: Any, session: str) -> None:
        self.application = application
        csrf = f"{settings.CSRF_COOKIE_NAME}={TOKEN}"
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {csrf}"

    def get(self, address: str) -> Answer:
        return self._ask("GET", address)

    def post(self, address: str, form: dict[str, Any]) -> Answer:
        body = urlencode({**form, "csrfmiddlewaretoken": TOKEN}, doseq=True).encode()
        return self._ask("POST", address, body)

    def send(self, address: str, raw: bytes, headers: dict[str, str]) -> Answer:
        """As the provider does, who is not signed in."""
        told = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
        told |= {"CONTENT_TYPE": "application/json", "HTTP_COOKIE": ""}
        return self._ask("POST", address, raw, told)

    def _ask(
        self, method: str, address: str, body: bytes = b"", more: dict[str, str] | None = None
    ) -> Answer:
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self.cookie,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **(more or {}),
        }
        started: list[Any] = []
        began = time.perf_counter()
        answer = self.application(environ, lambda *said: started.extend(said))
        content = b"".join(answer)
        answer.close()
        seconds = time.perf_counter() - began
        return Answer(int(started[0].split()[0]), content, seconds, headers=dict(started[1]))


def ours(application: Any, user: User) -> Browser:
    client = Client()
    client.force_login(user)
    return Browser(application, client.cookies[settings.SESSION_COOKIE_NAME].value)


def stock(application: Any, user: User) -> Browser:
    session = import_module(peers.SESSIONS).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return Browser(application, session.session_key)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that the default connection is asked meanwhile."""
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements
