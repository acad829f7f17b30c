"""What is changed about how somebody signs in: in the log, and told to them by letter.

Whoever came upon an open session would change just that. The change, its entry and its letter are
one transaction: all or none.
"""

from contextlib import ExitStack
from functools import wraps
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.contrib.messages import get_messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

from accounts import audit, letters
from accounts.access import View
from accounts.models import Kind, User

ADDED, REMOVED = "added", "removed"
APP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN
CODES = Authenticator.Type.RECOVERY_CODES
# What was done: as the log calls it, and as the letter says it.
SECOND_STEPS = {
    (APP, ADDED): ("app", "added", "An authenticator app was added."),
    (APP, REMOVED): ("app", "removed", "The authenticator app was removed."),
    (PASSKEY, ADDED): ("passkey", "added", "A passkey was added."),
    (PASSKEY, REMOVED): ("passkey", "removed", "A passkey was removed."),
    (CODES, ADDED): (
        "recovery codes",
        "replaced",
        "New recovery codes were made; those from before no longer work.",
    ),
}


def password_changed(user: User, *, by_link: bool) -> None:
    """In the transaction that changes it."""
    _record(Kind.PASSWORD_CHANGED, user, user, by_link=by_link)
    who = "followed a link that was sent to this address" if by_link else "was signed in as you"
    _tell(user, "Your password was changed", f"Somebody who {who} set a new password.")


def password_set_by_command(user: User) -> None:
    """In the transaction that sets it. Who types there is nobody that we know."""
    _record(Kind.PASSWORD_CHANGED, user, None, by_command=True)
    _tell(user, "Your password was changed", "Whoever runs this site set a new password for you.")


def logged(view: View) -> View:
    """A view of django-allauth that changes second steps.

    Rows are compared: it says some of what it did only after the commit.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        user = cast(User, request.user)
        with ExitStack() as undone, transaction.atomic():
            # Should it come to nothing, no page says later that it was done.
            undone.callback(list, get_messages(request))
            User.objects.select_for_update().get(pk=user.pk)
            before = _second_steps(user)
            response = view(request, *args, **kwargs)
            _second_steps_changed(user, before, _second_steps(user))
            undone.pop_all()
        return response

    return guarded


def _second_steps(user: User) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))


def _second_steps_changed(user: User, before: dict[int, str], after: dict[int, str]) -> None:
    done = [(after[pk], ADDED) for pk in after.keys() - before.keys()]
    done += [(before[pk], REMOVED) for pk in before.keys() - after.keys()]
    # Codes come with the first step and go with the last: then they are no change of their own.
    steps = [it for it in done if it[0] != CODES]
    for step in steps or {(CODES, ADDED)}.intersection(done):
        what, how, sentence = SECOND_STEPS[step]
        _tell(user, "Your second step was changed", sentence)
        _record(Kind.SECOND_FACTOR_CHANGED, user, user, what=what, how=how)


def sessions_ended(user: User, count: int) -> None:
    _record(Kind.SIGNED_OUT_ELSEWHERE, user, user, sessions=count)


def _record(kind: Kind, user: User, actor: User | None, **facts: str | int | bool) -> None:
    subject, stream = f"user:{user.pk}", f"u/{user.pk}"
    audit.record(kind, actor=actor, partner=None, subject=subject, stream=stream, **facts)


def _tell(user: User, subject: str, done: str) -> None:
    letters.write(user.email, subject, "accounts/mail/own_access.txt", {"done": done})
