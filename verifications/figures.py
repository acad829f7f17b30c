"""The statistics of a partner's last days: counted by the database, drawn as plain rectangles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncDate

from accounts.models import Membership
from verifications.models import DecisionReason, Tag, VerificationQuerySet
from verifications.statuses import Action, Status

RANGES = (7, 30, 90)
RANKED = 7
CHART_HEIGHT = 200
BAR, GAP = 18, 6
STEPS = 4


class Series(NamedTuple):
    key: str
    label: str
    colour: str
    shape: str
    counts: Q


# Bottom to top: denied stands on the base line, so that a bad day shows.
SERIES = (
    Series("denied", "Denied", "bad", "s-denied", Q(status=Status.DENIED)),
    Series("suspected", "Suspected", "warn", "s-suspected", Q(status="APPROVED", suspected=True)),
    Series("reviewing", "Reviewing", "info", "s-reviewing", Q(status__in=["REVIEWING", "ACTIVE"])),
    Series("approved", "Approved", "good", "s-approved", Q(status="APPROVED", suspected=False)),
    Series("expired", "Expired", "idle", "s-expired", Q(status__in=["EXPIRED", "EXPIRED-DELETED"])),
)
# As numbers they stand from good to bad.
IN_A_ROW = [SERIES[place] for place in (3, 1, 2, 0, 4)]


@dataclass(frozen=True)
class Counted:
    series: Series
    count: int


@dataclass(frozen=True)
class Rect:
    colour: str
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Day:
    date: date
    all: int
    counts: list[Counted]
    rects: list[Rect]


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking: how often, and its share of the first."""

    code: str
    label: str
    family: str
    count: int
    percent: int


@dataclass(frozen=True)
class Figures:
    first: date
    last: date
    started: int
    counts: list[Counted]
    approval_rate: float | None
    days: list[Day]
    marked: list[date]
    ticks: list[int]
    width: int
    reasons: list[Ranked]
    tags: list[Ranked]


def build(membership: Membership, visible: VerificationQuerySet, days: int, today: date) -> Figures:
    first = today - timedelta(days=days - 1)
    start = datetime.combine(first, time.min, UTC)
    per_day = _per_day(visible.filter(started_at__gte=start))
    totals = {key: sum(counts[key] for counts in per_day.values()) for key in ("all", *_keys())}
    step = _step(max((counts["all"] for counts in per_day.values()), default=0))
    return Figures(
        first=first,
        last=today,
        started=totals["all"],
        counts=[Counted(series, totals[series.key]) for series in IN_A_ROW],
        approval_rate=_approval_rate(totals),
        days=list(_days(per_day, first, days, step * STEPS)),
        marked=_marked(first, days),
        ticks=[step * place for place in range(STEPS + 1)],
        width=days * (BAR + GAP),
        reasons=_top_reasons(membership, start),
        tags=_top_tags(membership, start),
    )


def _keys() -> list[str]:
    return [series.key for series in SERIES]


def _per_day(rows: VerificationQuerySet) -> dict[date, dict[str, int]]:
    """By day: "all" and each series."""
    # Not under their own names: one of them is a column, which the next filter would not find.
    counters = {f"of_{series.key}": Count("pk", filter=series.counts) for series in SERIES}
    days = rows.order_by().annotate(day=TruncDate("started_at")).values("day")
    counted: Iterable[Any] = days.annotate(of_all=Count("pk"), **counters)
    return {
        row.pop("day"): {key.removeprefix("of_"): count for key, count in row.items()}
        for row in counted
    }


def _approval_rate(totals: dict[str, int]) -> float | None:
    """Approved without a doubt, of all that have a result."""
    results = totals["approved"] + totals["suspected"] + totals["denied"]
    return 100 * totals["approved"] / results if results else None


def _step(top: int) -> int:
    """The distance of the lines: the smallest 1, 2 or 5 × 10ⁿ of which four reach the top."""
    scale = 1
    while True:
        for step in (scale, 2 * scale, 5 * scale):
            if step * STEPS >= top:
                return step
        scale *= 10


def _days(per_day: dict[date, dict[str, int]], first: date, days: int, scale: int) -> Iterator[Day]:
    nothing = dict.fromkeys(["all", *_keys()], 0)
    for place in range(days):
        day = first + timedelta(days=place)
        counts = per_day.get(day, nothing)
        yield Day(
            day,
            counts["all"],
            [Counted(series, counts[series.key]) for series in SERIES],
            list(_rects(counts, place * (BAR + GAP) + GAP // 2, scale)),
        )


def _rects(counts: dict[str, int], x: int, scale: int) -> Iterator[Rect]:
    top = float(CHART_HEIGHT)
    for series in SERIES:
        height = round(counts[series.key] * CHART_HEIGHT / scale, 1)
        if height:
            top = round(top - height, 1)
            yield Rect(series.colour, x, top, height)


def _marked(first: date, days: int) -> list[date]:
    """Days that are written under the chart, evenly spread from the first to the last."""
    parts = 3 if days == RANGES[0] else 4
    return [first + timedelta(days=round(place * (days - 1) / parts)) for place in range(parts + 1)]


def _top_reasons(membership: Membership, start: datetime) -> list[Ranked]:
    """Of denials that were not taken back, in the words that were used."""
    reasons = DecisionReason.objects.filter(
        decision__partner=membership.partner,
        decision__decided_at__gte=start,
        decision__action=Action.DENY,
        decision__undone_by=None,
    )
    counted = reasons.order_by().values("code").annotate(count=Count("pk"), words=Max("label"))
    return _ranked(counted.order_by("-count", "code")[:RANKED])


def _top_tags(membership: Membership, start: datetime) -> list[Ranked]:
    tags = Tag.objects.standing().filter(
        verification__partner=membership.partner, verification__started_at__gte=start
    )
    counted = tags.order_by().values("code", "kind").annotate(count=Count("pk"))
    return _ranked(counted.order_by("-count", "code", "kind")[:RANKED])


def _ranked(rows: Iterable[Any]) -> list[Ranked]:
    found = list(rows)
    most = found[0]["count"] if found else 1
    return [
        Ranked(
            code=row["code"],
            label=row.get("words", ""),
            family=f"{row['kind']}_tag" if "kind" in row else "",
            count=row["count"],
            percent=max(1, 100 * row["count"] // most),
        )
        for row in found
    ]
