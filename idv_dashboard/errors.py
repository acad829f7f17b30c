"""The error pages: each says what happened, that nothing was changed, and the way back."""

import sys
from typing import NamedTuple

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# The database is locked, full, or away. Whatever was going on is rolled back.
UNAVAILABLE = (OperationalError, InterfaceError)
RETRY_SECONDS = 5
# What people write, as forms call it. It is shown again whatever happens.
WRITTEN = {
    "internal_note": "Internal note",
    "message_to_applicant": "Message to the applicant",
    "note": "Note",
    "reason": "Reason",
    "text": "Note",
    "why": "Why",
}


class Words(NamedTuple):
    title: str
    text: str


WORDS = {
    400: Words("We could not read that request", "Nothing was changed."),
    403: Words("Your role does not allow this", "Nothing was changed."),
    404: Words("There is nothing here", "Or you may not see it."),
    405: Words("This address does not take that kind of request", "Nothing was changed."),
    413: Words("That is too large", "Nothing was changed."),
    414: Words("That address is too long", "Nothing was changed."),
    429: Words("Too many attempts", "Wait a few minutes, then try again."),
    500: Words("Something went wrong on our side", "What you sent may not have been saved."),
    503: Words(
        "We could not save this right now", "Nothing was changed. Try again in a few seconds."
    ),
}


def page(request: HttpRequest, status: int, text: str = "") -> HttpResponse:
    words = WORDS[status]
    context = {"status": status, "title": words.title, "text": text or words.text}
    return render(None, "error.html", context, status=status)  # type: ignore[arg-type]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The sentence of the refusal, where a view gave one."""
    return page(request, 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Also asked for what went wrong in a middleware, such as loading or saving the session."""
    if isinstance(sys.exc_info()[1], UNAVAILABLE):
        return unavailable(request)
    return page(request, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Nothing was saved. What was sent stands on the page, to be sent once more by one button.

    Not where a secret may be part of it (all of those are below /accounts/): nothing writes a
    password into a page.
    """
    sends = request.method == "POST" and not request.path.startswith("/accounts/")
    fields = list(request.POST.lists()) if sends else []
    context = {
        "words": WORDS[503],
        "address": request.get_full_path() if sends or request.method in ("GET", "HEAD") else "",
        "is_post": sends,
        "written": _written(request) if sends else [],
        "sent": [(key, value) for key, values in fields for value in values if key not in WRITTEN],
    }
    response = render(None, "503.html", context, status=503)  # type: ignore[arg-type]
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _written(request: HttpRequest) -> list[tuple[str, str, str]]:
    """Name, label and text of what somebody wrote."""
    return [
        (name, label, request.POST[name]) for name, label in WRITTEN.items() if name in request.POST
    ]


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Shows again what was typed: the session may have ended while somebody wrote."""
    written = [(name, label, text) for name, label, text in _written(request) if text]
    return render(None, "403_csrf.html", {"written": written}, status=403)  # type: ignore[arg-type]
