"""The confirm page of a decision, built before the template: what would be done, and sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditEntry, Kind, Membership, names_of
from verifications import beside, codes, evidence, outcomes, telling, timeline
from verifications.dossier import masking
from verifications.models import ReasonGroup, RejectionReason, Verification
from verifications.statuses import ARROWS, Action, Standing
from verifications.webhooks import outbox

# Mismatch tags that say: what the partner supplied differs from the document.
SUPPLIED = "supplied_vs_read"
# Entries among which is the one that moved a verification last.
LOOKED_AT = 100


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
    # Of its bytes, for people to read; and whether something is hidden in it.
    body: str
    hides: bool
    undo_seconds: int
    # Whether anybody is told, and when.
    telling: str


def chosen(reasons: Sequence[RejectionReason], ticked: Sequence[str]) -> list[RejectionReason]:
    """In catalogue order, whatever the order in which they were ticked."""
    return [reason for reason in reasons if reason.code in set(ticked)]


def build(
    membership: Membership,
    verification: Verification,
    action: Action,
    *,
    reasons: Sequence[RejectionReason] = (),
    ticked: Sequence[str] = (),
    message: str = "",
    is_revealed: bool = False,
) -> Confirmation:
    """`ticked` and `message` are what is typed so far; the policy has allowed the action."""
    partner = membership.partner
    preview = outcomes.preview(verification, action, chosen(reasons, ticked), message)
    told = json.loads(preview.raw)
    shown = evidence.masked(told, masking.mask(told, is_lifted=is_revealed))
    return Confirmation(
        action=action,
        verification=verification,
        standing=verification.standing,
        to=ARROWS[verification.standing, action],
        groups=_groups(verification, reasons, ticked),
        preview=preview,
        body=json.dumps(shown, ensure_ascii=False, indent=2),
        hides=shown != told,
        undo_seconds=partner.undo_seconds,
        telling=telling.ahead(
            partner, preview.endpoints, "after that" * bool(partner.undo_seconds)
        ),
    )


def _groups(
    verification: Verification, reasons: Sequence[RejectionReason], ticked: Sequence[str]
) -> list[Group]:
    tags = [tag for tag in verification.tags.all() if not tag.removed_at]
    found = {verification.auto_face, verification.auto_document, *(tag.code for tag in tags)}
    if any(codes.find(tag.code, tag.wire_family).group == SUPPLIED for tag in tags):
        found.add("DOC_INFO_MISMATCH")
    return [
        Group(
            str(group.label),
            [
                Option(reason, reason.code in ticked, reason.code in found)
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
    # What was written with it, each under its label.
    texts: list[tuple[str, str]]
    # Whether the partner knows.
    told: telling.Told


def latest_change(verification: Verification, membership: Membership) -> Change | None:
    """By whom it came to stand as it does: notes, holds and messages sent again change nothing."""
    stream = AuditEntry.objects.filter(stream=verification.audit_stream).order_by("-seq")
    latest = stream[:LOOKED_AT]
    moves = (it for it in latest if it.facts.get("revision") == verification.revision)
    entry = next(moves, None)
    if entry is None:
        return None
    decision = verification.decisions.filter(revision=verification.revision).first()
    return Change(
        who=names_of([entry.actor]).get(entry.actor, "") if entry.actor else "",
        is_own=entry.actor == membership.user_id,
        what=Kind(entry.kind).label,
        at=entry.at,
        reasons=[reason.label for reason in decision.reasons.all()] if decision else [],
        texts=[*timeline.texts(decision)] if decision else [],
        told=telling.told(beside.deliveries.of(verification)),
    )
