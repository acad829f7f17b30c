"""request.membership: the partner this user works for now, and in which role."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.utils import timezone

from accounts import access, budgets, unsent
from accounts.access import MemberRequest, View
from accounts.models import Membership, User

SESSION_KEY = "partner"
# The team page says when somebody was last here: written at most this often.
STAMP_EVERY = timedelta(minutes=5)


def current_membership(get_response: Callable) -> Callable[[MemberRequest], HttpResponse]:
    def middleware(request: MemberRequest) -> HttpResponse:
        request.memberships = _memberships(request)
        request.membership = _chosen(request)  # type: ignore[assignment]
        # What is posted leads to a page, which notes it.
        if request.membership and request.method != "POST":
            _stamp(request.membership)
        return get_response(request)

    middleware.process_view = _for_its_partner  # type: ignore[attr-defined]
    middleware.process_exception = _stopped  # type: ignore[attr-defined]
    return middleware


def _stopped(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Somebody took as much of other people's data as one person may."""
    if not isinstance(exception, budgets.Reached):
        return None
    budgets.note(exception)
    seconds = max(1, int((exception.again_at - timezone.now()).total_seconds()))
    response = render(None, "429.html", {"reached": exception}, status=429)  # type: ignore[arg-type]
    response.headers["Retry-After"] = str(seconds)
    return response


def _memberships(request: MemberRequest) -> list[Membership]:
    """Active ones of an active partner: mostly they came with the session."""
    if not request.user.is_authenticated:
        return []
    came_for: User | None = getattr(request.session, "user", None)
    if came_for and came_for.pk == request.user.pk:
        own: Iterable[Membership] = request.session.memberships  # type: ignore[attr-defined]
    else:
        active = Membership.objects.active().filter(user=request.user)
        own = active.select_related("partner", "role").order_by()
    return sorted(own, key=lambda one: one.partner.name)


def _chosen(request: MemberRequest) -> Membership | None:
    chosen = request.session.get(SESSION_KEY) if request.memberships else None
    for membership in request.memberships:
        membership.user = request.user
        if membership.partner_id == chosen:
            return membership
    return request.memberships[0] if request.memberships else None


def _for_its_partner(request: MemberRequest, view: View, *_: Any) -> None:
    """A form acts for the partner that it was opened for, whichever another page chose meanwhile:
    the same reference may tell of another applicant there. Asked once its token was looked at.
    It comes back for that partner too, and until it is sent nothing else does.
    Raises Http404: one works there no more.
    """
    if not request.memberships or not access.is_for_members(view):
        return
    if request.method != "POST":
        if named := request.GET.get(unsent.OPENED_FOR):
            request.membership = _of_partner(request, named)
        return
    try:
        posted = request.POST.get(unsent.OPENED_FOR)
    except UnreadablePostError:
        # It broke off: the view finds out as well.
        return
    if posted is not None:
        switch(request, _of_partner(request, posted))


def _of_partner(request: MemberRequest, number: str) -> Membership:
    for membership in request.memberships:
        if str(membership.partner_id) == number:
            membership.user = request.user
            return membership
    raise Http404


def _stamp(membership: Membership) -> None:
    now = timezone.now()
    if membership.seen_at is None or now - membership.seen_at >= STAMP_EVERY:
        Membership.objects.filter(pk=membership.pk).update(seen_at=now)


def switch(request: MemberRequest, membership: Membership) -> None:
    """From here on, and in the requests to come, this user works for that partner."""
    if request.membership != membership:
        request.session[SESSION_KEY] = membership.partner_id
        request.membership = membership
