"""A hold keeps a verification from being disposed of, by anything, until an Admin releases it."""

from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Kind, Membership
from verifications import lifecycle, policy
from verifications.models import Hold, HoldReason, ReleaseReason, Verification
from verifications.statuses import Action


@transaction.atomic
def place(
    membership: Membership, verification: Verification, reason: HoldReason, reference: str
) -> bool:
    """False: one stands already. Raises lifecycle.Refused or Gone."""
    membership, verification = _locked(membership, verification)
    if verification.holds.standing().exists():
        return False
    Hold.objects.create(
        verification=verification,
        reason=reason,
        reference=reference,
        placed_by=membership.user,
        placed_at=verification.now,
    )
    _record(Kind.HELD, membership, verification, reason)
    return True


@transaction.atomic
def release(membership: Membership, verification: Verification, reason: ReleaseReason) -> bool:
    """False: none stands. Raises lifecycle.Refused or Gone."""
    membership, verification = _locked(membership, verification)
    released = verification.holds.standing().update(
        released_by=membership.user, released_at=Now(), release_reason=reason
    )
    if released:
        _record(Kind.RELEASED, membership, verification, reason)
    return bool(released)


def _locked(membership: Membership, verification: Verification) -> tuple[Membership, Verification]:
    membership, verification = lifecycle.locked(membership, verification.scan_ref)
    if check := policy.objection(membership, Action.HOLD, verification):
        raise lifecycle.Refused(check)
    return membership, verification


def _record(
    kind: Kind,
    membership: Membership,
    verification: Verification,
    reason: HoldReason | ReleaseReason,
) -> None:
    audit.record(
        kind,
        actor=membership.user,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=verification.audit_stream,
        reason=str(reason.value),
    )
