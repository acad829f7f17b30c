"""The home page, built before its template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DateTimeField, QuerySet

from accounts import budgets
from accounts.models import Membership, Partner, Rank
from accounts.statements import Slot, Statement
from verifications import counters, figures, frame, policy, waiting
from verifications.models import TROUBLED, TRYING, WANTED, WebhookDelivery
from verifications.models.webhook import given_up
from verifications.statuses import NEEDS_DECISION, Standing

COUNTED_TO = 100
NOTICED = timedelta(days=1)


@dataclass(frozen=True)
class Home:
    now: datetime
    # Read with the figures; the frame has a use for it as well.
    standing: Mapping[Standing, int]
    queue: list[waiting.Waiting]
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
    partner, rank, today = membership.partner, membership.role.rank, now.date()
    counted = figures.reported(partner, days, today) if rank >= Rank.MODERATOR else None
    standing = counted.standing if counted else counters.standing(partner)
    return Home(
        now=now,
        standing=standing,
        queue=waiting.longest(membership, now),
        queue_count=standing.get(NEEDS_DECISION, 0),
        may_decide=policy.decides(membership),
        troubled=_troubled(partner, now),
        deliveries_url=frame.url_for(membership, "delivery_list", Rank.MODERATOR),
        stopped=budgets.notices(partner, now - NOTICED) if rank >= Rank.ADMIN else [],
        figures=figures.build(partner, counted, days, today) if counted else None,
        range_days=days,
    )


def _in_trouble() -> QuerySet:
    """Each half by an index of its own."""
    rows = WebhookDelivery.objects.filter(WANTED, partner=Slot("partner")).order_by()
    halves = [rows.filter(it) for it in (TRYING, given_up(Slot("since", DateTimeField())))]
    trying, over = (half.values_list("pk") for half in halves)
    return trying.union(over, all=True)[:COUNTED_TO]


IN_TROUBLE = Statement(_in_trouble)


def _troubled(partner: Partner, now: datetime) -> str:
    """How many deliveries, up to "99+"; empty: none."""
    count = len(IN_TROUBLE.rows(partner=partner.pk, since=now - TROUBLED))
    if count >= COUNTED_TO:
        return f"{COUNTED_TO - 1}+"
    return str(count or "")
