"""For developing: each answer says in `Server-Timing` where its time went."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jinja2
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template import engines


@dataclass
class Spent:
    """Seconds, and how many statements."""

    statements: int = 0
    db: float = 0.0
    templates: float = 0.0
    depth: int = 0

    def ask(self, execute: Callable[..., Any], *statement: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            self.statements += 1
            self.db += time.perf_counter() - began

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """A part that is drawn within another is no time of its own."""
        began = time.perf_counter()
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            if not self.depth:
                self.templates += time.perf_counter() - began


SPENT: ContextVar[Spent | None] = ContextVar("spent", default=None)


class Timed(jinja2.Template):
    def render(self, *args: Any, **context: Any) -> str:
        spent = SPENT.get()
        if spent is None:
            return super().render(*args, **context)
        with spent.drawing():
            return super().render(*args, **context)


def timing(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable:
    engines["jinja2"].env.template_class = Timed  # type: ignore[attr-defined]

    def middleware(request: HttpRequest) -> HttpResponse:
        spent, began = Spent(), time.perf_counter()
        token = SPENT.set(spent)
        try:
            with ExitStack() as stack:
                for connection in connections.all():
                    stack.enter_context(connection.execute_wrapper(spent.ask))
                response = get_response(request)
        finally:
            SPENT.reset(token)
        total = time.perf_counter() - began
        response.headers["Server-Timing"] = (
            f'db;desc="{spent.statements} statements";dur={spent.db * 1000:.1f}, '
            f"templates;dur={spent.templates * 1000:.1f}, total;dur={total * 1000:.1f}"
        )
        return response

    return middleware
