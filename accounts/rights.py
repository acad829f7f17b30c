"""Support's own rights: one superuser proposes, another confirms; anyone of them takes away.

What is granted waits up to a day for the second person and means nothing until then. What is
taken away is gone at once, and so are the sessions. Neither of the two may have got their account,
its e-mail or a new second step from somebody else within a week: who gave it may be both.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Kind, RightsRequest, RightsState, User
from accounts.models.rights import LASTS

GROUP = "Support"
# Until then an account that came from somebody else may be theirs.
SETTLES = timedelta(days=7)


class SecondPersonNeeded(Exception):
    """Who proposed it, or whom it is for, cannot confirm it; nor can who is no superuser."""


class ChangedHands(Exception):
    """One of the two may be somebody else of late."""

    def __init__(self, user: User) -> None:
        super().__init__(str(user))
        self.user = user


class Settled(Exception):
    """It was confirmed, withdrawn, or waited too long."""


@dataclass(frozen=True)
class Rights:
    is_staff: bool = False
    is_superuser: bool = False
    in_group: bool = False

    def __sub__(self, other: "Rights") -> "Rights":
        """Those here that are not there."""
        had = asdict(other)
        return Rights(**{name: has and not had[name] for name, has in asdict(self).items()})

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @property
    def names(self) -> list[str]:
        return [name for name, has in asdict(self).items() if has]


def of(user: User) -> Rights:
    in_group = user.groups.filter(name=GROUP).exists()
    return Rights(is_staff=user.is_staff, is_superuser=user.is_superuser, in_group=in_group)


def of_request(request: RightsRequest) -> Rights:
    return Rights(request.is_staff, request.is_superuser, request.in_group)


def open_for(user: User) -> RightsRequest | None:
    waiting = user.rights_requests.filter(state=RightsState.OPEN, expires_at__gt=timezone.now())
    return waiting.select_related("proposer", "user").first()


def is_superuser(actor: User) -> bool:
    """As the database has it now."""
    return User.objects.filter(pk=actor.pk, is_superuser=True, is_active=True).exists()


def lock_superusers() -> None:
    """Holds them all, so that what they do to each other happens one by one. Who asks is asked for
    again then, and nobody demotes themselves: so one always stays.
    """
    active = User.objects.filter(is_superuser=True, is_active=True)
    list(active.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def is_ours(user: User) -> bool:
    """Support's own staff, and who is to be: who takes their place takes their rights."""
    return user.is_staff or user.is_superuser or open_for(user) is not None


def may_change(user: User, *, actor: User) -> bool:
    """E-mail, name, second step, and whether they get in."""
    return not is_ours(user) or is_superuser(actor)


@transaction.atomic
def propose(user: User, wanted: Rights, *, actor: User) -> RightsRequest:
    """One at a time: a former proposal ends. Raises SecondPersonNeeded."""
    if actor.pk == user.pk or not is_superuser(actor):
        raise SecondPersonNeeded
    withdraw_those_for(user, actor=actor)
    now = timezone.now()
    made = RightsRequest.objects.create(
        user=user, proposer=actor, proposed_at=now, expires_at=now + LASTS, **asdict(wanted)
    )
    _record(Kind.RIGHTS_PROPOSED, made, actor)
    return made


@transaction.atomic
def confirm(request: RightsRequest, *, actor: User) -> None:
    """By another superuser than who proposed it. Raises Settled, SecondPersonNeeded or
    ChangedHands.
    """
    row = _locked(request)
    ask_for_two(row, actor)
    user = row.user
    user.is_staff |= row.is_staff
    user.is_superuser |= row.is_superuser
    user.save(update_fields=["is_staff", "is_superuser"])
    if row.in_group:
        user.groups.add(Group.objects.get(name=GROUP))
    _settle(row, RightsState.CONFIRMED, actor)
    _record(Kind.RIGHTS_CONFIRMED, row, actor)


