"""A partner's webhook endpoints, for its Admins."""

from collections.abc import Callable

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, middleware, partners
from accounts.models import Membership, Rank
from verifications.deliveries import queues
from verifications.endpoint_forms import (
    AddEndpointForm,
    ChangeEndpointForm,
    EndpointForm,
    SeenForm,
    UndoTimeForm,
    headers_as_text,
)
from verifications.models import WebhookEndpoint
from verifications.webhooks import endpoints

REMOVED = "That endpoint was removed."
UNDO_TIME_STALE = "The partner was changed meanwhile. Nothing was saved; look again and save."
# How long a new key waits to be looked at, once.
UNSEEN_SECONDS = 300


def mine_from(request: access.MemberRequest, rank: Rank) -> list[Membership]:
    """Mine that reach here, the current one first."""
    mine = [request.membership, *request.memberships]
    return [one for one in mine if one and one.role.rank >= rank]


def work_for(request: access.MemberRequest, partner_id: int, rank: Rank) -> None:
    """The top bar switches to the partner whose page is shown."""
    mine = mine_from(request, rank)
    middleware.switch(request, next(one for one in mine if one.partner_id == partner_id))


@access.member(Rank.ADMIN)
@require_safe
def index(request: access.MemberRequest) -> HttpResponse:
    return _index(request)


def _index(
    request: access.MemberRequest, undo_form: UndoTimeForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "lines": queues.lines(request.membership),
        "partner": request.membership.partner,
        "undo_form": undo_form,
    }
    return render(request, "verifications/webhooks.html", context, status=status)


@access.member(Rank.ADMIN)
@require_POST
def undo_time(request: access.MemberRequest) -> HttpResponse:
    """How long a decision of this partner can be taken back: its Admins say, as support may."""
    form = UndoTimeForm(request.POST)
    if not form.is_valid():
        return _index(request, form, status=422)
    seconds, seen = form.cleaned_data["undo_seconds"], form.cleaned_data["seen_revision"]
    partner = request.membership.partner
    try:
        partners.change(partner, {"undo_seconds": seconds}, actor=request.user, seen_revision=seen)
    except partners.Stale:
        form.add_error("undo_seconds", UNDO_TIME_STALE)
        return _index(request, form, status=409)
    said = f"can be taken back for {seconds} s" if seconds else "stand at once"
    messages.success(request, f"Decisions {said} from now on.")
    return redirect("webhooks")


@access.member(Rank.ADMIN)
@access.proven
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: access.MemberRequest) -> HttpResponse:
    if request.method != "POST":
        form = AddEndpointForm(initial={"active": True})
        return _form(request, "webhooks_add.html", form)
    form = AddEndpointForm(request.POST)
    if form.is_valid():
        wanted = endpoints.Wanted(**form.wanted())
        is_active = form.cleaned_data["active"]
        try:
            partner = request.membership.partner
            made = endpoints.add(partner, wanted, request.user, is_active=is_active)
        except endpoints.NameTaken as taken:
            if _is_unseen(request, taken.endpoint):
                return redirect("webhook_endpoint", taken.endpoint.pk)
            form.add_error("name", _taken(taken))
        except endpoints.TooMany:
            form.add_error(None, f"{endpoints.MOST} endpoints are the limit. Remove one first.")
        else:
            _leave_unseen(request, made)
            return redirect("webhook_endpoint", made.pk)
    return _form(request, "webhooks_add.html", form, status=422)


@access.member(Rank.ADMIN)
@access.proven
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _find(request, pk)
    if request.method != "POST":
        # A HEAD shows nothing, and takes nothing away.
        is_new = request.method == "GET" and cache.delete(_unseen(request, found))
        return _page(request, found, _filled(found), key=found.signing_key if is_new else "")
    form = ChangeEndpointForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    wanted = endpoints.Wanted(**form.wanted())
    try:
        seen = form.cleaned_data["seen_revision"]
        endpoints.change(found, wanted, request.user, seen_revision=seen)
    except endpoints.Gone:
        return _gone(request)
    except endpoints.Stale:
        return _conflict(request, found, form)
    except endpoints.NameTaken as taken:
        form.add_error("name", _taken(taken))
        return _page(request, found, form, status=422)
    messages.success(request, f"Saved “{wanted.name}”.")
    return redirect("webhook_endpoint", pk)


@access.member(Rank.ADMIN)
@access.proven
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: access.MemberRequest, pk: int) -> HttpResponse:
    return _step(request, pk, "webhooks_rotate.html", _rotate)


def _rotate(request: access.MemberRequest, found: WebhookEndpoint, seen: int) -> HttpResponse:
    try:
        endpoints.rotate_key(found, request.user, seen_revision=seen)
    except endpoints.Stale:
        # Pressed twice: the second answer is the one that is seen.
        if not _is_unseen(request, found):
            raise
    else:
        _leave_unseen(request, found)
    return redirect("webhook_endpoint", found.pk)


