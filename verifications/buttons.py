"""What a change of a partner would bring about: who gains or loses a button, what is erased."""

import copy
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Membership, Partner
from verifications import policy
from verifications.models import Verification
from verifications.statuses import ARROWS, DISPOSABLE, TAGS_REMOVABLE, Action, Standing, Status

# A count must not walk a million rows.
COUNTED_TO = 10_000
# Where each button can stand at all.
STANDINGS: dict[Action, list[Standing]] = {
    Action.APPROVE: [at for at, action in ARROWS if action == Action.APPROVE],
    Action.DENY: [at for at, action in ARROWS if action == Action.DENY],
    Action.REMOVE_TAG: [Standing(status, True) for status in sorted(TAGS_REMOVABLE)],
    Action.UNDO: sorted(set(ARROWS.values())),
    Action.HOLD: [Standing(status, False) for status in Status],
    Action.DISPOSE: [Standing(status, False) for status in sorted(DISPOSABLE)],
}


class Effect(NamedTuple):
    """What becomes of one button for one person."""

    person: str
    role: str
    action: str
    verb: str
    standings: str
    sentence: str


def effects(before: Partner, after: Partner) -> list[Effect]:
    """For each active membership of the partner, asking the policy about both states."""
    rows = Membership.objects.filter(partner=before.pk, is_active=True, user__is_active=True)
    rows = rows.select_related("user", "role").order_by("-role__rank", "user__email")
    return [
        effect for row in rows for action in Action for effect in _of(row, action, before, after)
    ]


def warnings(before: Partner, after: Partner) -> list[str]:
    """How much the new period of keeping would end."""
    if before.retention_days == after.retention_days:
        return []
    overdue = Verification.objects.overdue(after, timezone.now()).order_by()
    count = overdue[: COUNTED_TO + 1].count()
    counted = f"more than {COUNTED_TO:,}" if count > COUNTED_TO else f"{count:,}"
    return [
        f"With {after.retention_days:,} days, {counted} verification{'' if count == 1 else 's'} "
        "would be disposed of at the next run, for good."
    ]


def _of(
    membership: Membership, action: Action, before: Partner, after: Partner
) -> Iterator[Effect]:
    was, will_be = _at(membership, before), _at(membership, after)
    for verb, standings in _compared(was, will_be, action).items():
        first = _asked(action, before, standings[0])
        check = policy.objection(will_be, action, first)
        yield Effect(
            f"{membership.user} ({membership.user.email})",
            membership.role.name,
            action.label,
            verb,
            "; ".join(str(at) for at in standings),
            check.sentence if check else "",
        )


def _compared(was: Membership, will_be: Membership, action: Action) -> dict[str, list[Standing]]:
    found: dict[str, list[Standing]] = {}
    for standing in STANDINGS[action]:
        asked = _asked(action, was.partner, standing)
        if verb := _verb(was, will_be, action, asked):
            found.setdefault(verb, []).append(standing)
    return found


def _verb(was: Membership, will_be: Membership, action: Action, asked: Verification) -> str:
    had = policy.objection(was, action, asked)
    has = policy.objection(will_be, action, asked)
    if (had is None) != (has is None):
        return "gains" if has is None else "loses"
    # One hurdle is gone or new, and another one still stands: what people ask support about.
    if has and has.rule != policy.role_is_admin.__name__ and _differ(was, will_be, action, asked):
        return "still lacks"
    return ""


def _differ(was: Membership, will_be: Membership, action: Action, asked: Verification) -> bool:
    before = [check.passed for check in policy.explain(was, action, asked)]
    return before != [check.passed for check in policy.explain(will_be, action, asked)]


def _at(membership: Membership, partner: Partner) -> Membership:
    moved = copy.copy(membership)
    moved.partner = partner
    return moved


def _asked(action: Action, partner: Partner, standing: Standing) -> Verification:
    """An unsaved verification to ask about; one that has a decision, where it is to be undone."""
    decided = uuid.UUID(int=0) if action == Action.UNDO else None
    asked = Verification(
        partner=partner,
        status=standing.status,
        suspected=standing.suspected,
        decision_id=decided,
    )
    asked.held_since = asked.telling_until = None
    return asked
