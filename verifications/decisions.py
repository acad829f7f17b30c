"""A decision, from lock to commit: all of it or none."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction

from accounts.insertions import insert
from accounts.models import Kind, Membership
from verifications import counters, lifecycle, outcomes, policy, vault
from verifications.callbacks import effect
from verifications.models import (
    Decision,
    DecisionReason,
    DecisionText,
    RejectionReason,
    Verification,
)
from verifications.statuses import ARROWS, Action, Standing, Status
from verifications.webhooks import outbox

KINDS = {Action.APPROVE: Kind.APPROVED, Action.DENY: Kind.DENIED}
# What a decision overwrites, and an undo gives back.
FIELDS = (
    *("manual_face", "manual_document", "deny_reasons", "review_type", "is_final"),
    "has_new_data",
)


class TakenBack(Exception):
    """It was taken back already, by another request than this one; carries the undo."""

    def __init__(self, made: Decision) -> None:
        super().__init__(f"{made.actor} took this decision back.")
        self.made = made


class TooLate(Exception):
    """The window is over or the partner is being told; says which way back there is."""

    def __init__(
        self, membership: Membership, verification: Verification, decision_id: uuid.UUID
    ) -> None:
        if verification.decision_id != decision_id:
            super().__init__("This decision was replaced meanwhile: there is nothing to take back.")
            return
        ways = [
            action.label
            for action in (Action.APPROVE, Action.DENY)
            if policy.objection(membership, action, verification) is None
        ]
        back = f"The way back is {ways[0]}." if ways else "There is no way back from here."
        super().__init__(f"It is too late to take this decision back. {back}")


class PreviewChanged(Exception):
    """What would be sent is no longer what the page showed."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What the person asked for, as the form read it."""

    action: Action
    seen_revision: int
    request_key: uuid.UUID
    reasons: Sequence[RejectionReason] = ()
    message_to_applicant: str = ""
    internal_note: str = field(default="", repr=False)
    preview_digest: str = ""

    @property
    def texts(self) -> vault.Texts:
        return vault.Texts(self.message_to_applicant, self.internal_note)


@transaction.atomic
def decide(membership: Membership, scan_ref: str, intent: Intent) -> Decision:
    """Makes the decision, or finds the one that this same request has made before.

    Everything is read under the lock. Raises Gone (404), Refused (403) or Stale (409).
    """
    membership, verification = lifecycle.locked(membership, scan_ref)
    if check := policy.standing_objection(membership, intent.action, verification):
        raise lifecycle.Refused(check)
    if verification.revision != intent.seen_revision:
        return _made_before(verification, intent, membership)
    if check := policy.objection(membership, intent.action, verification):
        raise lifecycle.Refused(check)
    if intent.preview_digest and intent.preview_digest != _digest(verification, intent):
        raise PreviewChanged
    decision = _write(membership, verification, intent)
    _move(membership, verification, intent, decision)
    return decision


def _made_before(verification: Verification, intent: Intent, membership: Membership) -> Decision:
    """What this same request has decided, if it has, and it stands; a decision raises the revision
    it saw.
    """
    same = verification.decisions.filter(
        revision=intent.seen_revision + 1, request_key=intent.request_key
    )
    made = same.select_related("text").first()
    if made is None or not (
        made.pk == verification.decision_id
        and made.action == intent.action
        and made.actor_id == membership.user_id
        and [reason.code for reason in made.reasons.all()] == _codes(intent)
        and vault.texts(made) == intent.texts
    ):
        raise lifecycle.Stale
    return made


def _codes(intent: Intent) -> list[str]:
    return [reason.code for reason in intent.reasons]


def _write(membership: Membership, verification: Verification, intent: Intent) -> Decision:
    to = ARROWS[verification.standing, intent.action]
    decision = _row(membership, verification, intent.action, to)
    decision.request_key = intent.request_key
    decision.supersedes_id = verification.decision_id
    decision.undoable_until = verification.now + timedelta(seconds=membership.partner.undo_seconds)
    # Reasons first: the database refuses a denial that has none.
    insert(
        *(
            DecisionReason.of(
                verification, decision=decision, position=n, code=reason.code, label=reason.label
            )
            for n, reason in enumerate(intent.reasons)
        )
    )
    insert(decision)
    former = {name: getattr(verification, name) for name in FIELDS}
    text = DecisionText(decision=decision, former=former)
    text.sealed = vault.sealed_texts(text, intent.texts)
    insert(text)
    return decision


