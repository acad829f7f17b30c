"""How many there are: noted beside each change, folded into sums, exact at every moment.

A change is a row of its own, so that two decisions never wait for one sum. What is read is the sum
and the changes that are not in it yet (`folding` moves them from there to here), in one statement.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache

from django.db.models import DateField, Q, QuerySet, Sum

from accounts.insertions import insert
from accounts.models import Partner
from accounts.statements import Slot, Statement
from verifications.models import (
    EVER,
    Counter,
    CounterChange,
    Decision,
    Measure,
    Tag,
    Verification,
)
from verifications.statuses import Action, Standing, Status

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
    counted = _sums(partner, None, (Measure.STANDING, Measure.SUSPECTED))
    return _standings({key[-2:]: number for key, number in counted.items()})


def per_day(partner: Partner, since: date) -> dict[date, dict[Standing, int]]:
    """The same of those that started on a day, from one day on."""
    counted = _sums(partner, since, (Measure.STANDING, Measure.SUSPECTED), "day")
    days: dict[date, dict[tuple[str, str], int]] = defaultdict(dict)
    for (day, measure, code), number in counted.items():
        days[day][measure, code] = number
    return {day: _standings(numbers) for day, numbers in days.items()}


def codes(
    partner: Partner, since: date | None, *measures: Measure
) -> dict[tuple[Measure, str], int]:
    """How often each code, from one day on or ever."""
    counted = _sums(partner, since, measures)
    return {(Measure(measure), code): number for (measure, code), number in counted.items()}


def _standings(counted: dict[tuple[str, str], int]) -> dict[Standing, int]:
    return {_stands(measure, code): number for (measure, code), number in counted.items()}


@cache
def _stands(measure: str, code: str) -> Standing:
    return Standing(Status(code), measure == Measure.SUSPECTED)


def _sums(
    partner: Partner, since: date | None, measures: Iterable[Measure], *by: str
) -> dict[tuple, int]:
    """By `by`, measure and code. One statement, hence of one moment, whatever is being folded."""
    statement = _summed(since is None, tuple(measures), *by)
    sums: dict[tuple, int] = defaultdict(int)
    for *key, number in statement.rows(partner=partner.pk, since=since):
        sums[tuple(key)] += number
    return {key: number for key, number in sums.items() if number}


@cache
def _summed(is_ever: bool, measures: tuple[Measure, ...], *by: str) -> Statement:
    def queryset() -> QuerySet:
        group = (*by, "measure", "code")
        ours = Q(partner=Slot("partner"), measure__in=measures)
        folded, waiting = Counter.objects.filter(ours), CounterChange.objects.filter(ours)
        if is_ever:
            folded = folded.filter(day=EVER)
        else:
            since = Slot("since", DateField())
            folded, waiting = folded.filter(day__gte=since), waiting.filter(day__gte=since)
        return _grouped(folded, group, "number").union(_grouped(waiting, group, "by"), all=True)

    return Statement(queryset)


def _grouped(rows: QuerySet, group: tuple[str, ...], number: str) -> QuerySet:
    return rows.values_list(*group).annotate(sum=Sum(number))
