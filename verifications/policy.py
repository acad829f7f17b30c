"""May this person do this to this verification, and if not, why not.

The only place that knows: the page, the POST and support's tools ask here. Pure: it looks
at the objects that it is given, saved or not, and runs no query of its own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from accounts.models import Membership, PricingModel, Rank
from verifications.models import Verification
from verifications.statuses import ARROWS, DISPOSABLE, TAGS_REMOVABLE, Action, Status


class Check(NamedTuple):
    """One rule's answer: what it looked at, who can change that, and a sentence for a person."""

    rule: str
    passed: bool
    fact: str
    changed_by: str
    sentence: str


Rule = Callable[[Membership, Action, Verification], Check]
# A rule that looks at no person: it binds the system too.
Impersonal = Callable[[Membership | None, Action, Verification], Check]

SUPPORT = "Support"
PARTNER_ADMIN = "An Admin of the partner"
PROVIDER = "The provider"
NOBODY = "Nobody"


def _is_active(membership: Membership) -> bool:
    return membership.is_active and membership.partner.is_active and membership.user.is_active


def membership_is_active(membership: Membership, action: Action, it: Verification) -> Check:
    active = _is_active(membership)
    passed = active and membership.partner_id == it.partner_id
    return Check(
        "membership_is_active",
        passed,
        f"{membership.user} at {membership.partner}: {'active' if active else 'not active'}",
        f"{PARTNER_ADMIN}, or support",
        "You work for the partner of this verification."
        if passed
        else "You do not work for the partner of this verification.",
    )


def role_is_admin(membership: Membership, action: Action, it: Verification) -> Check:
    passed = membership.role.rank == Rank.ADMIN
    return Check(
        "role_is_admin",
        passed,
        f"Role: {membership.role.name}",
        PARTNER_ADMIN,
        "You are an Admin."
        if passed
        else f"You have read access: only Admins decide, and your role is {membership.role.name}.",
    )


def partner_may_approve(membership: Membership, action: Action, it: Verification) -> Check:
    partner = membership.partner
    return Check(
        "partner_may_approve",
        partner.may_approve,
        f"Approving by hand: {'on' if partner.may_approve else 'off'}",
        SUPPORT,
        f"Approving by hand is switched {'on' if partner.may_approve else 'off'} "
        f"for {partner.name}.",
    )


def partner_may_deny(membership: Membership, action: Action, it: Verification) -> Check:
    partner = membership.partner
    return Check(
        "partner_may_deny",
        partner.may_deny,
        f"Denying by hand: {'on' if partner.may_deny else 'off'}",
        SUPPORT,
        f"Denying by hand is switched {'on' if partner.may_deny else 'off'} for {partner.name}.",
    )


def pricing_permits_denial(membership: Membership, action: Action, it: Verification) -> Check:
    partner = membership.partner
    passed = partner.pricing_model == PricingModel.CHARGE_PER_COMPLETED
    model = PricingModel(partner.pricing_model).label
    return Check(
        "pricing_permits_denial",
        passed,
        f"Pricing model: {model}, plan {partner.get_plan_display()}",
        f"{SUPPORT} (contract)",
        f"{partner.name} pays by the {model} model, with which Deny comes."
        if passed
        else f"{partner.name} pays by the {model} model; Deny comes with Charge Per Completed.",
    )


def no_hold_stands(membership: Membership | None, action: Action, it: Verification) -> Check:
    """Looks at what `with_loose_ends()` brings along, as the next two do."""
    since = it.held_since
    return Check(
        "no_hold_stands",
        since is None,
        f"On hold: {f'since {_spoken(since)}' if since else 'no'}",
        PARTNER_ADMIN,
        "It is not on hold."
        if since is None
        else f"It has been on hold since {_spoken(since)}: release the hold first.",
    )


def decision_is_settled(membership: Membership | None, action: Action, it: Verification) -> Check:
    until = it.decision.undoable_until if it.decision else None
    passed = it.decision is None or not it.decision.is_undoable(it.now)
    return Check(
        "decision_is_settled",
        passed,
        f"Time to undo: {'none runs' if passed else f'until {_spoken(until)}'}",
        NOBODY,
        "No decision can be taken back any more."
        if passed
        else f"The last decision can still be taken back: wait until {_spoken(until)}.",
    )


def partner_is_told(membership: Membership | None, action: Action, it: Verification) -> Check:
    until = it.telling_until
    return Check(
        "partner_is_told",
        until is None,
        f"Messages on their way: {'none' if until is None else f'until {_spoken(until)}'}",
        NOBODY,
        f"{it.partner.name} has been told all there is to tell."
        if until is None
        else f"{it.partner.name} is still being told of it: wait until {_spoken(until)}.",
    )


