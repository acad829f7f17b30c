"""A form that was sent when its session had ended: nothing was done, and nothing of it is lost.

Its fields wait, sealed for the one person that its page was drawn for, while somebody signs in. Is
it that person, they are shown once more, to be sent by a press of their own; else they are gone.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render

from accounts import middleware, recent, sealing
from accounts.models import User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

KEPT = "unsent"
# A field of every form: for whom the page was drawn.
OPENED_BY = "_opened_by"
# Two texts as long as they may be, in the widest of letters, with what goes with them.
MOST_BYTES = 64 * 1024
# Fields that are no text of the person's own.
UNSEEN = (*recent.UNSEEN, "decision", "preview_digest", "request_key")
# What scripts ask for beside the page: they send the form as without script where it is refused.
SCRIPT = "X-Requested-With"

MARKS = signing.TimestampSigner(salt=__name__)


def mark(user: User) -> str:
    """Tells who a page was drawn for, to us alone; whoever has it may do nothing by it."""
    return MARKS.sign(str(user.pk))


def drawn(view: View) -> View:
    """It shows by itself what was typed for it: see `of()`."""
    view.draws_unsent = True  # type: ignore[attr-defined]
    return view


def of(request: HttpRequest) -> QueryDict | None:
    """What was typed for this address before its person had to sign in."""
    return getattr(request, KEPT, None)


class SignInRequired(LoginRequiredMiddleware):
    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if answer := super().process_view(request, view_func, view_args, view_kwargs):
            return _signed_out(request, answer) if request.method == "POST" else answer
        if request.method != "GET" or not request.user.is_authenticated:
            return None
        if KEPT not in request.session or (fields := _take(request)) is None:
            return None
        _switch(request, fields)
        if getattr(view_func, "draws_unsent", False):
            setattr(request, KEPT, fields)
            return None
        return _shown(request, fields)


def _signed_out(request: HttpRequest, leads_on: HttpResponseBase) -> HttpResponseBase:
    if SCRIPT in request.headers:
        return HttpResponse(status=401)
    back = " What you typed comes back." if _keep(request) else ""
    messages.info(request, f"You were signed out. Nothing was done. Sign in to go on.{back}")
    return leads_on


def _keep(request: HttpRequest) -> bool:
    """Not where a password may be part of it: all of those are below /accounts/."""
    posted = request.POST
    try:
        person = MARKS.unsign(posted.get(OPENED_BY, ""), max_age=settings.SESSION_COOKIE_AGE)
    except signing.BadSignature:
        return False
    names = [name for name in posted if name not in ("csrfmiddlewaretoken", OPENED_BY)]
    fields = [(name, value) for name in names for value in posted.getlist(name)]
    until = int(time.time()) + recent.KEEP_SECONDS
    raw = json.dumps({"path": request.get_full_path(), "until": until, "fields": fields}).encode()
    if len(raw) > MOST_BYTES or request.path.startswith("/accounts/"):
        return False
    sealed = sealing.wrap(raw, _place(person))
    request.session[KEPT] = base64.b64encode(sealed).decode()
    return True


def _take(request: HttpRequest) -> QueryDict | None:
    """Once, at its own address, by its own person, in time."""
    try:
        place = _place(str(request.user.pk))
        kept = json.loads(sealing.unwrap(base64.b64decode(request.session[KEPT]), place))
    except sealing.DoesNotOpen:
        kept = None
    if kept and kept["until"] >= time.time() and kept["path"] != request.get_full_path():
        return None
    del request.session[KEPT]
    if not kept or kept["until"] < time.time():
        return None
    fields = QueryDict(mutable=True)
    for name, value in kept["fields"]:
        fields.appendlist(name, value)
    return fields


def _place(person: str) -> sealing.Place:
    """Sessions are no place for what people write; and it opens for nobody else."""
    return sealing.Place("session", KEPT, person)


def _switch(request: Any, fields: QueryDict) -> None:
    """To the partner that the page was drawn for: a session that begins knows of no choice."""
    for membership in request.memberships:
        if str(membership.partner_id) == fields.get(recent.OPENED_FOR):
            middleware.switch(request, membership)


def _shown(request: HttpRequest, fields: QueryDict) -> HttpResponse:
    pairs = [(name, text) for name in fields for text in fields.getlist(name)]
    typed = [(name.replace("_", " "), text) for name, text in pairs if _is_own(name, text)]
    context = {"fields": pairs, "typed": typed, "address": request.get_full_path()}
    return render(request, "accounts/send_again.html", context)


def _is_own(name: str, text: str) -> bool:
    return bool(text) and name not in UNSEEN and not name.startswith("_") and not text.isdigit()
