"""Asking somebody to join a partner, by a link that works once, for seven days.

The link is 256 random bits; only its digest is stored. Sent again, it is another link, and the
former one ends.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, letters, memberships
from accounts.models import AuditEntry, Invitation, Kind, Membership, Partner, Role, User
from accounts.models.invitation import LASTS

# A stolen account shall not send letters without end: open ones that a partner may have, letters
# within a day, and how long one invitation waits for its next.
MOST = 50
MOST_A_DAY = 100
REST = timedelta(minutes=1)
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")

# From a token to the whole address that the letter names.
Link = Callable[[str], str]


class BelongsAlready(Exception):
    """There is a membership of that e-mail address here, active or not."""


class AskedAlready(Exception):
    """An open invitation waits at that address: send it again instead."""


class TooMany(Exception):
    pass


class TooManyToday(Exception):
    pass


class TooSoon(Exception):
    """A letter went out to this address a moment ago."""


class Over(Exception):
    """The link was used, revoked, is too old, or never was: nobody is told which."""


class NotForYou(Exception):
    """The invitation is for another address, or for somebody who may not take it."""


@transaction.atomic
def invite(partner: Partner, email: str, role: Role, *, actor: User, link: Link) -> Invitation:
    """Asks, and writes the letter. Raises what ask() does."""
    made, token = ask(partner, email, role, actor=actor)
    _write(made, link(token))
    return made


@transaction.atomic
def ask(partner: Partner, email: str, role: Role, *, actor: User) -> tuple[Invitation, str]:
    """With the token of its link, known nowhere else.

    Raises BelongsAlready, AskedAlready, TooMany, TooSoon, TooManyToday or NotAdmin.
    """
    email, token = email.lower(), _new_token()
    memberships.lock_as_admin(partner, actor)
    if Membership.objects.filter(partner=partner, user__email=email).exists():
        raise BelongsAlready
    waiting = partner.invitations.open()
    if waiting.filter(email=email).exists():
        raise AskedAlready
    if waiting.count() >= MOST:
        raise TooMany
    if partner.invitations.filter(email=email, invited_at__gt=timezone.now() - REST).exists():
        raise TooSoon
    _allow_letter(partner)
    made = Invitation(partner=partner, email=email, role=role)
    _renew(made, token, actor)
    _record(Kind.INVITED, made, actor, role=role.name)
    return made, token


@transaction.atomic
def send_again(invitation: Invitation, *, actor: User, link: Link) -> Invitation:
    """Another link, seven days from now; the former one ends.

    Raises Over, TooSoon, TooManyToday or NotAdmin.
    """
    token, open_ = _new_token(), _locked(invitation, actor)
    if timezone.now() < open_.invited_at + REST:
        raise TooSoon
    _allow_letter(open_.partner)
    _renew(open_, token, actor)
    _record(Kind.INVITED_AGAIN, open_, actor, role=open_.role.name)
    letters.withdraw(open_)
    _write(open_, link(token))
    return open_


@transaction.atomic
def revoke(invitation: Invitation, *, actor: User) -> None:
    """Raises Over or NotAdmin."""
    _revoke(_locked(invitation, actor), actor)


def revoke_those_of(inviter: User, partner: Partner, *, actor: User) -> None:
    """Who may invite no more leaves no door open; the caller holds the partner's lock."""
    for one in partner.invitations.open().filter(invited_by=inviter):
        _revoke(one, actor)


def find(token: str) -> Invitation:
    """The usable one that this link is for. Raises Over."""
    usable = Invitation.objects.usable().select_related("partner", "role")
    found = usable.filter(digest=digest_of(token)).first()
    if found is None:
        raise Over
    return found


def is_known(invitation: Invitation) -> bool:
    """Whether its address signs in here already; told only to who holds the link."""
    return User.objects.filter(email=invitation.email).exists()


@transaction.atomic
def accept_as_new(token: str, *, name: str, password: str) -> User:
    """Makes the user whom the invitation asks for. Raises Over or NotForYou."""
    invitation = _taken(token)
    if is_known(invitation):
        raise NotForYou
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name)
    except IntegrityError:
        # By another partner's invitation, at the same moment.
        raise NotForYou from None
    _join(invitation, user)
    return user


@transaction.atomic
def accept(token: str, *, user: User) -> Membership:
    """Somebody who signed in as the address that was asked. Raises Over or NotForYou."""
    invitation = _taken(token)
    if not may_accept(invitation, user):
        raise NotForYou
    return _join(invitation, user)


def may_accept(invitation: Invitation, user: User) -> bool:
    """Support works for no partner, whoever asks it to."""
    return user.email == invitation.email and not (user.is_staff or user.is_superuser)


def digest_of(token: str) -> str:
    return hashlib.sha256(b"idv-invitation-1\0" + token.encode()).hexdigest()


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _allow_letter(partner: Partner) -> None:
    """By the audit log; the caller holds the partner's lock. Raises TooManyToday."""
    since = timezone.now() - timedelta(days=1)
    kinds = (Kind.INVITED, Kind.INVITED_AGAIN)
    sent = AuditEntry.objects.filter(partner=partner.pk, kind__in=kinds, at__gt=since)
    if sent.count() >= MOST_A_DAY:
        raise TooManyToday


def _renew(invitation: Invitation, token: str, actor: User) -> None:
    now = timezone.now()
    invitation.digest, invitation.invited_by = digest_of(token), actor
    invitation.invited_at, invitation.expires_at = now, now + LASTS
    invitation.save()


def _locked(invitation: Invitation, actor: User) -> Invitation:
    memberships.lock_as_admin(invitation.partner, actor)
    rows = Invitation.objects.select_for_update(of=("self",)).open()
    found = rows.select_related("partner", "role").filter(pk=invitation.pk).first()
    if found is None:
        raise Over
    return found


def _taken(token: str) -> Invitation:
    """Locked, so that of two who press at once one finds it used. Raises Over."""
    found = find(token)
    Partner.objects.select_for_update().get(pk=found.partner_id)
    return find(token)


def _join(invitation: Invitation, user: User) -> Membership:
    partner = invitation.partner
    if Membership.objects.filter(partner=partner, user=user).exists():
        raise Over
    membership = Membership.objects.create(user=user, partner=partner, role=invitation.role)
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    letters.withdraw(invitation)
    _record(Kind.JOINED, invitation, user, membership=membership.pk, role=invitation.role.name)
    return membership


def _revoke(invitation: Invitation, actor: User) -> None:
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    letters.withdraw(invitation)
    _record(Kind.INVITATION_REVOKED, invitation, actor, role=invitation.role.name)


def _write(invitation: Invitation, link: str) -> None:
    """Plain words and the link: no other secret."""
    context = {"invitation": invitation, "link": link, "days": LASTS.days}
    subject = f"{invitation.partner}: you are invited to IDV Dashboard"
    template = "accounts/mail/invitation.txt"
    letters.write(invitation.email, subject, template, context, invitation=invitation)


def _record(kind: Kind, invitation: Invitation, actor: User, **facts: str | int) -> None:
    audit.record(
        kind,
        actor=actor,
        partner=invitation.partner,
        subject=f"invitation:{invitation.pk}",
        stream=f"p/{invitation.partner_id}",
        **facts,
    )
