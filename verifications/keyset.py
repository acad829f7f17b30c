"""Pages by position: from a row onwards, not by number. Knows no model.

A position is readable text: the row's moment in microseconds and its number (or the UUID that it
has instead), 1790000000000000-42.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import DateTimeField, Q, QuerySet, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.lookups import GreaterThan, LessThan

from accounts.statements import Slot

# Rows that one page of a search looks at.
LOOKED_AT = 400
EPOCH = datetime.fromtimestamp(0, UTC)
FORMS: dict[type, re.Pattern[str]] = {
    int: re.compile(r"([0-9]{1,18})-([0-9]{1,18})"),
    UUID: re.compile(r"([0-9]{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
}


class BadPosition(ValueError):
    """Text that is no position."""


class Position(NamedTuple):
    moment: datetime
    # An integer, or the UUID that the row has instead.
    number: Any

    def __str__(self) -> str:
        return f"{(self.moment - EPOCH) // timedelta(microseconds=1)}-{self.number}"


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    newer: Position | None
    older: Position | None
    # Where a search broke off before the page was full; the page that way goes on from there.
    searched_to: Position | None = None

    def links(self, *, back: bool) -> "tuple[Position | None, Position | None, Position | None]":
        """To the newer and the older page, and to where a search that broke off goes on.

        `back`: this page was asked for from the page after it.
        """
        if self.searched_to is None:
            return self.newer, self.older, None
        return (None, self.older, self.newer) if back else (self.newer, None, self.older)


def read(text: str, key: type[int] | type[UUID] = int) -> Position:
    """Raises BadPosition."""
    match = FORMS[key].fullmatch(text)
    if not match:
        raise BadPosition(text)
    try:
        moment = EPOCH + timedelta(microseconds=int(match[1]))
    except OverflowError:
        raise BadPosition(text) from None
    return Position(moment, key(match[2]))


class Above(TupleGreaterThan):
    """SQLite too compares rows along an index. Django takes them apart there, into an OR that
    reads everything before the position. Of a table's own key it knows the moment only, and passes
    by what ties with the position."""

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        return GreaterThan.as_sql(self, compiler, connection)


class Below(TupleLessThan):
    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        return LessThan.as_sql(self, compiler, connection)


@dataclass(frozen=True)
class Stretch:
    """A part of the order by (moment, key), and the way along it.

    At most one bound on each side: of two, PostgreSQL may begin at the wider one.
    """

    above: Position | None = None
    below: Position | None = None
    falling: bool = True

    def beyond_start(self, moment: str, key: str = "pk") -> "Above":
        """Whether a row lies above the lower bound, for a stretch that has one."""
        assert self.above  # noqa: S101
        return Above(Tuple(moment, key), (self.above.moment, self.above.number))

    def of(self, rows: QuerySet, moment: str, key: str = "pk") -> QuerySet:
        place = Tuple(moment, key)
        if self.above:
            rows = rows.filter(self.beyond_start(moment, key))
        if self.below:
            rows = rows.filter(Below(place, (self.below.moment, self.below.number)))
        sign = "-" if self.falling else ""
        return rows.order_by(f"{sign}{moment}", f"{sign}{key}")

    def onwards(self, place: Position) -> "Stretch":
        """What lies beyond this place of it."""
        return replace(self, below=place) if self.falling else replace(self, above=place)

    def up_to(self, place: Position) -> "Stretch":
        """What lies before this place of it."""
        return replace(self, above=place) if self.falling else replace(self, below=place)

    def first(self, positions: Iterable[Position]) -> Position | None:
        """Of these, the one that is met first on the way."""
        return (max if self.falling else min)(positions, default=None)

    def beyond(self, place: Position, end: Position | None) -> bool:
        if end is None:
            return False
        return place < end if self.falling else place > end

    @property
    def bounds(self) -> "Bounds":
        return Bounds(bool(self.above), bool(self.below), self.falling)

    @property
    def places(self) -> dict[str, Any]:
        """What fills the slots of its bounds."""
        ends = {"above": self.above, "below": self.below}
        known = {name: place for name, place in ends.items() if place}
        moments = {f"{name}_at": place.moment for name, place in known.items()}
        return moments | {f"{name}_number": place.number for name, place in known.items()}


class Bounds(NamedTuple):
    """A stretch without its places: what a statement is written for."""

    above: bool
    below: bool
    falling: bool

    @property
    def stretch(self) -> Stretch:
        above, below = ABOVE if self.above else None, BELOW if self.below else None
        return Stretch(above, below, self.falling)


def _slots(name: str) -> Position:
    moment: Any = Slot(f"{name}_at", DateTimeField())
    return Position(moment, Slot(f"{name}_number"))


ABOVE, BELOW = _slots("above"), _slots("below")


def midnights(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Since when and until when rows are of these days, the last one included, in UTC."""
    return (
        datetime.combine(first, time.min, UTC) if first else None,
        datetime.combine(last + timedelta(days=1), time.min, UTC) if last else None,
    )


