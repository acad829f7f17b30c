"""The error pages: each says what happened, that nothing was changed, and the way back."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


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
    return page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Shows again what was typed: the session may have ended while somebody wrote."""
    shown = ("internal_note", "message_to_applicant", "note")
    typed = {name: request.POST[name] for name in shown if request.POST.get(name)}
    return render(None, "403_csrf.html", {"typed": typed}, status=403)  # type: ignore[arg-type]
