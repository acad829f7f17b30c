"""What the Admins of a partner do to each other's memberships, and the page that shows them.

Each change is asked of the rows as they are under the partner's lock, is in the audit log, and
ends the sessions of the person concerned where it takes something away.
"""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts import audit, invitations, letters, memberships, rights, sessions
from accounts.models import Invitation, Kind, Membership, Partner, Rank, Role, User

# What counts as a second factor; recovery codes only stand in for one.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class OfOneself(Exception):
    """Nobody changes their own membership: another Admin does."""


class LastAdmin(Exception):
    """The partner would be left without an active Admin."""


class Stale(Exception):
    """The role is not the one that was seen."""


class NotYours(Exception):
    """One of support's own, or who is to be: superusers look after them."""


class BelongsElsewhere(Exception):
    """Works for another partner too, or for support now or soon: not an Admin's to reset."""


@dataclass(frozen=True)
class Team:
    members: list[Membership]
    invitations: list[Invitation]


def build(partner: Partner) -> Team:
    """Two queries, whoever belongs to it."""
    waiting = partner.invitations.open().select_related("role", "invited_by", "letter")
    return Team(list(_members(partner).order_by("-is_active", "user__name")), list(waiting))


def find(partner: Partner, pk: int) -> Membership | None:
    return _members(partner).filter(pk=pk).first()


def find_invitation(partner: Partner, pk: int) -> Invitation | None:
    open_ = partner.invitations.open().select_related("partner", "role")
    return open_.filter(pk=pk).first()


def _members(partner: Partner) -> QuerySet[Membership]:
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=FACTORS)
    rows = partner.memberships.select_related("user", "role", "partner")
    return rows.annotate(has_second_factor=Exists(factors))


@transaction.atomic
def change_role(membership: Membership, role: Role, *, actor: User, seen_role: int) -> None:
    """Raises NotAdmin, OfOneself, Stale or LastAdmin."""
    row = _locked(membership, actor)
    if row.role_id != seen_role:
        raise Stale
    if role == row.role:
        return
    former, shrinks = row.role, role.rank < row.role.rank
    if shrinks:
        _keep_an_admin(row)
    row.role = role
    row.save(update_fields=["role"])
    _record(Kind.MEMBER_ROLE_CHANGED, row, actor, role=[former.name, role.name])
    if shrinks:
        take_away(row, actor=actor)


@transaction.atomic
def deactivate(membership: Membership, *, actor: User) -> None:
    """Raises NotAdmin, OfOneself or LastAdmin."""
    row = _locked(membership, actor)
    if not row.is_active:
        return
    _keep_an_admin(row)
    row.is_active = False
    row.save(update_fields=["is_active"])
    _record(Kind.MEMBER_DEACTIVATED, row, actor)
    take_away(row, actor=actor)


@transaction.atomic
def reactivate(membership: Membership, *, actor: User) -> None:
    """In the role that it had. Raises NotAdmin or OfOneself."""
    row = _locked(membership, actor)
    if row.is_active:
        return
    row.is_active = True
    row.save(update_fields=["is_active"])
    _record(Kind.MEMBER_REACTIVATED, row, actor, role=row.role.name)


@transaction.atomic
def reset_by_support(user: User, *, actor: User) -> None:
    """For who works at several partners, or for support. Raises OfOneself or NotYours."""
    if user.pk == actor.pk:
        raise OfOneself
    user = User.objects.select_for_update().get(pk=user.pk)
    if not rights.may_change(user, actor=actor):
        raise NotYours
    forget_second_factor(user, actor=actor)
    audit.record(
        Kind.SECOND_FACTOR_RESET,
        actor=actor,
        partner=None,
        subject=f"user:{user.pk}",
        stream=f"u/{user.pk}",
    )
    _tell_of_reset(user, "support")


@transaction.atomic
def reset_second_factor(membership: Membership, *, actor: User) -> None:
    """Raises NotAdmin, OfOneself or BelongsElsewhere."""
    row = _locked(membership, actor)
    if belongs_elsewhere(row):
        raise BelongsElsewhere
    forget_second_factor(row.user, actor=actor)
    _record(Kind.SECOND_FACTOR_RESET, row, actor)
    _tell_of_reset(row.user, f"{actor}, an Admin of {row.partner}")


@transaction.atomic
def end_sessions(membership: Membership, *, actor: User) -> None:
    """Raises NotAdmin or OfOneself."""
    row = _locked(membership, actor)
    sessions.end(row.user)
    _record(Kind.SESSIONS_ENDED, row, actor)


def belongs_elsewhere(membership: Membership) -> bool:
    """One partner's Admin must not weaken how somebody signs in to another's applicants."""
    user = membership.user
    others = user.memberships.filter(is_active=True).exclude(pk=membership.pk)
    return rights.is_ours(user) or others.exists()


def forget_second_factor(user: User, *, actor: User) -> None:
    """All of it, recovery codes too; the next sign-in leads to setting one up anew."""
    rights.withdraw_those_for(user, actor=actor)
    Authenticator.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(needs_second_factor=True)
    sessions.end(user)


def is_less(before: Membership, after: Membership) -> bool:
    """Whether somebody may do less than before."""
    return before.is_active and (not after.is_active or after.role.rank < before.role.rank)


def take_away(row: Membership, *, actor: User) -> None:
    """What ends with rights: every session, and the invitations of who invites no more."""
    sessions.end(row.user)
    if not (row.is_active and row.role.rank == Rank.ADMIN):
        invitations.revoke_those_of(row.user, row.partner, actor=actor)


def _locked(membership: Membership, actor: User) -> Membership:
    memberships.lock_as_admin(membership.partner, actor)
    if membership.user_id == actor.pk:
        raise OfOneself
    rows = Membership.objects.select_for_update(of=("self",))
    return rows.select_related("user", "role", "partner").get(pk=membership.pk)


def _keep_an_admin(row: Membership) -> None:
    if row.role.rank == Rank.ADMIN and memberships.would_leave_no_admin(row):
        raise LastAdmin


def _tell_of_reset(user: User, by: str) -> None:
    subject, template = "Your second step was reset", "accounts/mail/second_factor_reset.txt"
    letters.write(user.email, subject, template, {"by": by})


def _record(kind: Kind, row: Membership, actor: User, **facts: str | int | list[str]) -> None:
    audit.record(
        kind,
        actor=actor,
        partner=row.partner,
        subject=f"membership:{row.pk}",
        stream=f"p/{row.partner_id}",
        user=row.user_id,
        **facts,
    )
