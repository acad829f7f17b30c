"""The home page and the frame around every page, built before the templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import Membership, Rank
from verifications.models import (
    DecisionReason,
    DeliveryState,
    Tag,
    Verification,
    VerificationQuerySet,
    WebhookDelivery,
)
from verifications.statuses import Action, Status

QUEUE_SIZE = 10
RANGES = (7, 30, 90)
COUNTED_TO = 100
CHART_HEIGHT = 200
BAR, GAP = 18, 6

# Bottom to top: denied stands on the base line, so that a bad day shows.
SERIES = (
    ("denied", "Denied", "fill-bad", "tone-bad"),
    ("suspected", "Suspected", "fill-warn", "tone-warn"),
    ("reviewing", "Reviewing", "fill-info", "tone-info"),
    ("approved", "Approved", "fill-good", "tone-good"),
    ("expired", "Expired", "fill-idle", "tone-idle"),
)


@dataclass(frozen=True)
class Waiting:
    verification: Verification
    tags: list[Tag]
    since: timedelta


@dataclass(frozen=True)
class Rect:
    fill: str
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Day:
    date: date
    counts: list[tuple[str, int]]
    rects: list[Rect]


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking: a code or label, how often, and its share of the first."""

    code: str
    label: str
    count: int
    percent: int


@dataclass(frozen=True)
class Figures:
    started: int
    counts: list[tuple[str, str, int]]
    approval_rate: float | None
    days: list[Day]
    ticks: list[int]
    width: int
    reasons: list[Ranked]
    tags: list[Ranked]


@dataclass(frozen=True)
class Home:
    queue: list[Waiting]
    queue_count: str
    troubled: int
    figures: Figures | None
    range_days: int


def build(membership: Membership, days: int, now: datetime) -> Home:
    """Figures are for Moderators and above; the queue is for all."""
    visible = Verification.objects.visible_to(membership)
    waiting = _capped_count(visible.needs_decision())
    return Home(
        queue=_queue(visible, now),
        queue_count=_capped(waiting),
        troubled=_troubled(membership),
        figures=_figures(membership, visible, days, now)
        if membership.role.rank >= Rank.MODERATOR
        else None,
        range_days=days,
    )


def _queue(visible: VerificationQuerySet, now: datetime) -> list[Waiting]:
    oldest = visible.needs_decision().order_by("started_at", "pk")[:QUEUE_SIZE]
    return [
        Waiting(
            row,
            [tag for tag in row.tags.all() if tag.removed_at is None],
            now - (row.finished_at or row.started_at),
        )
        for row in oldest.prefetch_related("tags")
    ]


def _capped_count(rows: VerificationQuerySet) -> int:
    return rows.order_by()[:COUNTED_TO].count()


def _capped(count: int) -> str:
    return f"{COUNTED_TO - 1}+" if count >= COUNTED_TO else str(count)


def _troubled(membership: Membership) -> int:
    """Deliveries that were tried in vain, the given-up ones of the last week among them."""
    week = timezone.now() - timedelta(days=7)
    trying = Q(state=DeliveryState.WAITING, attempts__gt=0)
    given_up = Q(state=DeliveryState.GIVEN_UP, queued_at__gte=week)
    rows = WebhookDelivery.objects.filter(trying | given_up, partner=membership.partner)
    return rows.order_by()[:COUNTED_TO].count()


