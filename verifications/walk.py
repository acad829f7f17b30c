"""The rows of the list as values, and the walk along an index that finds them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from accounts.statements import Numbers, OneOf, Statement, Written
from verifications.keyset import Bounds, Position, Stretch
from verifications.models import Tag, Verification

ORDER = ("started_at", "pk")
FIRST = Position(datetime.min.replace(tzinfo=UTC), 0)
LAST = Position(datetime.max.replace(tzinfo=UTC), 2**63 - 1)

# Of a stretch moments and numbers of the verifications, in order.
Along = Callable[[Stretch], QuerySet]


class Row(NamedTuple):
    """A verification as the list shows it; the fields are columns, but for the last."""

    pk: int
    started_at: datetime
    scan_ref: str
    name: str
    client_id: str
    status: str
    suspected: bool
    review_type: str
    document_type: str
    document_country: str
    tag_count: int

    @property
    def place(self) -> Position:
        return Position(self.started_at, self.pk)


class Found(NamedTuple):
    """All rows that fit up to the place where the walk broke off; None: it came to its end."""

    rows: list[Row]
    end: Position | None


class Page(Statement):
    """Of rows that all fit and lie in the order of a stretch the first `most`."""

    def __init__(self, rows: Callable[[], QuerySet], most: int) -> None:
        super().__init__(lambda: shown(rows())[:most])
        self.most = most

    def found(self, stretch: Stretch, values: dict[str, Any]) -> Found:
        rows = [Row._make(it) for it in self.rows(**values, **stretch.places)]
        return Found(rows, rows[-1].place if len(rows) == self.most else None)


class Walk(Statement):
    """Of the first `share` rows along an index those that fit, but no more than `most`; and where
    the last of the share lies: its place is found in the index alone, and bounds what is read of
    the table. Django's queries cannot say that in one statement, so lines of our own stand round
    three of them. On SQLite that takes a third to two thirds of the time of numbered rows.
    """

    def __init__(self, along: Along, fits: Q, bounds: Bounds, share: int, most: int) -> None:
        super().__init__(lambda: shown(_met()))
        self.along, self.bounds = along, bounds
        # Planners cannot look into it: they would go along an index of what has to fit, for ever.
        self.tests = [Case(When(fits, then=True), default=False)] if fits else []
        self.share, self.most = share, most

    def write(self) -> Written:
        whole = self.bounds.stretch
        last = Written(self.along(whole)[self.share - 1 : self.share])
        met = Written(self.along(_to_edge(whole)).filter(*self.tests)[: self.most])
        written = super().write()
        # A row even where nothing fits; an empty one where fewer lie there than the share.
        written.sql = (
            "WITH edge (moment, key) AS (SELECT last.* FROM (SELECT 1) AS one"  # noqa: S608
            f" LEFT JOIN ({last.sql}) AS last ON TRUE), met (moment, key) AS ({met.sql})"
            f" SELECT page.*, edge.* FROM edge LEFT JOIN ({written.sql}) AS page ON TRUE"
        )
        written.params = [*last.params, *met.params, *written.params]
        written.readers += [(place + len(Row._fields), read) for place, read in last.readers]
        return written

    def found(self, stretch: Stretch, values: dict[str, Any]) -> Found:
        met = self.rows(**values, **stretch.places)
        *_, moment, key = met[0]
        rows = [Row._make(it[:-2]) for it in met if it[0] is not None]
        rows.sort(key=attrgetter(*ORDER), reverse=stretch.falling)
        if len(rows) == self.most:
            return Found(rows, rows[-1].place)
        return Found(rows, None if moment is None else Position(moment, key))


def merged(runs: Sequence[Found], stretch: Stretch) -> Found:
    """Of walks along several indexes at once; the same row may come more than once."""
    end = stretch.first(run.end for run in runs if run.end)
    met = {row.pk: row for run in runs for row in run.rows}
    rows = sorted(met.values(), key=attrgetter(*ORDER), reverse=stretch.falling)
    return Found([row for row in rows if not stretch.beyond(row.place, end)] if end else rows, end)


# Statements

SHOWN = Statement(lambda: shown(by_key()))


def by_key() -> QuerySet[Verification]:
    """Of visible rows. To ask for the partner again, or for an order, would lead past the keys."""
    return Verification.objects.filter(OneOf(F("pk"), Numbers("keys"))).order_by()


def _met() -> QuerySet[Verification]:
    key = f"{Verification._meta.db_table}.id = met.key"
    return Verification.objects.order_by().extra(tables=["met"], where=[key])  # noqa: S610


def _to_edge(whole: Stretch) -> Stretch:
    """Up to the edge with all that lies at its place, or to its end where there is no edge."""
    end = whole.above if whole.falling else whole.below
    last, number = end or (FIRST if whole.falling else LAST)
    key = RawSQL("(SELECT key FROM edge)", (), BigIntegerField())  # noqa: S611
    beyond = Coalesce(key - 1 if whole.falling else key + 1, number)
    at = RawSQL("(SELECT moment FROM edge)", (), DateTimeField())  # noqa: S611
    moment: Any = Coalesce(at, last)
    return whole.up_to(Position(moment, beyond))


def shown(rows: QuerySet[Verification]) -> QuerySet:
    tags = Tag.objects.standing().filter(verification=OuterRef("pk")).order_by()
    # Not grouped by the verification: of one without tags that counts none, not nothing.
    counted = tags.annotate(one=Value(1)).values("one").annotate(number=Count("pk"))
    tag_count = Coalesce(Subquery(counted.values("number")), 0)
    return rows.values_list(*Row._fields[:-1], tag_count)


def has(rows: QuerySet) -> Q:
    """EXISTS in a form that no planner can turn round and answer from all rows at once."""
    return Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))
