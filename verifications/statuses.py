"""Where a verification stands, what an action leads to, what the provider may set."""

from typing import NamedTuple

from django.db.models import TextChoices


class Status(TextChoices):
    ACTIVE = "ACTIVE", "Active"
    REVIEWING = "REVIEWING", "Reviewing"
    APPROVED = "APPROVED", "Approved"
    DENIED = "DENIED", "Denied"
    EXPIRED = "EXPIRED", "Expired"
    EXPIRED_DELETED = "EXPIRED-DELETED", "Expired and deleted"
    DELETED = "DELETED", "Deleted"
    ARCHIVED = "ARCHIVED", "Archived"


class Action(TextChoices):
    """What a user may do to a verification."""

    APPROVE = "approve", "Approve"
    DENY = "deny", "Deny"
    REMOVE_TAG = "remove_tag", "Remove tag"
    UNDO = "undo", "Undo"
    HOLD = "hold", "Hold"
    DISPOSE = "dispose", "Dispose"


class Standing(NamedTuple):
    """A status and, beside it, whether suspicion is open."""

    status: Status
    suspected: bool

    def __str__(self) -> str:
        return f"{self.status.label}, suspected" if self.suspected else str(self.status.label)


APPROVED = Standing(Status.APPROVED, False)
DENIED = Standing(Status.DENIED, False)
NEEDS_DECISION = Standing(Status.APPROVED, True)

# A pair that is not here is not allowed.
ARROWS: dict[tuple[Standing, Action], Standing] = {
    (DENIED, Action.APPROVE): APPROVED,
    (Standing(Status.DENIED, True), Action.APPROVE): APPROVED,
    (NEEDS_DECISION, Action.APPROVE): APPROVED,
    (APPROVED, Action.DENY): DENIED,
    (NEEDS_DECISION, Action.DENY): DENIED,
}

# Statuses with evidence on the table, in which a mismatch tag may be taken away.
TAGS_REMOVABLE = frozenset({Status.APPROVED, Status.DENIED})

# What the applicant or the provider is still at, ends before its data may.
DISPOSABLE = frozenset(Status) - {Status.ACTIVE, Status.REVIEWING}
DISPOSED = Standing(Status.DELETED, False)

_GONE = frozenset({Status.EXPIRED_DELETED, Status.DELETED, Status.ARCHIVED})
_BEGUN = frozenset(Status) - {Status.ACTIVE}

# Where a callback may lead, from each status: nothing brings data back that is gone.
PROVIDER_MAY: dict[Status, frozenset[Status]] = {
    Status.ACTIVE: frozenset(Status),
    **dict.fromkeys(_BEGUN - _GONE, _BEGUN),
    **dict.fromkeys(_GONE, _GONE),
}

# The provider's word → status. SUSPECTED is not a status: it is told by the results beside it.
WORDS: dict[str, Status] = {status.value: status for status in Status}
SUSPECTED = "SUSPECTED"

# What we send for a status that the published contract does not know.
WIRE: dict[Status, str] = {Status.EXPIRED_DELETED: Status.DELETED.value}