def _figures(
    membership: Membership, visible: VerificationQuerySet, days: int, now: datetime
) -> Figures:
    first = now.date() - timedelta(days=days - 1)
    start = datetime.combine(first, time.min, UTC)
    per_day = _per_day(visible.filter(started_at__gte=start))
    totals = {key: sum(counts[key] for counts in per_day.values()) for key, *_ in SERIES}
    decided = totals["approved"] + totals["suspected"] + totals["denied"]
    top = max([sum(counts.values()) for counts in per_day.values()] or [0])
    scale = _round_up(top)
    return Figures(
        started=sum(sum(counts.values()) for counts in per_day.values()),
        counts=[(label, tone, totals[key]) for key, label, _, tone in SERIES],
        approval_rate=100 * totals["approved"] / decided if decided else None,
        days=list(_days(per_day, first, days, scale)),
        ticks=[scale * step // 4 for step in range(5)],
        width=days * (BAR + GAP),
        reasons=_top_reasons(membership, start),
        tags=_top_tags(membership, start),
    )


def _per_day(rows: VerificationQuerySet) -> dict[date, dict[str, int]]:
    counted = rows.order_by().annotate(day=TruncDate("started_at")).values("day")
    # Named apart from the columns that their conditions look at.
    grouped = counted.annotate(
        n_denied=Count("pk", filter=Q(status=Status.DENIED)),
        n_suspected=Count("pk", filter=Q(status=Status.APPROVED, suspected=True)),
        n_reviewing=Count("pk", filter=Q(status__in=[Status.REVIEWING, Status.ACTIVE])),
        n_approved=Count("pk", filter=Q(status=Status.APPROVED, suspected=False)),
        n_expired=Count("pk", filter=Q(status__in=[Status.EXPIRED, Status.EXPIRED_DELETED])),
    )
    return {row["day"]: {key: row[f"n_{key}"] for key, *_ in SERIES} for row in grouped}


def _round_up(top: int) -> int:
    """The next number above that divides into four readable ticks."""
    step = 4
    while step < top:
        step = step * 5 // 2 if str(step)[0] == "4" else step * 2
        step += -step % 4
    return step


def _days(per_day: dict[date, dict[str, int]], first: date, days: int, scale: int) -> Iterator[Day]:
    for place in range(days):
        day = first + timedelta(days=place)
        counts = per_day.get(day, {})
        yield Day(
            day,
            [(label, counts.get(key, 0)) for key, label, *_ in SERIES],
            list(_rects(counts, place * (BAR + GAP) + GAP // 2, scale)),
        )


def _rects(counts: dict[str, int], x: int, scale: int) -> Iterator[Rect]:
    top = float(CHART_HEIGHT)
    for key, _, fill, _ in SERIES:
        height = round(counts.get(key, 0) * CHART_HEIGHT / scale, 1)
        if height:
            top -= height
            yield Rect(fill, x, round(top, 1), height)


def _top_reasons(membership: Membership, start: datetime) -> list[Ranked]:
    """Of denials that were not taken back."""
    reasons = DecisionReason.objects.filter(
        decision__partner=membership.partner,
        decision__decided_at__gte=start,
        decision__action=Action.DENY,
        decision__undone_by=None,
    )
    rows = reasons.order_by().values("code").annotate(count=Count("pk")).order_by("-count", "code")
    return _ranked(rows[:7])


def _top_tags(membership: Membership, start: datetime) -> list[Ranked]:
    tags = Tag.objects.standing().filter(
        verification__partner=membership.partner, verification__started_at__gte=start
    )
    rows = tags.order_by().values("code").annotate(count=Count("pk")).order_by("-count", "code")
    return _ranked(rows[:7])


def _ranked(rows: Any) -> list[Ranked]:
    found = list(rows)
    most = found[0]["count"] if found else 1
    return [
        Ranked(row["code"], row["code"], row["count"], 100 * row["count"] // most) for row in found
    ]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame; costs nothing until a template asks for it."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> dict[str, Any]:
    membership: Membership | None = getattr(request, "membership", None)
    others = [one for one in getattr(request, "memberships", []) if one != membership]
    user = getattr(request, "user", None)
    return {
        "sections": _sections(request, membership) if membership else [],
        "partner": membership.partner if membership else None,
        "role": membership.role.name if membership else "",
        "others": others,
        "environment_label": "Demo" if settings.DEMO else "",
        "search": membership is not None,
        "shortcuts": bool(user and user.is_authenticated and user.has_shortcuts),
    }


def _sections(request: HttpRequest, membership: Membership) -> list[tuple[str, list[dict]]]:
    needs = _capped_count(Verification.objects.visible_to(membership).needs_decision())
    sections = [
        ("", [_link(request, "Dashboard", "home", "i-home")]),
        (
            "ID Verifications",
            [
                _link(
                    request,
                    "Verifications",
                    "verification_list",
                    "i-person-card",
                    counter=_capped(needs) if needs else None,
                    counter_label="need a decision",
                )
            ],
        ),
    ]
    own = [
        link
        for label, name, icon in (
            ("Webhooks", "webhooks", "i-send"),
            ("Audit log", "audit_log", "i-log"),
            ("Demo receiver", "demo_receiver", "i-down"),
        )
        if (link := _admin_link(request, membership, label, name, icon))
    ]
    return [*sections, (membership.partner.name, own)] if own else sections


def _admin_link(
    request: HttpRequest, membership: Membership, label: str, name: str, icon: str
) -> dict[str, Any] | None:
    """Pages for Admins; the demo's receiver belongs to Northbank."""
    if membership.role.rank < Rank.ADMIN:
        return None
    if name == "demo_receiver" and not (settings.DEMO and membership.partner.key == "northbank"):
        return None
    try:
        return _link(request, label, name, icon)
    except NoReverseMatch:
        return None


def _link(
    request: HttpRequest,
    label: str,
    name: str,
    icon: str,
    *,
    counter: str | None = None,
    counter_label: str = "",
) -> dict[str, Any]:
    url = reverse(name)
    current = request.path == url or (url != "/" and request.path.startswith(url))
    return {
        "label": label,
        "url": url,
        "icon": icon,
        "current": current,
        "counter": counter,
        "counter_label": counter_label,
    }
