"""How long a verification's data is kept, and who may end that or forbid it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.models import Membership
from verifications import policy
from verifications.models import Hold, Verification
from verifications.statuses import Action


@dataclass(frozen=True)
class Keeping:
    """`hold` is the one that stands."""

    until: datetime
    hold: Hold | None
    may_hold: bool


def build(membership: Membership, verification: Verification, holds: Sequence[Hold]) -> Keeping:
    ended_at = verification.finished_at or verification.started_at
    kept = timedelta(days=verification.partner.retention_days)
    return Keeping(
        # The provider's clock may be set to the end of the calendar.
        until=min(ended_at, datetime.max.replace(tzinfo=UTC) - kept) + kept,
        hold=next((hold for hold in holds if hold.released_at is None), None),
        may_hold=policy.objection(membership, Action.HOLD, verification) is None,
    )
