"""The home page, built before its template."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts import budgets
from accounts.models import Membership, Rank
from verifications import counters, figures, frame
from verifications.models import (
    Tag,
    Verification,
    VerificationQuerySet,
    WebhookDelivery,
)
from verifications.statuses import NEEDS_DECISION

QUEUE_SIZE = 10
COUNTED_TO = 100
LATE = timedelta(hours=2)
NOTICED = timedelta(days=1)


@dataclass(frozen=True)
class Waiting:
    verification: Verification
    tags: list[Tag]
    since: timedelta

    @property
    def is_late(self) -> bool:
        return self.since >= LATE


@dataclass(frozen=True)
class Home:
    now: datetime
    queue: list[Waiting]
    queue_count: int
    may_decide: bool
    troubled: str
    deliveries_url: str
    stopped: list[budgets.Notice]
    figures: figures.Figures | None
    # None: all time.
    range_days: int | None


def build(membership: Membership, days: int | None, now: datetime) -> Home:
    """Figures are for Moderators and above; the queue is for all."""
    visible = Verification.objects.visible_to(membership)
    is_admin = membership.role.rank >= Rank.ADMIN
    sees_figures = membership.role.rank >= Rank.MODERATOR
    troubled = WebhookDelivery.objects.in_trouble(now).filter(partner=membership.partner)
    return Home(
        now=now,
        queue=_queue(visible, now),
        queue_count=counters.standing(membership.partner).get(NEEDS_DECISION, 0),
        may_decide=is_admin,
        troubled=_capped(troubled),
        deliveries_url=frame.url_for(membership, "delivery_list", Rank.MODERATOR),
        stopped=budgets.notices(membership.partner, now - NOTICED) if is_admin else [],
        figures=figures.build(membership.partner, days, now.date()) if sees_figures else None,
        range_days=days,
    )


def _queue(visible: VerificationQuerySet, now: datetime) -> list[Waiting]:
    """Who waits longest comes first; the wait begins when the applicant was done."""
    oldest = visible.needs_decision().order_by("started_at", "pk")[:QUEUE_SIZE]
    waiting = [
        Waiting(
            row,
            [tag for tag in row.tags.all() if tag.removed_at is None],
            now - (row.finished_at or row.started_at),
        )
        for row in oldest.prefetch_related("tags")
    ]
    return sorted(waiting, key=lambda one: one.since, reverse=True)


def _capped(rows: Any) -> str:
    """How many, up to "99+"; empty: none."""
    count = rows.order_by()[:COUNTED_TO].count()
    if count >= COUNTED_TO:
        return f"{COUNTED_TO - 1}+"
    return str(count or "")