@access.member(Rank.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: access.MemberRequest, pk: int) -> HttpResponse:
    return _step(request, pk, "webhooks_remove.html", _remove)


def _remove(request: access.MemberRequest, found: WebhookEndpoint, seen: int) -> HttpResponse:
    endpoints.remove(found, request.user, seen_revision=seen)
    messages.success(request, f"Removed “{found.name}”. Its deliveries stay in the list.")
    return redirect("webhooks")


@access.member(Rank.ADMIN)
@require_POST
def pause(request: access.MemberRequest, pk: int) -> HttpResponse:
    return _switch(request, pk, endpoints.pause, "Paused. New messages queue up and wait.")


@access.member(Rank.ADMIN)
@require_POST
def resume(request: access.MemberRequest, pk: int) -> HttpResponse:
    return _switch(request, pk, endpoints.resume, "Switched on. What waits goes out when due.")


@access.member(Rank.ADMIN)
@require_POST
def test(request: access.MemberRequest, pk: int) -> HttpResponse:
    """Shown as a delivery like all others."""
    found = _find(request, pk)
    try:
        delivery = endpoints.send_test(found, request.user)
    except endpoints.Gone:
        return _gone(request)
    except endpoints.SwitchedOff:
        messages.error(request, "Not sent: the endpoint is switched off. Switch it on first.")
        return _page(request, found, _filled(found), status=409)
    messages.success(request, "A test is queued: it goes out at once.")
    return redirect("delivery_detail", delivery.pk)


def _find(request: access.MemberRequest, pk: int) -> WebhookEndpoint:
    found = queues.find(mine_from(request, Rank.ADMIN), pk)
    if found is None:
        raise Http404
    work_for(request, found.partner_id, Rank.ADMIN)
    return found


def _step(
    request: access.MemberRequest,
    pk: int,
    template: str,
    take: Callable[[access.MemberRequest, WebhookEndpoint, int], HttpResponse],
) -> HttpResponse:
    """A page that says what will happen, and what it posts."""
    found = _find(request, pk)
    form, status, is_stale = SeenForm(), 200, False
    if request.method == "POST":
        form, status = SeenForm(request.POST), 422
    if form.is_valid():
        try:
            return take(request, found, form.cleaned_data["seen_revision"])
        except endpoints.Gone:
            return _gone(request)
        except endpoints.Stale:
            found.refresh_from_db()
            status, is_stale = 409, True
    change = queues.latest_change(found, {}) if is_stale else None
    context = {"line": queues.line(found), "it": found, "form": form, "change": change}
    return render(request, f"verifications/{template}", context, status=status)


def _switch(
    request: access.MemberRequest,
    pk: int,
    switch: Callable[..., WebhookEndpoint],
    sentence: str,
) -> HttpResponse:
    try:
        switch(_find(request, pk), request.user)
    except endpoints.Gone:
        return _gone(request)
    messages.success(request, sentence)
    return redirect("webhook_endpoint", pk)


def _conflict(
    request: access.MemberRequest, found: WebhookEndpoint, form: ChangeEndpointForm
) -> HttpResponse:
    """What was typed is kept; sent again, it is saved over what is shown now."""
    found.refresh_from_db()
    change = queues.latest_change(found, form.wanted())
    typed = request.POST.copy()
    typed["seen_revision"] = str(found.revision)
    return _page(request, found, ChangeEndpointForm(typed), change=change, status=409)


def _filled(found: WebhookEndpoint) -> ChangeEndpointForm:
    initial = {name: getattr(found, name) for name in ("name", "address", "events")}
    initial |= {"headers": headers_as_text(found.known_headers), "seen_revision": found.revision}
    return ChangeEndpointForm(initial=initial)


def _page(
    request: access.MemberRequest,
    found: WebhookEndpoint,
    form: EndpointForm,
    *,
    key: str = "",
    change: queues.Change | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"line": queues.line(found), "it": found, "key": key, "change": change}
    return _form(request, "webhooks_endpoint.html", form, status=status, **context)


def _form(
    request: access.MemberRequest,
    template: str,
    form: EndpointForm,
    *,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    context = {"form": form, **more}
    return render(request, f"verifications/{template}", context, status=status)


def _gone(request: access.MemberRequest) -> HttpResponse:
    messages.info(request, REMOVED)
    return redirect("webhooks")


def _taken(taken: endpoints.NameTaken) -> str:
    return f"“{taken.endpoint.name}” exists already. Choose another name."


def _unseen(request: access.MemberRequest, found: WebhookEndpoint) -> str:
    return f"unseen-key-{request.user.pk}-{found.pk}"


def _leave_unseen(request: access.MemberRequest, found: WebhookEndpoint) -> None:
    """The next page of this endpoint shows its key to this person, and no page after that."""
    cache.set(_unseen(request, found), "", UNSEEN_SECONDS)


def _is_unseen(request: access.MemberRequest, found: WebhookEndpoint) -> bool:
    return _unseen(request, found) in cache
