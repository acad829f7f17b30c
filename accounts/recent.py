"""Whether it was proven within five minutes who is there."""

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url

from accounts import audit, unsent
from accounts.models import Kind, User

Handler = Callable[[HttpRequest], HttpResponse]


def logged(get_response: Handler) -> Handler:
    """Puts each proof of who is there into the audit log, by whichever page it was given.

    Signing in is there already. Without its entry the session does not keep the proof.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not request.user.is_authenticated:
            return get_response(request)
        known = get_authentication_records(request, request.user)
        response = get_response(request)
        for proof in get_authentication_records(request, request.user):
            if proof.get("reauthenticated") and proof not in known:
                _record(cast(User, request.user), proof)
        return response

    return middleware


def _record(user: User, proof: dict[str, Any]) -> None:
    subject, stream = f"user:{user.pk}", f"u/{user.pk}"
    means = str(proof.get("type") or proof["method"])
    audit.record(
        Kind.PROVEN_AGAIN, actor=user, partner=None, subject=subject, stream=stream, means=means
    )


def is_proven(request: HttpRequest) -> bool:
    """By password, code or passkey: signing in counts, and so does proving it again."""
    records = get_authentication_records(request, request.user)
    latest = max((it["at"] for it in records), default=0.0)
    return bool(0 <= time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def answer(request: HttpRequest, *, asks_readers: bool = True) -> HttpResponse | None:
    """What stands in the way of a sensitive page, if anything does."""
    is_sent = request.method == "POST"
    if is_proven(request) or not (is_sent or asks_readers):
        return None
    back = (is_sent and unsent.keep(request)) or request.get_full_path()
    return redirect(f"{resolve_url('account_reauthenticate')}?{urlencode({'next': back})}")
