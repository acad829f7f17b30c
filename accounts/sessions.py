"""How long a session lasts, what ends it, and what it takes before it may do anything."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from accounts import access, recent, unsent
from accounts.access import MemberRequest
from accounts.middleware import SESSION_KEY
from accounts.models import Rank, User

Handler = Callable[..., HttpResponse]

BEGAN, SEEN = "began", "seen"
# Written at most this often, so that reading pages does not write to the session each time.
STAMP_SECONDS = 60
# What scripts ask for beside the page: they send the form as without script where it is refused.
SCRIPT = "X-Requested-With"


def limits(get_response: Handler) -> Handler:
    """Ends a session that was idle too long, or that is too old whatever it did."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            session = request.session
            began, seen = session.get(BEGAN, now), session.get(SEEN, now)
            # A clock that jumps back must not prolong anything: such a session ends as well.
            idle, age = now - seen, now - began
            if idle > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_COOKIE_AGE:
                return _ended(request, get_response)
            if min(idle, age) < -STAMP_SECONDS:
                return _ended(request, get_response)
            if BEGAN not in session or idle >= STAMP_SECONDS:
                session[BEGAN], session[SEEN] = began, now
        return get_response(request)

    return middleware


def _ended(request: HttpRequest, get_response: Handler) -> HttpResponse:
    """What was sent goes on as nobody's: where one has to sign in, it is kept (`unsent`)."""
    logout(request)
    if request.method not in ("GET", "HEAD"):
        return get_response(request)
    messages.info(request, "Your session has ended. Sign in again to go on.")
    return redirect_to_login(request.get_full_path())


class SignInRequired(LoginRequiredMiddleware):
    """Of every view that is not public; what could not be sent before comes back once."""

    def process_view(self, request: Any, view: Any, *args: Any) -> HttpResponseBase | None:
        answer = super().process_view(request, view, *args)
        if answer:
            return _signed_out(request) if request.method == "POST" else answer
        if request.method != "GET" or not (unsent.waits(request) and recent.is_proven(request)):
            return None
        if access.is_for_members(view) and not request.membership:
            return None
        # A window over the page has no room for it: it would be taken, and seen by nobody.
        if SCRIPT in request.headers and not unsent.is_drawn(view):
            return None
        if (fields := unsent.take(request)) is None:
            return None
        if request.membership:
            # A session that has just begun knows of no choice.
            request.session.setdefault(SESSION_KEY, request.membership.partner_id)
        return unsent.shown(request, view, fields)


def _signed_out(request: HttpRequest) -> HttpResponse:
    if SCRIPT in request.headers:
        return HttpResponse(status=401)
    kept = unsent.keep(request)
    back = " What you typed comes back." if kept else ""
    messages.info(request, f"You were signed out. Nothing was done. Sign in to go on.{back}")
    return redirect_to_login(kept or request.get_full_path())


def end(user: User) -> None:
    """Every session of this user, known to us or not, from their next request on."""
    User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    for session in UserSession.objects.filter(user=user):
        session.end()


def second_factor(get_response: Handler) -> Handler:
    """Who can decide, support, and whoever's was reset need one before they get anywhere."""

    def middleware(request: MemberRequest) -> HttpResponse:
        why = _why_asked(request)
        if why and not is_mfa_enabled(request.user):
            messages.warning(request, why)
            return redirect("mfa_index")
        return get_response(request)

    return middleware


def _why_asked(request: MemberRequest) -> str:
    user = request.user
    if not user.is_authenticated or request.path.startswith("/accounts/"):
        return ""
    if user.needs_second_factor:
        return "Your second step was reset. Set it up anew to go on."
    ranks = [membership.role.rank for membership in request.memberships]
    if settings.REQUIRE_MFA and (user.is_staff or Rank.ADMIN in ranks):
        return "Set up a second step first: your role requires it."
    return ""
