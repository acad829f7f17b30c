"""What every answer carries, and what no request may bring."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    UnreadablePostError,
)
from django.http.request import RawPostDataException

from idv_dashboard import errors

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LONGEST_QUERY = 4096
# int() refuses thousands of digits.
MOST_DIGITS = 18
# Views of libraries take PUT for POST, and some delete by DELETE.
VERBS = ("GET", "HEAD", "POST")

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]


def headers(get_response: Handler) -> Handler:
    """Strict CSP and no-store on all that is not a static file (those may be kept for ever)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers["Cache-Control"] = "no-store, private"
        return response

    return middleware


def guard(get_response: Handler) -> Handler:
    """Refuses what cannot be read before anything looks at it: 400, 405, 413 or 414, never 500."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in VERBS:
            return _in_words(request, HttpResponseNotAllowed(VERBS))
        if len(request.META.get("QUERY_STRING", "")) > LONGEST_QUERY:
            return errors.page(request, 414)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or _is_unreadable(request):
            return errors.page(request, 400)
        response = get_response(request)
        return _in_words(request, response) if response.status_code == 405 else response

    middleware.process_view = _bounded  # type: ignore[attr-defined]
    middleware.process_exception = _answered  # type: ignore[attr-defined]
    return middleware


def _bounded(request: HttpRequest, view: Callable, *_: Any) -> HttpResponse | None:
    """No form takes a file, and none of them is long. Views that look at a signature, as their mark
    says, bound what they read themselves.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_long = len(length) > MOST_DIGITS or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if is_long and getattr(view, "reach", "") != "signed":
        return errors.page(request, 413)
    return None


def _answered(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """A body that breaks off is found where a view reads it, and so is a database that is away."""
    if isinstance(exception, UnreadablePostError | RawPostDataException):
        return errors.page(request, 400)
    if isinstance(exception, errors.UNAVAILABLE):
        log.error("database unavailable: %s", type(exception.__cause__ or exception).__name__)
        return errors.unavailable(request)
    return None


def _in_words(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's answer to a wrong method is an empty page."""
    page = errors.page(request, response.status_code)
    page.headers["Allow"] = response.headers["Allow"]
    return page


def _is_unreadable(request: HttpRequest) -> bool:
    if getattr(request, "is_garbled", False):
        return True
    if request.content_type == "multipart/form-data" and not _is_utf_8(request):
        return True
    texts = [request.path_info]
    for key, values in request.GET.lists():
        texts += [key, *values]
    return any(_has_no_text(text) for text in texts)


def _is_utf_8(request: HttpRequest) -> bool:
    """Other charsets can make lone surrogates of plain bytes, which nothing can store or send."""
    return (request.content_params or {}).get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def _has_no_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text
