"""The rows of the list as values, and the walk along an index that finds them."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from accounts.statements import Numbers, OneOf, Statement, Written
from verifications.keyset import Bounds, Position, Stretch
from verifications.models import Tag, Verification


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
    """Of the first `share` rows along an index those that fit, but no more than `most`: there the
    database stops, without looking at the others. One statement instead of two, in two thirds to a
    quarter of the time: Django's queries cannot say this, so the lines round them stand here.

    `rows` gives moment, number of the verification, and whether it fits.
    """

    def __init__(
        self, rows: Callable[[], QuerySet], bounds: Bounds, share: int, most: int, *, again: bool
    ) -> None:
        """`again`: a verification may come more than once, and only its next row may fit."""
        super().__init__(lambda: _met(self.order, share)[:most])
        self.along, self.bounds, self.again = rows, bounds, again
        self.share, self.most = share, most

    @property
    def order(self) -> list[str]:
        """That in which the rows are anyway, said so that PostgreSQL does not sort them once more;
        SQLite would do so because of it.
        """
        sign = "-" if self.bounds.falling else ""
        return [] if connection.vendor == "sqlite" else [f"{sign}moment", f"{sign}key"]

    def write(self) -> Written:
        shown, rows = super().write(), Written(self.along()[: self.share])
        terms = [f"{it[1:]} DESC" if it.startswith("-") else it for it in self.order]
        over = f"ORDER BY {', '.join(terms)}" if terms else ""
        shown.sql = (
            f"WITH along (moment, key, fits) AS ({rows.sql}),"  # noqa: S608 - nobody's text
            " walked (moment, key, fits, step) AS"
            f" (SELECT along.*, ROW_NUMBER() OVER ({over}) FROM along) {shown.sql}"
        )
        shown.params = [*rows.params, *shown.params]
        return shown

    def found(self, stretch: Stretch, values: dict[str, Any]) -> Found:
        met = self.rows(**values, **stretch.places)
        rows = [Row._make(it) for fits, _, *it in met if fits]
        if not met or (met[-1][1] < self.share and len(met) < self.most):
            return Found(rows, None)
        end = Row._make(met[-1][2:]).place
        return Found(rows, self._complete_to(end, stretch) if self.again else end)

    def _complete_to(self, last: Position, stretch: Stretch) -> Position:
        """The last place may come once more, the one before does not. But the walk goes on."""
        before = last._replace(number=last.number + (1 if stretch.falling else -1))
        return last if before == (stretch.below if stretch.falling else stretch.above) else before


def merged(runs: Sequence[Found], stretch: Stretch) -> Found:
    """Of walks along several indexes at once; the same row may come more than once."""
    end = stretch.first(run.end for run in runs if run.end)
    met = {row.pk: row for run in runs for row in run.rows}
    rows = sorted(met.values(), key=attrgetter("started_at", "pk"), reverse=stretch.falling)
    return Found([row for row in rows if not stretch.beyond(row.place, end)] if end else rows, end)


# Statements

SHOWN = Statement(lambda: shown(by_key()))


def by_key() -> QuerySet[Verification]:
    """Of visible rows. To ask for the partner again, or for an order, would lead past the keys."""
    return Verification.objects.filter(OneOf(F("pk"), Numbers("keys"))).order_by()


def _met(order: Sequence[str], share: int) -> QuerySet:
    """Whether a row fits, the how-manieth it was, and the row: of those that fit, and the last."""
    fits, step = (RawSQL(f"walked.{name}", ()) for name in ("fits", "step"))  # noqa: S611
    key = f"{Verification._meta.db_table}.id = walked.key"
    rows = Verification.objects.order_by().extra(  # noqa: S610 - nothing here is anybody's text
        tables=["walked"], where=[key, f"(walked.fits OR walked.step = {share:d})"]
    )
    along = [re.sub(r"\w+", r"walked.\g<0>", it) for it in order]
    return shown(rows.extra(order_by=along) if along else rows, fits, step)


def shown(rows: QuerySet[Verification], *before: Any) -> QuerySet:
    tags = Tag.objects.standing().filter(verification=OuterRef("pk")).order_by()
    # Not grouped by the verification: of one without tags that counts none, not nothing.
    counted = tags.annotate(one=Value(1)).values("one").annotate(number=Count("pk"))
    tag_count = Coalesce(Subquery(counted.values("number")), 0)
    return rows.values_list(*before, *Row._fields[:-1], tag_count)


def has(rows: QuerySet) -> Q:
    """EXISTS in a form that no planner can turn round and answer from all rows at once."""
    return Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))
