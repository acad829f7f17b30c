"""The confirm page of a decision, built before the template: what would be done, and sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditEntry, Kind, Membership, names_of
from verifications import outcomes
from verifications.models import ReasonGroup, RejectionReason, Verification
from verifications.statuses import ARROWS, Action, Standing
from verifications.webhooks import outbox


@dataclass(frozen=True)
class Option:
    reason: RejectionReason
    is_chosen: bool
    is_found: bool


@dataclass(frozen=True)
class Group:
    label: str
    options: list[Option]


@dataclass(frozen=True)
class Confirmation:
    action: Action
    verification: Verification
    standing: Standing
    to: Standing
    groups: list[Group]
    preview: outbox.Preview
    undo_seconds: int


def offered(membership: Membership) -> list[RejectionReason]:
    """The partner's own wording of a code stands before the global one."""
    reasons = RejectionReason.objects.offered_to(membership.partner)
    by_code: dict[str, RejectionReason] = {}
    for reason in reasons:
        if reason.code not in by_code or reason.partner_id:
            by_code[reason.code] = reason
    return sorted(by_code.values(), key=lambda reason: (reason.order, reason.code))


def chosen(reasons: Sequence[RejectionReason], codes: Sequence[str]) -> list[RejectionReason]:
    """In catalogue order, whatever the order in which they were ticked."""
    return [reason for reason in reasons if reason.code in set(codes)]


def build(
    membership: Membership,
    verification: Verification,
    action: Action,
    *,
    reasons: Sequence[RejectionReason] = (),
    codes: Sequence[str] = (),
    message: str = "",
) -> Confirmation:
    """`codes` and `message` are what is typed so far; the policy has allowed the action."""
    return Confirmation(
        action=action,
        verification=verification,
        standing=verification.standing,
        to=ARROWS[verification.standing, action],
        groups=_groups(verification, reasons, codes),
        preview=outcomes.preview(verification, action, chosen(reasons, codes), message),
        undo_seconds=membership.partner.undo_seconds,
    )


def _groups(
    verification: Verification, reasons: Sequence[RejectionReason], codes: Sequence[str]
) -> list[Group]:
    found = {tag.code for tag in verification.tags.all() if not tag.removed_at}
    found |= {verification.auto_face, verification.auto_document}
    return [
        Group(
            str(group.label),
            [
                Option(reason, reason.code in codes, reason.code in found)
                for reason in reasons
                if reason.group == group
            ],
        )
        for group in ReasonGroup
        if any(reason.group == group for reason in reasons)
    ]


@dataclass(frozen=True)
class Change:
    """What happened since a page was drawn; `who` is empty for the provider."""

    who: str
    is_own: bool
    what: str
    at: datetime
    reasons: list[str]


def latest_change(verification: Verification, membership: Membership) -> Change | None:
    stream = AuditEntry.objects.filter(stream=verification.audit_stream)
    entry = stream.exclude(kind__in=(Kind.VIEWED, Kind.NOTED)).order_by("-seq").first()
    if entry is None:
        return None
    decision = verification.decisions.filter(revision=verification.revision).first()
    return Change(
        who=names_of([entry.actor]).get(entry.actor, "") if entry.actor else "",
        is_own=entry.actor == membership.user_id,
        what=Kind(entry.kind).label,
        at=entry.at,
        reasons=[reason.label for reason in decision.reasons.all()] if decision else [],
    )