@dataclass(frozen=True)
class Turn:
    """Which page is asked for: the first, the one after a position or the one before it."""

    after: Position | None = None
    before: Position | None = None
    newest_first: bool = True
    # From this moment on, and before that one: of rows that are numbered.
    since: datetime | None = None
    until: datetime | None = None

    @property
    def stretch(self) -> Stretch:
        # Rows are numbered from 1: number 0 stands before all of its moment.
        above = Position(self.since, 0) if self.since else None
        below = Position(self.until, 0) if self.until else None
        falling = self.newest_first == (self.before is None)
        start = self.after or self.before
        if falling:
            below = min(filter(None, (below, start)), default=None)
        else:
            above = max(filter(None, (above, start)), default=None)
        return Stretch(above, below, falling)

    def made(
        self, rows: list[Any], first: Position | None, further: Position | None, **more: Any
    ) -> Page:
        """Of rows in the order of the stretch, of which one is the first; the next page that way
        begins at `further`.
        """
        if self.before is not None:
            return Page(rows[::-1], further, first, **more)
        return Page(rows, first if self.after is not None else None, further, **more)


def page(rows: QuerySet, moment: str, turn: Turn, size: int = 50) -> Page:
    """One page of `rows` by (moment, pk): the next `size` after a position, or those before it.

    One row more than is shown is read, to know whether there is another page that way.
    """
    found = list(turn.stretch.of(rows, moment)[: size + 1])
    shown = found[:size]
    ends = [Position(getattr(row, moment), row.pk) for row in (*shown[:1], *shown[-1:])]
    first, last = ends or (None, None)
    return turn.made(shown, first, last if len(found) > size else None)


# In the order of the walk: a row's moment, its number, and whether it fits.
Run = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Walked:
    """What fits, in the order of the walk, and where it broke off; None: it came to the end."""

    found: list[Position]
    end: Position | None


def merged(runs: Sequence[Run], stretch: Stretch, share: int) -> Walked:
    """Of walks along several indexes at once, each of at most `share` rows.

    The same place may come more than once.
    """
    # A run that broke off knows nothing of what lies beyond: there the walk ends.
    end = stretch.first(_complete_to(run) for run in runs if len(run) == share)
    fitting = {Position(at, number) for run in runs for at, number, fits in run if fits}
    found = sorted(fitting, reverse=stretch.falling)
    return Walked([place for place in found if not stretch.beyond(place, end)], end)


def _complete_to(run: Run) -> Position:
    """Of a run that broke off: its last place may come once more, the one before does not."""
    last = run[-1][:2]
    return Position(*next((row[:2] for row in reversed(run) if row[:2] != last), last))


def sought(
    rows: QuerySet, branches: Sequence[QuerySet], fits: Q, moment: str, turn: Turn, size: int = 50
) -> Page:
    """One page of those of `branches` that fit, with no more than LOOKED_AT looked at.

    Each branch lies along an index by (moment, pk). Where the search breaks off before the page is
    full, the page says up to where it went. `rows` brings what is shown.
    """
    stretch, share = turn.stretch, LOOKED_AT // len(branches)
    test = fits if fits else Value(True)
    runs = [
        list(stretch.of(it.annotate(fits=test), moment).values_list(moment, "pk", "fits")[:share])
        for it in branches
    ]
    walked = merged(runs, stretch, share)
    places = walked.found[:size]
    found = rows.order_by().in_bulk([place.number for place in places])
    further = places[-1] if len(walked.found) > size else walked.end
    shown = [found[place.number] for place in places if place.number in found]
    first = places[0] if places else None
    return turn.made(shown, first, further, searched_to=walked.end if len(places) < size else None)
