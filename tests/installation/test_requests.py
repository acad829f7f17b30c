"""What no middleware of Django's would see, and what is too long for any form."""

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from idv_dashboard.middleware import HEADERS
from idv_dashboard.requests import Request
from tests import factories

GARBLED = [
    "a; b*=bogus''x",
    "a; b*=undefined''%41",
    "a; b*=idna''%ff",
    "a; charset*=utf-8''%00",
    *(f"text/plain; charset={name}" for name in ("rot13", "undefined", "hex")),
]


def ask(rf: RequestFactory, path: str, content_type: str, query: str = "") -> tuple[int, Any]:
    """As a server does."""
    application = WSGIHandler()
    application.request_class = Request
    environ = rf._base_environ(PATH_INFO=path, QUERY_STRING=query, CONTENT_TYPE=content_type)
    said: list[Any] = []
    answer = application(environ, lambda status, headers: said.extend((status, dict(headers))))
    answer.close()
    return int(said[0].split()[0]), said[1]


@pytest.mark.parametrize("path", ["/healthz", "/accounts/login/", "/callbacks/idenfy/northbank/"])
@pytest.mark.parametrize("content_type", GARBLED)
def test_a_content_type_that_nobody_understands_is_refused_in_words(
    rf: RequestFactory, db: None, path: str, content_type: str
) -> None:
    status, headers = ask(rf, path, content_type, "a=1")
    assert status == 400
    assert headers.keys() >= HEADERS.keys()


def test_a_query_of_too_many_fields_is_refused_whatever_charset_it_names(
    rf: RequestFactory, db: None
) -> None:
    for content_type in ("", "text/plain; charset=utf-8"):
        assert ask(rf, "/healthz", content_type, "a&" * 501)[0] == 400


@pytest.mark.parametrize("content_type", ["", "text/html", "application/json; charset=utf-8"])
def test_any_other_one_is_understood(rf: RequestFactory, db: None, content_type: str) -> None:
    assert ask(rf, "/healthz", content_type, "a=1")[0] == 200


@pytest.mark.parametrize("length", [str(256 * 1024 + 1), "9" * 30, "9" * 5000])
@pytest.mark.parametrize("name", ["account_login", "home", "webhook_add"])
def test_no_more_is_read_than_a_form_can_hold(
    client: Client, ada: User, name: str, length: str
) -> None:
    factories.sign_in(client, ada)
    body = io.BytesIO(b"--x\r\n" + b"a" * 300_000)
    answer = client.generic(
        "POST",
        reverse(name),
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=length,
        **{"wsgi.input": body},  # type: ignore[arg-type]
    )
    assert answer.status_code == 413
    assert body.tell() == 0
