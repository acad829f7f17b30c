"""Pages by position: from a row onwards, not by number. Knows no model.

A position is readable text: the row's moment in microseconds and its number (or the UUID that it
has instead), 1790000000000000-42.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleLessThan,
)

EPOCH = datetime.fromtimestamp(0, UTC)
FORMS: dict[type, re.Pattern[str]] = {
    int: re.compile(r"([0-9]{1,18})-([0-9]{1,18})"),
    UUID: re.compile(r"([0-9]{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
}


class BadPosition(ValueError):
    """Text that is no position."""


@dataclass(frozen=True)
class Position:
    moment: datetime
    number: int | UUID

    def __str__(self) -> str:
        return f"{(self.moment - EPOCH) // timedelta(microseconds=1)}-{self.number}"


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    newer: Position | None
    older: Position | None


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


def page(
    rows: QuerySet,
    moment: str,
    *,
    after: Position | None = None,
    before: Position | None = None,
    newest_first: bool = True,
    size: int = 50,
) -> Page:
    """One page of `rows` by (moment, pk): the next `size` after a position, or those before it.

    One row more than is shown is read, to know whether there is another page that way.
    """
    falling = newest_first == (before is None)
    start = after or before
    if start is not None:
        lookup = TupleLessThan if falling else TupleGreaterThan
        rows = rows.filter(lookup(Tuple(moment, "pk"), (start.moment, start.number)))
    sign = "-" if falling else ""
    found = list(rows.order_by(f"{sign}{moment}", f"{sign}pk")[: size + 1])
    has_more, found = len(found) > size, found[:size]
    if before is not None:
        found.reverse()
    return _page(found, moment, has_more=has_more, after=after, before=before)


def _page(
    found: list[Any],
    moment: str,
    *,
    has_more: bool,
    after: Position | None,
    before: Position | None,
) -> Page:
    def position(row: Any) -> Position:
        return Position(getattr(row, moment), row.pk)

    if not found:
        return Page([], None, None)
    has_newer = has_more if before is not None else after is not None
    has_older = True if before is not None else has_more
    return Page(
        found,
        position(found[0]) if has_newer else None,
        position(found[-1]) if has_older else None,
    )
