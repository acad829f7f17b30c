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

KEPT = "typed"
# A field of every form: for which partner the page was drawn. It leads back to that partner too.
OPENED_FOR = "opened_for"
# Longer than anybody needs to prove who they are; as many forms as somebody leaves open at once.
KEEP_SECONDS, KEEP_FORMS = 900, 3
# Fields that are no text of the person's own.
UNSEEN = ("csrfmiddlewaretoken", OPENED_FOR, "seen", "seen_revision", "seen_role", "previewed")


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
        back = request.get_full_path()
        if request.method == "POST":
            back = _keep(request)
        elif not asks_readers:
            return None
        onward = urlencode({"next": back})
        return redirect(f"{resolve_url('account_reauthenticate')}?{onward}")
    if request.method == "GET" and (fields := _take(request)) is not None:
        typed = [(name.replace("_", " "), text) for name, text in fields if _is_own(name, text)]
        context = {"fields": fields, "typed": typed, "address": _address(request)}
        return render(request, "accounts/send_again.html", context)
    return None


def _is_own(name: str, text: str) -> bool:
    """Not what the page brought along, and no number that stands for a choice."""
    is_brought = name in UNSEEN or name.startswith("_")
    return bool(text) and not is_brought and not text.isdigit()


def _keep(request: HttpRequest) -> str:
    """The newest of each address and partner; gives the address where it comes back."""
    posted: QueryDict = request.POST
    fields = [
        [name, value]
        for name, values in posted.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    place, until = _place_of(request, posted), int(time.time()) + KEEP_SECONDS
    others = [it for it in _kept(request) if it["place"] != place]
    _seal(request, [{"place": place, "until": until, "fields": fields}, *others][:KEEP_FORMS])
    return _address(request, posted.get(OPENED_FOR))


def _take(request: HttpRequest) -> list[list[str]] | None:
    """Once, and only where it was typed for; of a bare button, no fields."""
    kept, place = _kept(request), _place_of(request, request.GET)
    own = next((it for it in kept if it["place"] == place), None)
    # The reading of another page writes nothing: it may come in beside a form that is kept.
    if own or not kept:
        _seal(request, [it for it in kept if it is not own])
    return list(own["fields"]) if own else None


def _place_of(request: HttpRequest, fields: QueryDict) -> list[str]:
    """An address, and the partner that the fields name, else the one that is worked for."""
    work = getattr(request, "membership", None)
    return [_address(request), fields.get(OPENED_FOR) or str(work.partner_id if work else "")]


def _address(request: HttpRequest, opened_for: str | None = None) -> str:
    query = request.GET.copy()
    query.pop(OPENED_FOR, None)
    if opened_for:
        query[OPENED_FOR] = opened_for
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _kept(request: HttpRequest) -> list[dict[str, Any]]:
    """Under a master key that is gone it is lost, like all that was typed too long ago."""
    if KEPT not in request.session:
        return []
    try:
        raw = sealing.unwrap(base64.b64decode(request.session[KEPT]), _place(request))
    except sealing.DoesNotOpen:
        return []
    return [it for it in json.loads(raw) if it["until"] >= time.time()]


def _seal(request: HttpRequest, kept: list[dict[str, Any]]) -> None:
    if kept:
        sealed = sealing.wrap(json.dumps(kept).encode(), _place(request))
        request.session[KEPT] = base64.b64encode(sealed).decode()
    else:
        request.session.pop(KEPT, None)


def _place(request: HttpRequest) -> sealing.Place:
    """Sessions are no place for what people write: whoever reads their table reads none of it."""
    return sealing.Place("session", KEPT, str(request.user.pk))
