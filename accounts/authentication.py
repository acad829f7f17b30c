"""request.user, from what came with the session."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject


class Authentication(AuthenticationMiddleware):
    """Django's, without a second statement where nothing is unusual."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]


def _user(request: Any) -> Any:
    if not hasattr(request, "_cached_user"):
        request._cached_user = _loaded(request) or get_user(request)
    return request._cached_user


def _loaded(request: Any) -> Any:
    """The user of the session, if all that Django asks of them holds at once; else it may ask."""
    session = request.session
    key, proof = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)
    user = getattr(session, "user", None)
    if not (user and key == str(user.pk) and proof and user.is_active):
        return None
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    return user if constant_time_compare(proof, user.get_session_auth_hash()) else None
