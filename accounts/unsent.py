"""A form that could not be sent, its session ended or who sent it not proven lately: nothing was
done, and nothing of it is lost.

Its fields wait, sealed in the session for the one person that its page was drawn for. Once it is
proven who is there, they are shown once more, to be sent by a press of their own.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render

from accounts import sealing
from accounts.models import User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

KEPT = "typed"
# Fields of every form: for which partner its page was drawn, where it leads back to; and for whom.
OPENED_FOR, OPENED_BY = "opened_for", "_opened_by"
BROUGHT_ANEW = ("csrfmiddlewaretoken", OPENED_FOR, OPENED_BY)
# Fields that are no text of the person's own, beside numbers and what begins with an underscore.
UNSEEN = ("seen", "previewed", "preview_digest", "request_key")
# Longer than anybody needs to prove who they are; as many forms as somebody leaves open at once;
# two texts as long as they may be, in the widest of letters, with what goes with them.
SECONDS, MOST_FORMS, MOST_BYTES = 900, 3, 64 * 1024

MARKS = signing.TimestampSigner(salt=__name__)


def mark(user: User) -> str:
    """Tells who a page was drawn for, to us alone; whoever has it may do nothing by it."""
    return MARKS.sign(str(user.pk))


def keep(request: HttpRequest) -> str:
    """The newest of each address and partner; gives the address where it comes back.

    Empty: it is not kept. Nor is it where a password may be part of it, all below /accounts/.
    """
    fields, person, place = request.POST.copy(), _person(request), _place(request, request.POST)
    for name in BROUGHT_ANEW:
        fields.pop(name, None)
    until = int(time.time()) + SECONDS
    form = {"place": place, "until": until, "fields": fields.urlencode()}
    is_long = len(json.dumps(form)) > MOST_BYTES
    if not person or is_long or request.path.startswith("/accounts/"):
        return ""
    others = [it for it in _kept(request, person) if it["place"] != place]
    _seal(request, person, [form, *others][:MOST_FORMS])
    return place


def waits(request: HttpRequest) -> bool:
    """Whether any form does, whoever sent it."""
    return KEPT in request.session


def take(request: HttpRequest) -> QueryDict | None:
    """Once, at its own address and partner, by its own person, in time; a bare button is empty."""
    person, place = _person(request), _place(request, request.GET)
    kept = _kept(request, person)
    own = next((it for it in kept if it["place"] == place), None)
    # The reading of another page writes nothing: it may come in beside a form that is kept.
    if own or not kept:
        _seal(request, person, [it for it in kept if it is not own])
    return QueryDict(own["fields"]) if own else None


def drawn(view: View) -> View:
    """It shows by itself what was typed for it: see `of()`."""
    view.draws_unsent = True  # type: ignore[attr-defined]
    return view


def is_drawn(view: Callable) -> bool:
    return getattr(view, "draws_unsent", False)


def of(request: HttpRequest) -> QueryDict | None:
    """What was typed for this address before its person had to sign in."""
    return getattr(request, KEPT, None)


def shown(request: HttpRequest, view: Callable, fields: QueryDict) -> HttpResponse | None:
    """None: by the view itself."""
    if is_drawn(view):
        setattr(request, KEPT, fields)
        return None
    pairs = [(name, text) for name, texts in fields.lists() for text in texts]
    typed = [(name.replace("_", " "), text) for name, text in pairs if _is_own(name, text)]
    work = getattr(request, "membership", None)
    context = {"fields": pairs, "typed": typed, "address": _address(request), "work": work}
    return render(request, "accounts/send_again.html", context)


def _is_own(name: str, text: str) -> bool:
    """Not what the page brought along, and no number: it stands for a choice."""
    return bool(text) and name not in UNSEEN and not name.startswith("_") and not text.isdigit()


def _person(request: HttpRequest) -> str:
    """Who is signed in, else who the page was drawn for."""
    if request.user.is_authenticated:
        return str(request.user.pk)
    posted = request.POST.get(OPENED_BY, "")
    try:
        return MARKS.unsign(posted, max_age=settings.SESSION_COOKIE_AGE)
    except signing.BadSignature:
        return ""


def _place(request: HttpRequest, fields: QueryDict) -> str:
    """An address for the partner that the fields name, else the one that is worked for."""
    work = getattr(request, "membership", None)
    return _address(request, fields.get(OPENED_FOR) or str(work.partner_id if work else ""))


def _address(request: HttpRequest, opened_for: str = "") -> str:
    query = request.GET.copy()
    query.pop(OPENED_FOR, None)
    if opened_for:
        query[OPENED_FOR] = opened_for
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _kept(request: HttpRequest, person: str) -> list[dict[str, Any]]:
    """What is somebody else's, under a master key that is gone, or typed too long ago is lost."""
    sealed = base64.b64decode(request.session.get(KEPT, ""))
    try:
        raw = sealing.unwrap(sealed, _sealed_for(person))
    except sealing.DoesNotOpen:
        return []
    return [it for it in json.loads(raw) if it["until"] >= time.time()]


def _seal(request: HttpRequest, person: str, kept: list[dict[str, Any]]) -> None:
    if kept:
        sealed = sealing.wrap(json.dumps(kept).encode(), _sealed_for(person))
        request.session[KEPT] = base64.b64encode(sealed).decode()
    else:
        request.session.pop(KEPT, None)


def _sealed_for(person: str) -> sealing.Place:
    """Sessions are no place for what people write: whoever reads their table reads none of it."""
    return sealing.Place("session", KEPT, person)
