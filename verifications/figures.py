"""The statistics of a partner, from the counters; its last days drawn as plain rectangles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import ClassVar, NamedTuple

from accounts.models import Partner
from verifications import counters, reasons
from verifications.fields import CODE
from verifications.models import Measure
from verifications.statuses import APPROVED, NEEDS_DECISION, Action, Standing, Status

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
    counts: frozenset[Standing]


def _at(*statuses: Status) -> frozenset[Standing]:
    return frozenset(
        Standing(status, suspected) for status in statuses for suspected in (False, True)
    )


# Bottom to top: denied stands on the base line, so that a bad day shows.
SERIES = (
    Series("denied", "Denied", "bad", "s-denied", _at(Status.DENIED)),
    Series("suspected", "Suspected", "warn", "s-suspected", frozenset({NEEDS_DECISION})),
    Series("reviewing", "Reviewing", "info", "s-reviewing", _at(Status.REVIEWING, Status.ACTIVE)),
    Series("approved", "Approved without suspicion", "good", "s-approved", frozenset({APPROVED})),
    Series("expired", "Expired", "idle", "s-expired", _at(Status.EXPIRED, Status.EXPIRED_DELETED)),
)
KEYS = ("all", *(series.key for series in SERIES))
# Where KEYS has the series in which one is counted.
PLACES = {standing: place for place, series in enumerate(SERIES, 1) for standing in series.counts}
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

    @property
    def path(self) -> str:
        return f"M{self.x} {self.y}h{BAR}v{self.height}h-{BAR}z"


@dataclass(frozen=True)
class Day:
    date: date
    all: int
    counts: tuple[Counted, ...]
    rects: tuple[Rect, ...]


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking: how often, and its share of the first."""

    code: str
    label: str
    family: str
    count: int
    percent: int

    @property
    def is_asked_for(self) -> bool:
        """Whether the list understands it: the provider may send any text."""
        return CODE.fullmatch(self.code) is not None


class Rankings(NamedTuple):
    reasons: tuple[Ranked, ...]
    tags: tuple[Ranked, ...]
    # None: all time.
    days: int | None


@dataclass(frozen=True, eq=False)
class Chart:
    """The days from the first to the last."""

    series: ClassVar = SERIES
    days: tuple[Day, ...]
    marked: tuple[date, ...]
    ticks: tuple[int, ...]
    width: int

    @property
    def first(self) -> date:
        return self.days[0].date

    @property
    def last(self) -> date:
        return self.days[-1].date


@dataclass(frozen=True)
class Figures:
    started: int
    counts: list[Counted]
    approval_rate: float | None
    # By a person: approved, denied, taken back.
    decisions: dict[str, int]
    # None: of all time there are only sums.
    chart: Chart | None
    rankings: Rankings


def build(partner: Partner, counted: counters.Report, days: int | None, today: date) -> Figures:
    """Of what `reported` gave for the same days."""
    totals, chart = _in_series(counted.standing.items()), None
    if days is not None:
        since = first_day(days, today)
        each = _day_by_day(counted.days, since, days)
        totals = [sum(numbers) for numbers in zip(*each, strict=True)]
        chart = _chart(since, tuple(map(tuple, each)))
    named, codes = dict(zip(KEYS, totals, strict=True)), counted.codes
    return Figures(
        started=named["all"],
        counts=[Counted(series, named[series.key]) for series in IN_A_ROW],
        approval_rate=_approval_rate(named),
        decisions={action: codes.get((Measure.DECISION, action), 0) for action in BY_HAND},
        chart=chart,
        rankings=Rankings(
            reasons=tuple(_top_reasons(partner, codes)),
            tags=tuple(_ranked(codes, Measure.MISMATCH_TAG, Measure.FRAUD_TAG)),
            days=days,
        ),
    )


def reported(partner: Partner, days: int | None, today: date) -> counters.Report:
    """Of the last days, or of all time."""
    since = None if days is None else first_day(days, today)
    return counters.report(partner, since, *CODED)


def first_day(days: int, today: date) -> date:
    return today - timedelta(days=days - 1)


CODED = (Measure.MISMATCH_TAG, Measure.FRAUD_TAG, Measure.REASON, Measure.DECISION)
BY_HAND = (Action.APPROVE, Action.DENY, Action.UNDO)
Codes = Mapping[tuple[Measure, str], int]


def _in_series(counted: Iterable[tuple[Standing, int]]) -> list[int]:
    """What KEYS count."""
    counts = [0] * len(KEYS)
    for standing, number in counted:
        counts[0] += number
        if place := PLACES.get(standing):
            counts[place] += number
    return counts


def _day_by_day(counted: counters.Days, since: date, days: int) -> list[list[int]]:
    each, first = [[0] * len(KEYS) for _ in range(days)], since.toordinal()
    for standing, numbers in counted.items():
        key = PLACES.get(standing)
        for day, number in numbers:
            # What starts tomorrow, by the provider's clock, is not of the last days.
            if (place := day.toordinal() - first) < days:
                each[place][0] += number
                if key:
                    each[place][key] += number
    return each


@lru_cache(maxsize=128)
def _chart(first: date, counted: tuple[tuple[int, ...], ...]) -> Chart:
    """Of each day from the first on what KEYS count. Made once for the same numbers."""
    days = [dict(zip(KEYS, numbers, strict=True)) for numbers in counted]
    step = _step(max(counts["all"] for counts in days))
    return Chart(
        days=tuple(_days(days, first, step * STEPS)),
        marked=tuple(_marked(first, len(days))),
        ticks=tuple(step * place for place in range(STEPS + 1)),
        width=len(days) * (BAR + GAP),
    )


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


def _days(counted: Sequence[dict[str, int]], first: date, scale: int) -> Iterator[Day]:
    for place, counts in enumerate(counted):
        yield Day(
            first + timedelta(days=place),
            counts["all"],
            tuple(Counted(series, counts[series.key]) for series in SERIES),
            tuple(_rects(counts, place * (BAR + GAP) + GAP // 2, scale)),
        )


def _rects(counts: dict[str, int], x: int, scale: int) -> Iterator[Rect]:
    top = float(CHART_HEIGHT)
    for series in SERIES:
        height = round(counts[series.key] * CHART_HEIGHT / scale, 1)
        if height:
            top = round(top - height, 1)
            yield Rect(series.colour, x, top, height)


def _marked(first: date, days: int) -> list[date]:
    """Days that are written under the chart: each of a week, or some from the first to the last."""
    parts = days - 1 if days == RANGES[0] else 4
    return [first + timedelta(days=round(place * (days - 1) / parts)) for place in range(parts + 1)]


def _top_reasons(partner: Partner, codes: Codes) -> list[Ranked]:
    found = _ranked(codes, Measure.REASON)
    labels = reasons.labels(partner.pk, [one.code for one in found])
    return [replace(one, label=labels.get(one.code, "")) for one in found]


def _ranked(codes: Codes, *measures: Measure) -> list[Ranked]:
    """The most frequent first."""
    found = sorted(
        (-count, code, measure) for (measure, code), count in codes.items() if measure in measures
    )[:RANKED]
    return [
        Ranked(
            code=code,
            label="",
            family="" if measure == Measure.REASON else measure.value,
            count=-count,
            percent=max(1, 100 * count // found[0][0]),
        )
        for count, code, measure in found
    ]
