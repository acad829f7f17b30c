"""No list ignores what it is asked for: that would show more than was meant."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from verifications.models import Verification

SignIn = Callable[[User], Client]

LISTS = [
    "verification_list",
    "verification_filter",
    "verification_export",
    "verification_export_file",
    "disposed_list",
    "delivery_list",
    "audit_log",
    "audit_export",
    "home",
]
LINK = re.compile(r'href="(/[^"]*|\?[^"]*)?"')


def shown(response: Any) -> str:
    return unescape(response.content.decode())


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("query", ["staus=DENIED", "unknown=", "page=2", "sort=name"])
def test_a_key_that_is_not_known_is_refused(
    ada: User, as_user: SignIn, approved: Verification, name: str, query: str
) -> None:
    response = as_user(ada).get(f"{reverse(name)}?{query}")
    assert response.status_code == 400
    assert query.partition("=")[0] in shown(response)
    assert approved.scan_ref not in shown(response)


@pytest.mark.parametrize("name", ["verification_list", "disposed_list", "delivery_list"])
def test_the_question_without_it_is_a_click_away(ada: User, as_user: SignIn, name: str) -> None:
    client, address = as_user(ada), reverse(name)
    refused = client.get(f"{address}?foo=1&from=2026-11-01&q=x&scan_ref=x")
    asking = [it.partition("?") for it in LINK.findall(shown(refused)) if "?" in it]
    links = [query for path, _, query in asking if path in ("", address) and "foo" not in query]
    assert links
    assert all("=x" in link for link in links)


@pytest.mark.parametrize("name", LISTS)
def test_what_mail_programs_add_to_a_link_is_let_through(
    ada: User, as_user: SignIn, name: str
) -> None:
    response = as_user(ada).get(f"{reverse(name)}?utm_source=a&fbclid=b")
    assert response.status_code == 200
    if not response.streaming:
        assert not any("fbclid" in link for link in LINK.findall(shown(response)))


@pytest.mark.parametrize("name", sorted({*LISTS} - {"audit_export", "verification_export_file"}))
def test_every_link_of_ours_is_understood(
    ada: User, as_user: SignIn, approved: Verification, name: str
) -> None:
    client, page = as_user(ada), reverse(name)
    for link in {it for it in LINK.findall(shown(client.get(page))) if "?" in it}:
        answer = client.get(page + link if link.startswith("?") else link)
        assert answer.status_code == 200, link
