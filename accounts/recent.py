"""Whether it was proven within five minutes who is there, and what was typed before we asked.

A form that was open too long is not lost: its fields wait sealed in the session while the person
proves who they are, and are then shown once more, to be sent by a press of their own.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url

from accounts import audit, sealing
from accounts.models import Kind, User

Handler = Callable[[HttpRequest], HttpResponse]

KEPT = "kept"
# Longer than anybody needs to prove who they are.
KEEP_SECONDS = 900
# Fields that are no text of the person's own.
UNSEEN = ("csrfmiddlewaretoken", "seen", "seen_revision", "seen_role", "previewed")


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
    if not is_proven(request):
        if request.method == "POST":
            _keep(request)
        elif not asks_readers:
            return None
        onward = urlencode({"next": request.get_full_path()})
        return redirect(f"{resolve_url('account_reauthenticate')}?{onward}")
    if request.method == "GET" and (fields := _take(request)) is not None:
        typed = [(name.replace("_", " "), text) for name, text in fields if _is_own(name, text)]
        context = {"fields": fields, "typed": typed, "address": request.get_full_path()}
        return render(request, "accounts/send_again.html", context)
    return None


def _is_own(name: str, text: str) -> bool:
    """Not what the page brought along, and no number that stands for a choice."""
    is_brought = name in UNSEEN or name.startswith("_")
    return bool(text) and not is_brought and not text.isdigit()


def _keep(request: HttpRequest) -> None:
    posted: QueryDict = request.POST
    fields = [
        [name, value]
        for name, values in posted.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    typed = json.dumps({"path": request.get_full_path(), "fields": fields}).encode()
    sealed = base64.b64encode(sealing.wrap(typed, _place(request))).decode()
    request.session[KEPT] = {"until": int(time.time()) + KEEP_SECONDS, "sealed": sealed}


def _take(request: HttpRequest) -> list[list[str]] | None:
    """Once, and only at the address that it was typed for; of a bare button, no fields."""
    kept = request.session.get(KEPT)
    if kept is None:
        return None
    typed = _opened(request, kept) if kept["until"] >= time.time() else None
    if typed and typed["path"] != request.get_full_path():
        return None
    del request.session[KEPT]
    return list(typed["fields"]) if typed else None


def _opened(request: HttpRequest, kept: dict[str, Any]) -> dict[str, Any] | None:
    """Under a master key that is gone it is lost, like all that was typed too long ago."""
    try:
        raw = sealing.unwrap(base64.b64decode(kept["sealed"]), _place(request))
    except sealing.DoesNotOpen:
        return None
    typed: dict[str, Any] = json.loads(raw)
    return typed


def _place(request: HttpRequest) -> sealing.Place:
    """Sessions are no place for what people write: whoever reads their table reads none of it."""
    return sealing.Place("session", KEPT, str(request.user.pk))
