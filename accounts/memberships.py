"""Who belongs to a partner. It is never left without an Admin: they are asked under its lock."""

from accounts.models import Membership, Partner, Rank, User


class NotAdmin(Exception):
    """Whoever asked is no active Admin of the partner any more."""


def lock_as_admin(partner: Partner, actor: User) -> None:
    """Holds the partner, so that what its Admins do to each other happens one by one."""
    Partner.objects.select_for_update().filter(pk=partner.pk).first()
    own = Membership.objects.active().filter(partner=partner, user=actor, role__rank=Rank.ADMIN)
    if not own.exists():
        raise NotAdmin


def people(partner: Partner) -> list[tuple[str, str]]:
    """Number and name of everybody who belongs or belonged to it, as choices of a form."""
    members = partner.memberships.select_related("user").order_by("user__name")
    return [(str(one.user_id), str(one.user)) for one in members]


def lock_led_by(user: User) -> None:
    """The partners whose Admin the user is, before the user: the way round that Admins go who end
    each other's sessions.
    """
    led = user.memberships.filter(role__rank=Rank.ADMIN, is_active=True).values("partner")
    list(Partner.objects.select_for_update().filter(pk__in=led).order_by("pk").values_list("pk"))


def would_leave_no_admin(membership: Membership) -> bool:
    """Whether this is the partner's last active Admin.

    Locks the partner, so that two Admins who leave at the same time are counted one by one.
    """
    Partner.objects.select_for_update().filter(pk=membership.partner_id).first()
    admins = Membership.objects.filter(
        partner=membership.partner_id, role__rank=Rank.ADMIN, is_active=True, user__is_active=True
    )
    return list(admins.values_list("pk", flat=True)) == [membership.pk]


def led_alone_by(user: User) -> list[Partner]:
    """Partners whose only active Admin this user is."""
    leading = user.memberships.filter(role__rank=Rank.ADMIN, is_active=True)
    leading = leading.select_related("partner").order_by("partner_id")
    return [it.partner for it in leading if would_leave_no_admin(it)]