def _spoken(at: datetime | None) -> str:
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC" if at else ""


def status_permits(membership: Membership | None, action: Action, it: Verification) -> Check:
    if action == Action.REMOVE_TAG:
        passed = it.status in TAGS_REMOVABLE
    elif action == Action.DISPOSE:
        passed = it.status in DISPOSABLE
    elif action == Action.UNDO:
        passed = it.decision_id is not None
    else:
        passed = (it.standing, action) in ARROWS
    return Check(
        "status_permits",
        passed,
        f"Status: {it.standing}",
        PROVIDER if it.status in (Status.ACTIVE, Status.REVIEWING) else NOBODY,
        f"It is {it.standing}." if passed else _status_sentence(action, it),
    )


def _status_sentence(action: Action, it: Verification) -> str:
    if action == Action.UNDO:
        return "There is no decision to take back."
    verbs = {Action.REMOVE_TAG: "remove the tag", Action.DISPOSE: "dispose of it"}
    verb = verbs.get(action, action.value)
    if action == Action.DISPOSE and it.status == Status.ACTIVE:
        return "The applicant has not finished yet: wait until the link has run out."
    reasons = {
        Status.APPROVED: "It is approved already.",
        Status.DENIED: "It is denied already.",
        Status.REVIEWING: f"It is being reviewed: wait for the result, then {verb}.",
        Status.ACTIVE: "The applicant has not finished yet: there is nothing to decide.",
        Status.EXPIRED: "It ended before it was finished: ask the applicant to start again.",
    }
    return reasons.get(Status(it.status), "Its data is gone: there is nothing left to decide.")


# What keeps data from being erased, whoever asks for it.
LOOSE_ENDS: tuple[Impersonal, ...] = (no_hold_stands, decision_is_settled, partner_is_told)

# The rules of each action in the order in which they are answered.
RULES: dict[Action, tuple[Rule, ...]] = {
    Action.APPROVE: (membership_is_active, role_is_admin, partner_may_approve, status_permits),
    Action.DENY: (
        membership_is_active,
        role_is_admin,
        partner_may_deny,
        pricing_permits_denial,
        status_permits,
    ),
    Action.REMOVE_TAG: (membership_is_active, role_is_admin, partner_may_approve, status_permits),
    # Taking back is a correction: no flag and no price stands in its way.
    Action.UNDO: (membership_is_active, role_is_admin, status_permits),
    # A hold is placed and released by the same people.
    Action.HOLD: (membership_is_active, role_is_admin),
    Action.DISPOSE: (membership_is_active, role_is_admin, *LOOSE_ENDS, status_permits),
}


def explain(membership: Membership, action: Action, verification: Verification) -> list[Check]:
    """Every rule of the action with its answer, in order."""
    return [rule(membership, action, verification) for rule in RULES[action]]


def objection(membership: Membership, action: Action, verification: Verification) -> Check | None:
    """The first rule that says no; None: it may be done."""
    checks = explain(membership, action, verification)
    return next((check for check in checks if not check.passed), None)


def system_objection(verification: Verification, rules: Sequence[Impersonal]) -> Check | None:
    """The first of these rules that forbids disposal where no person asks for it."""
    checks = (rule(None, Action.DISPOSE, verification) for rule in rules)
    return next((check for check in checks if not check.passed), None)


def standing_objection(
    membership: Membership, action: Action, verification: Verification
) -> Check | None:
    """The first objection other than the status: what is answered before the form is read."""
    checks = explain(membership, action, verification)
    refused = (check for check in checks if not check.passed)
    return next((check for check in refused if check.rule != status_permits.__name__), None)


def decides(membership: Membership) -> bool:
    """Whether any decision is this member's to make, once a verification's status permits it."""
    anything = Verification(partner=membership.partner, status=Status.REVIEWING)
    decisions = (Action.APPROVE, Action.DENY)
    return any(standing_objection(membership, it, anything) is None for it in decisions)


def may_note(membership: Membership) -> bool:
    return _is_active(membership) and membership.role.rank >= Rank.MEMBER


def may_take_report(membership: Membership) -> bool:
    return _is_active(membership) and membership.role.rank >= Rank.MEMBER


def support_code(check: Check, action: Action, verification: Verification) -> str:
    """What support needs to find the refusal again; holds nothing of the applicant."""
    return f"{action.value}/{check.rule}/{verification.scan_ref}/r{verification.revision}"
