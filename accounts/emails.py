"""Another e-mail for a user, by support: who reads it can take the place of the user.

So it says why, ends all sessions, and is told to the former address and to the Admins.
"""

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string

from accounts import sessions
from accounts.models import Membership, Rank, User

log = logging.getLogger(__name__)


def changed(user: User, former: str, *, why: str) -> None:
    """In the transaction that changes it; the letters go out with its commit."""
    sessions.end(user)
    letters = [_letter(former, {"why": why})]
    letters += [_letter(admin, {"why": why, "whose": former}) for admin in _admins(user)]
    transaction.on_commit(lambda: _send(letters))


def _admins(user: User) -> list[str]:
    """Those of all the partners where the user works, but for the user."""
    partners = Membership.objects.active().filter(user=user).values("partner")
    admins = Membership.objects.active().filter(partner__in=partners, role__rank=Rank.ADMIN)
    others = admins.exclude(user=user).order_by("user__email")
    return list(others.values_list("user__email", flat=True).distinct())


def _letter(to: str, context: dict[str, str]) -> EmailMessage:
    """It does not tell the new address: who lost theirs may not be who gets it."""
    text = render_to_string("accounts/mail/email_changed.txt", context)
    return EmailMessage("The e-mail of an account was changed", text, to=[to])


def _send(letters: list[EmailMessage]) -> None:
    try:
        get_connection().send_messages(letters)
    except (OSError, SMTPException) as trouble:
        log.error("letters of a changed e-mail did not go out: %s", type(trouble).__name__)
