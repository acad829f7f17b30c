"""What a form did a moment ago: pressed twice, it does it once and is answered alike.

The browser drops the first answer, which may have been the only one that showed a secret.
"""

import hashlib

from django.core.cache import cache
from django.http import HttpRequest

SECONDS = 60


def remember(request: HttpRequest, done: int) -> None:
    """In the transaction that does it: who waits for that one finds it."""
    cache.set(_form(request), done, SECONDS)


def remembered(request: HttpRequest) -> int | None:
    done: int | None = cache.get(_form(request))
    return done


def _form(request: HttpRequest) -> str:
    """The same person's, and of the same page: each has a CSRF token of its own."""
    sent = f"{request.user.pk} {request.path} {request.POST.urlencode()}"
    return f"form-{hashlib.sha256(sent.encode()).hexdigest()}"
