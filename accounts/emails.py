"""Another e-mail for a user, by support: who reads it can take the place of the user.

So it says why, ends all sessions, and is told to the former address and to the Admins.
"""

from accounts import letters, sessions
from accounts.models import Membership, Rank, User

# It does not tell the new address: who lost theirs may not be who gets it.
TEMPLATE = "accounts/mail/email_changed.txt"
SUBJECT = "The e-mail of an account was changed"


def changed(user: User, former: str, *, why: str) -> None:
    """In the transaction that changes it."""
    sessions.end(user)
    told = {former: {"why": why}}
    told |= {admin: {"why": why, "whose": former} for admin in _admins(user)}
    for to, context in told.items():
        letters.write(to, SUBJECT, TEMPLATE, context)


def _admins(user: User) -> list[str]:
    """Those of all the partners where the user works, but for the user."""
    partners = Membership.objects.active().filter(user=user).values("partner")
    admins = Membership.objects.active().filter(partner__in=partners, role__rank=Rank.ADMIN)
    others = admins.exclude(user=user).order_by("user__email")
    return list(others.values_list("user__email", flat=True).distinct())