def _digest(verification: Verification, intent: Intent) -> str:
    return outcomes.digest(verification, intent.action, intent.reasons, intent.message_to_applicant)


def _row(
    membership: Membership, verification: Verification, action: Action, to: Standing
) -> Decision:
    """A decision with the facts of this moment, not saved."""
    partner = membership.partner
    return Decision(
        verification=verification,
        partner=partner,
        action=action,
        from_status=verification.status,
        from_suspected=verification.suspected,
        to_status=to.status,
        to_suspected=to.suspected,
        revision=verification.revision + 1,
        decided_at=verification.now,
        actor=membership.user,
        role_name=membership.role.name,
        role_rank=membership.role.rank,
        may_approve=partner.may_approve,
        may_deny=partner.may_deny,
        pricing_model=partner.pricing_model,
        plan=partner.plan,
    )


def _move(
    membership: Membership, verification: Verification, intent: Intent, decision: Decision
) -> None:
    codes = _codes(intent)
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=ARROWS[verification.standing, intent.action],
            kind=KINDS[intent.action],
            actor=membership.user,
            fields=outcomes.fields(verification, intent.action, intent.reasons)
            | {"decision": decision, "decided_by": decision.actor, "has_new_data": False},
            facts={"decision": str(decision.pk), "reasons": codes, "role": membership.role.name},
            event=outcomes.EVENT,
            decision=decision,
            message_to_applicant=intent.message_to_applicant,
            counted=counters.decided(decision, codes),
        ),
    )


@transaction.atomic
def undo(
    membership: Membership,
    verification: Verification,
    *,
    decision_id: uuid.UUID,
    request_key: uuid.UUID,
) -> Decision:
    """Takes back the standing decision before anybody was told of it.

    Restores what it overwrote; then the newest callback that came in meanwhile is applied.
    Raises Refused (403), TooLate (409) or TakenBack.
    """
    membership, verification = lifecycle.locked(membership, verification.scan_ref)
    if check := policy.standing_objection(membership, Action.UNDO, verification):
        raise lifecycle.Refused(check)
    decision = verification.decision
    if decision is None or decision.pk != decision_id or not decision.is_undoable(verification.now):
        made = verification.decisions.filter(undoes=decision_id).select_related("actor").first()
        if made is None:
            raise TooLate(membership, verification, decision_id)
        if made.request_key != request_key:
            raise TakenBack(made)
        return made
    if not outbox.withdraw(decision):
        raise TooLate(membership, verification, decision_id)
    taken_back = _row(membership, verification, Action.UNDO, former_standing(decision))
    taken_back.request_key, taken_back.undoes = request_key, decision
    insert(taken_back)
    _restore(membership, verification, decision, taken_back)
    return taken_back


def _restore(
    membership: Membership, verification: Verification, decision: Decision, taken_back: Decision
) -> None:
    codes: list[str] = []
    if decision.action == Action.DENY:
        codes = list(decision.reasons.values_list("code", flat=True))
    former = decision.text.former
    # What came meanwhile is new to the decision before; where there is none, nothing is.
    is_new = verification.has_new_data or former.get("has_new_data", False)
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=former_standing(decision),
            kind=Kind.UNDONE,
            actor=membership.user,
            fields=former
            | {
                "has_new_data": bool(decision.supersedes_id) and is_new,
                "decision_id": decision.supersedes_id,
                "decided_by_id": decision.supersedes and decision.supersedes.actor_id,
            },
            facts={"decision": str(taken_back.pk), "undoes": str(decision.pk)},
            counted=counters.undone(decision, codes, taken_back),
        ),
    )
    if verification.decision_id is None:
        effect.apply_kept(verification)


def former_standing(decision: Decision) -> Standing:
    return Standing(Status(decision.from_status), decision.from_suspected)
