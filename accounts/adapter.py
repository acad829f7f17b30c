"""How django-allauth signs our users in, and what the audit log says of it."""

import base64
import binascii
import logging
import secrets
from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import audit, letters, own_access, recent, sealing
from accounts.forms import WAIT, WRONG
from accounts.models import Kind, Membership, User

log = logging.getLogger(__name__)

# In a session that is not signed in yet: what it must match from its first step to its last.
BEGUN_WITH = "begun_with"
TOO_LATE = "Your account has changed since you began to sign in. Sign in again."


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors' secrets are wrapped: a copy of the database signs nobody in."""

    PLACE = sealing.Place("mfa_authenticator", "data", "")

    def encrypt(self, text: str) -> str:
        return base64.b64encode(sealing.wrap(text.encode(), self.PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What does not open is as good as a secret that nobody has: no code is right."""
        try:
            wrapped = base64.b64decode(encrypted_text, validate=True)
            return sealing.unwrap(wrapped, self.PLACE).decode()
        except (binascii.Error, sealing.DoesNotOpen):
            log.error("the secret of a second step does not open")
            return base64.b32encode(secrets.token_bytes(20)).decode()


class SessionsAdapter(DefaultUserSessionsAdapter):
    @transaction.atomic
    def end_sessions(self, sessions: list[UserSession]) -> None:
        if sessions:
            own_access.sessions_ended(context.request.user, len(sessions))
        super().end_sessions(sessions)


class Adapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "enter_current_password": "That is not your password now.",
        "incorrect_password": "That is not your password.",
        "too_many_login_attempts": WAIT,
        "rate_limited": WAIT,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: users are invited by an Admin or made by support."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """An inactive user is answered, counted and logged like a wrong password."""
        self.pre_authenticate(request, **credentials)
        user = authenticate(request, **credentials)
        AuthenticationBackend.unstash_authenticated_user()
        if user:
            self._rollback_login_failed_rl_usage()
        else:
            self.authentication_failed(request, **credentials)
        return user

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """By our door; to nobody where the form found no user."""
        letter = self.render_mail("account/email/password_reset_key", email, context)
        lasts = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        letters.post(email if user.pk else "", letter.subject, letter.body, lasts=lasts)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        messages.error(request, WRONG)
        return redirect("account_login")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Per account and address: nobody can lock the owner out from elsewhere."""
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account} {ratelimit.get_ip(request)}"

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        request.session[BEGUN_WITH] = user.get_session_auth_hash()
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: User) -> None:
        """What ends every session of a user also ends a sign-in between its two steps."""
        begun_with = request.session.pop(BEGUN_WITH, "")
        is_same = constant_time_compare(begun_with, user.get_session_auth_hash())
        if not (is_same and user.is_active):
            audit.record(Kind.SIGN_IN_FAILED, actor=None, partner=None, **_about(user))
            request.session.flush()
            messages.error(request, TOO_LATE)
            raise ImmediateHttpResponse(redirect("account_login"))
        audit.record(Kind.SIGNED_IN, actor=user, partner=None, **_about(user))
        super().login(request, user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user if isinstance(request.user, User) else None
        audit.record(Kind.SIGNED_OUT, actor=user, partner=None, **_about(user))
        super().logout(request)

    @transaction.atomic
    def set_password(self, user: User, password: str) -> None:
        """And nothing else of the user, who may have been demoted or switched off meanwhile."""
        user.set_password(password)
        user.save(update_fields=["password"])
        page = context.request.resolver_match.url_name
        own_access.password_changed(user, by_link=page == "account_reset_password_from_key")

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Asked for after the change, where it may be lost: own_access writes with it."""

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """What was typed is never kept: people type passwords where the e-mail belongs."""
        user = User.objects.filter(email=credentials.get("email", "").lower()).first()
        audit.record(Kind.SIGN_IN_FAILED, actor=None, partner=None, **_about(user))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """One rule for allauth's pages and for ours."""
        return not recent.is_proven(context.request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user = request.user
        if user.is_staff and not Membership.objects.active().filter(user=user).exists():
            return resolve_url("admin:index")
        return super().get_login_redirect_url(request)

    def is_safe_url(self, url: str | None) -> bool:
        """Only to where the person is now, not to any host that we also answer for."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )


def _about(user: User | None) -> dict[str, str]:
    if user is None:
        return {"subject": "user:unknown", "stream": "s/sign-in"}
    return {"subject": f"user:{user.pk}", "stream": f"u/{user.pk}"}