def ask_for_two(request: RightsRequest, actor: User) -> None:
    """Who confirms and who proposed it. Raises SecondPersonNeeded, ChangedHands or Settled."""
    if not is_superuser(request.proposer):
        raise Settled
    if actor.pk in (request.proposer_id, request.user_id) or not is_superuser(actor):
        raise SecondPersonNeeded
    for one in (request.proposer, actor):
        if _changed_hands(one):
            raise ChangedHands(one)


@transaction.atomic
def withdraw(request: RightsRequest, *, actor: User) -> None:
    """By any superuser. Raises Settled or SecondPersonNeeded."""
    row = _locked(request)
    if not is_superuser(actor):
        raise SecondPersonNeeded
    _end(row, actor)


@transaction.atomic
def withdraw_those_for(user: User, *, actor: User) -> None:
    """They were meant for who the user was before: with another e-mail, say."""
    _lock(user.pk)
    for row in user.rights_requests.filter(state=RightsState.OPEN):
        _end(row, actor)


@transaction.atomic
def withdraw_those_by(user: User, *, actor: User) -> None:
    """What somebody proposed who is no superuser any more."""
    proposed = RightsRequest.objects.filter(proposer=user, state=RightsState.OPEN)
    for row in proposed.select_related("user"):
        withdraw_those_for(row.user, actor=actor)


def record_founding(user: User) -> None:
    """The first superuser comes by command: nobody is there to be a second person."""
    audit.record(
        Kind.RIGHTS_FOUNDED,
        actor=None,
        partner=None,
        subject=f"user:{user.pk}",
        stream=f"u/{user.pk}",
    )


def _changed_hands(user: User) -> bool:
    """By anybody else: through a third one's account too."""
    since = timezone.now() - SETTLES
    if user.created_at > since and not _is_founded(user):
        return True
    kinds = (Kind.USER_CHANGED, Kind.SECOND_FACTOR_RESET)
    # Of themselves, and what Admins did to them at partners.
    seats = [f"membership:{pk}" for pk in user.memberships.values_list("pk", flat=True)]
    told = AuditEntry.objects.filter(subject__in=[f"user:{user.pk}", *seats], at__gt=since)
    return any(map(_hands_over, told.filter(kind__in=kinds).exclude(actor=user.pk)))


def _is_founded(user: User) -> bool:
    told = AuditEntry.objects.filter(subject=f"user:{user.pk}", kind=Kind.RIGHTS_FOUNDED)
    return told.exists()


def _hands_over(entry: AuditEntry) -> bool:
    """A new second step, another e-mail, or a way back in."""
    facts = entry.facts
    is_switched_on = facts.get("is_active") == ["False", "True"]
    return entry.kind == Kind.SECOND_FACTOR_RESET or "email" in facts or is_switched_on


def _lock(pk: int) -> User:
    """The user, before any of their requests: so nobody needs a lock on those."""
    return User.objects.select_for_update().get(pk=pk)


def _locked(request: RightsRequest) -> RightsRequest:
    user = _lock(request.user_id)
    row: RightsRequest = user.rights_requests.get(pk=request.pk)
    if not row.is_open:
        raise Settled
    return row


def _end(row: RightsRequest, actor: User) -> None:
    if row.expires_at <= timezone.now():
        _settle(row, RightsState.EXPIRED)
        return
    _settle(row, RightsState.WITHDRAWN)
    _record(Kind.RIGHTS_WITHDRAWN, row, actor)


def _settle(row: RightsRequest, state: RightsState, confirmer: User | None = None) -> None:
    row.state, row.confirmer, row.settled_at = state, confirmer, timezone.now()
    row.save(update_fields=["state", "confirmer", "settled_at"])


def _record(kind: Kind, row: RightsRequest, actor: User) -> None:
    audit.record(
        kind,
        actor=actor,
        partner=None,
        subject=f"user:{row.user_id}",
        stream=f"u/{row.user_id}",
        rights=of_request(row).names,
        proposer=row.proposer_id,
    )
