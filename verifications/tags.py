"""Taking a mismatch tag away: for good, and never a way to approve what was denied."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Kind, Membership
from verifications import counters, lifecycle, outcomes, policy
from verifications.models import Tag, TagKind, Verification
from verifications.statuses import Action, Standing


@transaction.atomic
def remove(
    membership: Membership, verification: Verification, tag_id: int, *, seen_revision: int
) -> Tag:
    """Removes it, or finds that it is removed already.

    With the last standing tag of either kind suspicion is settled, and the partner is told.
    Raises lifecycle.Refused (403) or lifecycle.Stale (409: it may be gone altogether).
    """
    membership, verification = lifecycle.locked(membership, verification.scan_ref)
    mismatches = (tag for tag in verification.tags.all() if tag.kind == TagKind.MISMATCH)
    tag = next((tag for tag in mismatches if tag.pk == tag_id), None)
    if check := policy.standing_objection(membership, Action.REMOVE_TAG, verification):
        raise lifecycle.Refused(check)
    if tag and tag.removed_at:
        return tag
    if tag is None or verification.revision != seen_revision:
        raise lifecycle.Stale
    if check := policy.objection(membership, Action.REMOVE_TAG, verification):
        raise lifecycle.Refused(check)
    tag.removed_at, tag.removed_by = timezone.now(), membership.user
    tag.save(update_fields=["removed_at", "removed_by"])
    _settle(membership, verification, tag)
    return tag


def _settle(membership: Membership, verification: Verification, tag: Tag) -> None:
    is_settled = verification.suspected and all(tag.removed_at for tag in verification.tags.all())
    to = Standing(verification.standing.status, verification.suspected and not is_settled)
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=to,
            kind=Kind.TAG_REMOVED,
            actor=membership.user,
            fields={"is_final": True} if is_settled else {},
            facts={"tag": tag.code},
            event=outcomes.EVENT if is_settled else "",
            counted=counters.tags(verification, [tag], -1),
        ),
    )
