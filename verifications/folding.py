"""The sums of the counters: changes are added to them, and they are compared with the rows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Concat, TruncDate

from accounts.models import Partner
from verifications.models import (
    EVER,
    FOLDING,
    Chore,
    Counter,
    CounterChange,
    Decision,
    DecisionReason,
    Measure,
    Tag,
    Verification,
)

BATCH = 500


class Key(NamedTuple):
    """Of one sum."""

    partner: int
    day: date
    measure: str
    code: str


class Difference(NamedTuple):
    key: Key
    kept: int
    counted: int

    def __str__(self) -> str:
        partner, day, measure, code = self.key
        when = "ever" if day == EVER else f"{day:%Y-%m-%d}"
        return f"partner {partner}, {when}, {measure} {code}: {self.kept}, not {self.counted}"


def fold() -> int:
    """Adds the waiting changes to their sums; gives how many that were.

    One transaction a batch: killed at any moment it has counted nothing twice and lost nothing.
    """
    folded = 0
    while batch := _fold_some():
        folded += batch
    return folded


@transaction.atomic
def _fold_some() -> int:
    _alone()
    waiting = CounterChange.objects.order_by("pk")[:BATCH]
    changes = list(waiting.values_list("pk", "partner", "day", "measure", "code", "by"))
    sums: dict[Key, int] = defaultdict(int)
    for _, *key, by in changes:
        _count(sums, Key._make(key), by)
    _add(sums)
    # By number and not up to the last: one with a lower number may be committed only now.
    CounterChange.objects.filter(pk__in=[change[0] for change in changes]).delete()
    return len(changes)


def _count(sums: dict[Key, int], key: Key, number: int) -> None:
    """On its day and ever."""
    sums[key] += number
    sums[key._replace(day=EVER)] += number


def _alone() -> None:
    """Sums are changed by one at a time: by whoever holds the row of the chore."""
    Chore.objects.select_for_update().get_or_create(name=FOLDING)


def _add(sums: Mapping[Key, int]) -> None:
    keys = sorted(key for key, number in sums.items() if number)
    for start in range(0, len(keys), BATCH):
        _write(keys[start : start + BATCH], sums)
    if keys:
        # What was kept of the sums before is worth nothing from here on.
        Chore.objects.filter(name=FOLDING).update(mark=uuid4())


def _write(keys: list[Key], sums: Mapping[Key, int]) -> None:
    near = Counter.objects.filter(
        partner__in={key.partner for key in keys},
        day__in={key.day for key in keys},
        measure__in={key.measure for key in keys},
        code__in={key.code for key in keys},
    )
    known = near.values_list("partner", "day", "measure", "code", "number")
    before = {Key._make(key): number for *key, number in known}
    Counter.objects.bulk_create(
        [
            Counter(
                partner_id=key.partner,
                day=key.day,
                measure=key.measure,
                code=key.code,
                number=before.get(key, 0) + sums[key],
            )
            for key in keys
        ],
        update_conflicts=True,
        unique_fields=["partner", "day", "measure", "code"],
        update_fields=["number"],
    )


def check() -> Iterator[Difference]:
    """Where the counters are not what the rows say; work may go on meanwhile."""
    for partner in Partner.objects.order_by("pk"):
        with _patience():
            found = _differences(partner)
        yield from found


def repair() -> Iterator[Difference]:
    """The same, put right; where nothing was counted yet it counts everything."""
    for partner in Partner.objects.order_by("pk"):
        with transaction.atomic(), _patience():
            _alone()
            found = _differences(partner)
            _add({each.key: each.counted - each.kept for each in found})
        yield from found


@contextmanager
def _patience() -> Iterator[None]:
    """To count millions of rows takes longer than a page is given."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


SUMS, CHANGES, ROWS = "sums", "changes", "rows"


def _differences(partner: Partner) -> list[Difference]:
    """Read in one statement, hence of one moment."""
    kept: dict[Key, int] = defaultdict(int)
    counted: dict[Key, int] = defaultdict(int)
    first, *others = (_grouped(of, *rows) for of, *rows in _parts(partner))
    for of, day, measure, code, number in first.union(*others, all=True):
        key = Key(partner.pk, day, measure, code)
        if of == SUMS:
            kept[key] += number
        else:
            _count(kept if of == CHANGES else counted, key, number)
    keys = sorted(kept.keys() | counted.keys())
    return [Difference(key, kept[key], counted[key]) for key in keys if kept[key] != counted[key]]


def _grouped(of: str, rows: QuerySet, day: Any, measure: Any, code: str, number: Any) -> QuerySet:
    named = rows.order_by().annotate(of=Value(of), on=day, what=measure, which=F(code))
    return named.values_list("of", "on", "what", "which").annotate(sum=number)


def _parts(partner: Partner) -> Iterator[tuple[str, QuerySet, Any, Any, str, Any]]:
    """Of what, which rows, by day, measure and code, how many."""
    of_partner = Q(partner=partner)
    is_suspected = When(suspected=True, then=Value(Measure.SUSPECTED.value))
    standing = Case(is_suspected, default=Value(Measure.STANDING.value))
    verifications = Verification.objects.filter(of_partner, disposed_at=None)
    tags = Tag.objects.standing().filter(verification__partner=partner)
    decisions = Decision.objects.filter(of_partner, undone_by=None)
    reasons = DecisionReason.objects.filter(decision__in=decisions)
    started, decided = TruncDate("started_at"), TruncDate("decided_at")
    rows = Count("pk")
    day, measure = F("day"), F("measure")
    yield SUMS, Counter.objects.filter(of_partner), day, measure, "code", Sum("number")
    yield CHANGES, CounterChange.objects.filter(of_partner), day, measure, "code", Sum("by")
    yield ROWS, verifications, started, standing, "status", rows
    yield (
        ROWS,
        tags,
        TruncDate("verification__started_at"),
        Concat("kind", Value("_tag")),
        "code",
        rows,
    )
    yield ROWS, decisions, decided, Value(Measure.DECISION.value), "action", rows
    yield (
        ROWS,
        reasons,
        TruncDate("decision__decided_at"),
        Value(Measure.REASON.value),
        "code",
        rows,
    )
