"""Asks addresses in every role; what a request changed is taken back before the next one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests import factories
from tests.fuzz.world import ROLES, World

Cell = tuple[str, str, str]


class Walker:
    def __init__(self, world: World) -> None:
        self.world = world
        self.client = Client(raise_request_exception=False)
        self.cookies = {role: self._sign_in(role) for role in ROLES}

    def _sign_in(self, role: str) -> str:
        self.client.cookies.clear()
        if role == "anonymous":
            return ""
        factories.sign_in(self.client, self.world.people[role])
        return self.client.cookies[settings.SESSION_COOKIE_NAME].value

    def browser(self, role: str) -> Client:
        """One client for all: each new one would look through all static files."""
        self.client.cookies.clear()
        if self.cookies[role]:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[role]
        return self.client

    @contextmanager
    def asked(self, role: str, method: str, path: str, **options: object) -> Iterator[HttpResponse]:
        with transaction.atomic():
            answer = self.browser(role).generic(method, path, **options)
            answer.whole = b"".join(answer) if answer.streaming else answer.content
            yield answer
            transaction.set_rollback(True)

    def statuses(
        self,
        patterns: Iterable[str],
        roles: Iterable[str] = ROLES,
        methods: Iterable[str] = ("GET", "POST"),
        path: Callable[[str], str] | None = None,
    ) -> dict[Cell, int]:
        found = {}
        for pattern in patterns:
            for method in methods:
                for role in roles:
                    form = {"content_type": FORM} if method == "POST" else {}
                    address = (path or self.world.path)(pattern)
                    with self.asked(role, method, address, **form) as answer:
                        found[pattern, method, role] = self._status(role, answer)
        return found

    def _status(self, role: str, answer: HttpResponse) -> int:
        mark = self.world.theirs.scan_ref.encode()
        is_leak = role not in ALLOWED and mark in answer.whole
        return LEAK if is_leak else answer.status_code


# What stands in place of a status where the other partner's scan ref is shown.
LEAK = 0
ALLOWED = ("outsider", "support")
FORM = "application/x-www-form-urlencoded"
