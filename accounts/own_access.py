"""What people change about how they themselves sign in: in the log, and told to them by letter.

Whoever came upon an open session would change just that.
"""

from accounts import audit, letters
from accounts.models import Kind, User

# What was done, under the name that django-allauth tells it by: for the log, and for the letter.
SECOND_STEPS = {
    "mfa/email/totp_activated": ("app", "added", "An authenticator app was added."),
    "mfa/email/totp_deactivated": ("app", "removed", "The authenticator app was removed."),
    "mfa/email/webauthn_added": ("passkey", "added", "A passkey was added."),
    "mfa/email/webauthn_removed": ("passkey", "removed", "A passkey was removed."),
    "mfa/email/recovery_codes_generated": (
        "recovery codes",
        "replaced",
        "New recovery codes were made; those from before no longer work.",
    ),
}


def password_changed(user: User, *, by_link: bool) -> None:
    """In the transaction that changes it."""
    _record(Kind.PASSWORD_CHANGED, user, by_link=by_link)
    who = "followed a link that was sent to this address" if by_link else "was signed in as you"
    _tell(user, "Your password was changed", f"Somebody who {who} set a new password.")


def second_factor_changed(user: User, done: str) -> None:
    """It is changed already: where it cannot be logged, the person is told all the same."""
    what, how, sentence = SECOND_STEPS[done]
    _tell(user, "Your second step was changed", sentence)
    _record(Kind.SECOND_FACTOR_CHANGED, user, what=what, how=how)


def sessions_ended(user: User, count: int) -> None:
    _record(Kind.SIGNED_OUT_ELSEWHERE, user, sessions=count)


def _record(kind: Kind, user: User, **facts: str | int | bool) -> None:
    subject, stream = f"user:{user.pk}", f"u/{user.pk}"
    audit.record(kind, actor=user, partner=None, subject=subject, stream=stream, **facts)


def _tell(user: User, subject: str, done: str) -> None:
    letters.write(user.email, subject, "accounts/mail/own_access.txt", {"done": done})
