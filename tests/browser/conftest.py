"""A real Chromium before a real server. What a page must never do fails the test by itself."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from accounts.models import Partner, User
from tests import factories
from tests.browser import chromium

# Playwright runs an event loop in this thread; our queries here are not of its making.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
PATIENCE = 5_000  # milliseconds

SignIn = Callable[[Page, User], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@dataclass
class Watch:
    """What happened in the browser that nobody saw, and what was allowed to happen."""

    own: str
    seen: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def expect(self, *statuses: int) -> None:
        """Chromium writes every answer from 400 on to the console; these are meant."""
        self.expected.update(statuses)

    def hear(self, message: ConsoleMessage) -> None:
        answer = re.search(r"responded with a status of (\d+)", message.text)
        meant = answer is not None and int(answer[1]) in self.expected
        if message.type in ("error", "warning") and not meant:
            self.seen.append(f"console: {message.text} {message.location}")

    def follow(self, url: str) -> None:
        if not url.startswith((f"{self.own}/", "blob:", "data:")):
            self.seen.append(f"left the own origin: {url}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        if chromium.is_required():
            pytest.fail("No Chromium here.")
        pytest.skip("No Chromium here.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watch(live_server: Any) -> Iterator[Watch]:
    watch = Watch(live_server.url)
    yield watch
    assert not watch.seen, "\n".join(watch.seen)


@pytest.fixture
def open_context(
    browser: Browser, live_server: Any, watch: Watch
) -> Iterator[Callable[..., BrowserContext]]:
    opened: list[BrowserContext] = []

    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=live_server.url, locale="en-GB", **options)
        context.set_default_timeout(PATIENCE)
        context.on("console", watch.hear)
        context.on("weberror", lambda problem: watch.seen.append(f"script: {problem.error}"))
        context.on("request", lambda request: watch.follow(request.url))
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context().new_page()


@pytest.fixture
def plain_page(open_context: Callable[..., BrowserContext]) -> Page:
    """A browser in which JavaScript is off."""
    return open_context(java_script_enabled=False).new_page()


@pytest.fixture
def either_page(request: pytest.FixtureRequest, live_server: Any) -> Page:
    """Parametrised indirectly: with JavaScript and without."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def undoable(northbank: Partner) -> None:
    """Decisions of Northbank can be taken back for as long as that can be."""
    northbank.undo_seconds = 60
    northbank.save()


@pytest.fixture
def sign_in(live_server: Any) -> SignIn:
    """Puts somebody's session into a browser; the journey signs in by the form."""

    def sign_in(page: Page, user: User) -> None:
        client = Client()
        factories.sign_in(client, user)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        page.context.add_cookies([cookie])

    return sign_in
