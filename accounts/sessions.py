"""How long a session lasts, what ends it, and what it takes before it may do anything."""

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import MemberRequest
from accounts.models import Rank, User

Handler = Callable[..., HttpResponse]

BEGAN, SEEN = "began", "seen"
# Written at most this often, so that reading pages does not write to the session each time.
STAMP_SECONDS = 60


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
