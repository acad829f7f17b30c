"""How many there are: noted beside each change, folded into sums, exact at every moment.

A change is a row of its own, so that two decisions never wait for one sum. What is read is the sum
and the changes that are not in it yet (`folding` moves them from there to here), in one statement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db.models import CharField, DateField, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast

from accounts.insertions import insert
from accounts.models import Partner
from accounts.statements import Slot, Statement
from verifications.models import (
    EVER,
    FOLDING,
    Chore,
    Counter,
    CounterChange,
    Decision,
    Measure,
    Tag,
    Verification,
)
from verifications.statuses import Action, Standing, Status

# Verifications, as those of the other measures are tags, decisions and reasons.
STANDS = (Measure.STANDING, Measure.SUSPECTED)

# What is written beside a change


def moved(
    verification: Verification, former: Standing | None, to: Standing | None
) -> list[CounterChange]:
    """It stands elsewhere; `former` None: it began; `to` None: it is gone."""
    if former == to:
        return []
    stood = [_standing(verification, former, -1)] if former else []
    return [*stood, *([_standing(verification, to, 1)] if to else [])]


def _standing(verification: Verification, standing: Standing, by: int) -> CounterChange:
    measure = Measure.SUSPECTED if standing.suspected else Measure.STANDING
    day = verification.started_at
    return _change(verification.partner_id, day, measure, standing.status.value, by)


def tags(verification: Verification, changed: Iterable[Tag], by: int) -> list[CounterChange]:
    """Tags that came to stand, or stand no longer."""
    day = verification.started_at
    return [
        _change(verification.partner_id, day, Measure(tag.wire_family), tag.code, by)
        for tag in changed
    ]


def decided(decision: Decision, codes: Iterable[str]) -> list[CounterChange]:
    return _decision(decision, codes, 1)


def undone(decision: Decision, codes: Iterable[str], undo: Decision) -> list[CounterChange]:
    """What was taken back counts no more; that it was, does."""
    return [*_decision(decision, codes, -1), *_decision(undo, [], 1)]


def _decision(decision: Decision, codes: Iterable[str], by: int) -> list[CounterChange]:
    partner, day = decision.partner_id, decision.decided_at
    action = Action(decision.action)
    reasons = [_change(partner, day, Measure.REASON, code, by) for code in codes]
    return [_change(partner, day, Measure.DECISION, action.value, by), *reasons]


def _change(partner: int, at: datetime, measure: Measure, code: str, by: int) -> CounterChange:
    day = at.astimezone(UTC).date()
    return CounterChange(partner_id=partner, day=day, measure=measure, code=code, by=by)


def note(changes: Iterable[CounterChange]) -> None:
    """In the transaction of what they tell of."""
    insert(*changes)


# What is read


def standing(partner: Partner) -> dict[Standing, int]:
    """How many of all verifications stand where; what is not in it is none."""
    counted: dict[Standing, int] = defaultdict(int)
    for measure, code, number in STANDING.rows(partner=partner.pk):
        counted[_stands(measure, code)] += number
    return _without_none(counted)


def _standing_now() -> QuerySet:
    """The sums, and the changes that are in none of them yet: one statement, hence of one moment,
    whatever is being folded.
    """
    ours = Q(partner=Slot("partner"), measure__in=STANDS)
    sums, changes = Counter.objects.filter(ours, day=EVER), CounterChange.objects.filter(ours)
    changed = changes.values_list("measure", "code").annotate(sum=Sum("by"))
    return sums.values_list("measure", "code", "number").union(changed, all=True)


STANDING = Statement(_standing_now)


Days = dict[Standing, list[tuple[date, int]]]


class Report(NamedTuple):
    """Who stands where, all together and of those that started on a day (which may come more than
    once); and how often each code.
    """

    standing: Mapping[Standing, int]
    days: Days
    codes: Mapping[tuple[Measure, str], int]


# By the mark of a folding the sums that stand as long as it is the last. Nothing tells of a person.
kept: dict[tuple[Any, ...], Report] = {}
MOST_KEPT = 32


def report(partner: Partner, since: date | None, *measures: Measure) -> Report:
    """Days and the codes of these measures are those from one day on; without it there are no days,
    and codes are of ever. Of one moment, as `standing`.
    """
    mark, changes, _ = _read(NOW.rows(partner=partner.pk))
    sums = kept.get((mark, partner.pk, since, measures))
    if sums is None:
        statement = _reported(since is None, measures)
        mark, changes, rows = _read(statement.rows(partner=partner.pk, since=since))
        sums = _summed(rows)
        if mark:
            kept[mark, partner.pk, since, measures] = sums
            for oldest in list(kept)[:-MOST_KEPT]:
                kept.pop(oldest, None)
    return _with(sums, changes, since, measures)


def _read(rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any], list[Any]]:
    """The mark of the last folding, the changes that are in no sum yet, and the sums."""
    mark = next((row[1] for row in rows if row[0] == MARK), "") or ""
    changes = [row[1:] for row in rows if row[0] == CHANGE]
    return mark, changes, [row for row in rows if row[0] not in (MARK, CHANGE)]


def _summed(rows: Sequence[Sequence[Any]]) -> Report:
    standing: dict[Standing, int] = defaultdict(int)
    days: dict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
    codes: dict[tuple[Measure, str], int] = {}
    for part, measure, code, day, number in rows:
        if part == DAY:
            days[measure, code].append((day, number))
        elif part == CODES:
            codes[Measure(measure), code] = number
        else:
            standing[_stands(measure, code)] += number
    by_standing = {_stands(*key): numbers for key, numbers in days.items()}
    return Report(standing, by_standing, codes)


def _with(
    sums: Report, changes: Sequence[Any], since: date | None, measures: Sequence[Measure]
) -> Report:
    standing, codes = defaultdict(int, sums.standing), defaultdict(int, sums.codes)
    days = {at: [*numbers] for at, numbers in sums.days.items()} if changes else sums.days
    for measure, code, day, number in changes:
        is_within = since is None or day >= since
        if measure in STANDS:
            at = _stands(measure, code)
            standing[at] += number
            if since and is_within:
                days.setdefault(at, []).append((day, number))
        if measure in measures and is_within:
            codes[Measure(measure), code] += number
    return Report(_without_none(standing), days, _without_none(codes))


def _without_none(sums: dict[Any, int]) -> dict[Any, int]:
    return {key: number for key, number in sums.items() if number}


# Parts of the statements.
EVER_SUM, DAY, CODES, CHANGE, MARK = "ever", "day", "codes", "change", "mark"


def _now() -> list[QuerySet]:
    """The changes that are in no sum yet, and by what the sums are known in which they are not."""
    changes = CounterChange.objects.filter(partner=Slot("partner"))
    told = Chore.objects.filter(name=FOLDING, mark__isnull=False).annotate(
        part=Value(MARK), at=Cast("mark", CharField()), day=Value(EVER, DateField())
    )
    marked = told.values_list("part", "at", "name", "day", Value(0))
    return [_part(CHANGE, changes, "day").annotate(sum=Sum("by")), marked]


def _together(first: QuerySet, *others: QuerySet) -> QuerySet:
    return first.union(*others, all=True)


NOW = Statement(lambda: _together(*_now()))


@cache
def _reported(is_ever: bool, measures: tuple[Measure, ...]) -> Statement:
    def queryset() -> QuerySet:
        ours = Q(partner=Slot("partner"))
        sums = Counter.objects.filter(ours)
        ever, since = sums.filter(day=EVER), sums.filter(day__gte=Slot("since", DateField()))
        coded = (ever if is_ever else since).filter(measure__in=measures)
        last = Max("day")
        parts = [
            _part(EVER_SUM, ever.filter(measure__in=STANDS), "day", "number"),
            _part(CODES, coded).annotate(last=last, sum=Sum("number")),
        ]
        if not is_ever:
            parts.append(_part(DAY, since.filter(measure__in=STANDS), "day", "number"))
        return _together(*_now(), *parts)

    return Statement(queryset)


def _part(name: str, rows: QuerySet, *more: str) -> QuerySet:
    return rows.annotate(part=Value(name)).values_list("part", "measure", "code", *more)


@cache
def _stands(measure: str, code: str) -> Standing:
    return Standing(Status(code), measure == Measure.SUSPECTED)
