"""Where a text may be found among names: keys in the order of a list, from a position onwards.

A fragment is a range of suffixes. That gives words, and words give their uses, which are read in
windows of time that widen from the position. So the cost is that of the words, whatever their
frequency. What is found may still lack a word of the text: whoever asks tests it again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.sql.compiler import SQLCompiler

from verifications.keyset import Position
from verifications.models import NameSuffix, NameUse, Verification
from verifications.search import LONGEST_SUFFIX, folded

# A fragment of more words than this is so common that walking the list finds a page soonest.
MOST_WORDS = 2000
# The longest words of a text that are looked for here; the rest is left to the test.
MOST_FRAGMENTS = 4
# Uses that are read and sorted without looking at their time.
FEW = 500
# Verifications in the first window; how much wider the next one is; the narrowest there is.
FIRST_WINDOW, WIDER, NARROWEST = 1000, 8, timedelta(minutes=1)
# Uses of two words together that one answer looks through for those that hold both.
BUDGET = 10_000
HIGHEST_KEY = 10**18 - 1


class OneOf(Lookup):
    """IN by a single parameter: a thousand of them cost Django ten times what they cost to run."""

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s::bigint[])", [*params, self.rhs]
        among = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608
        return among, [*params, json.dumps(self.rhs)]


@dataclass(frozen=True)
class Stretch:
    """Keys in order, and how far was searched: `end` is None where nothing lies beyond."""

    keys: list[Position]
    end: Position | None


@dataclass(frozen=True)
class Way:
    """Through a partner's verifications towards older or newer ones, from a position onwards."""

    partner: int
    start: Position | None
    falling: bool

    def along(self, rows: QuerySet[Any], key: str) -> QuerySet[Any]:
        """Those of the rows that lie on the way, as (started_at, key), in its order."""
        sign = "-" if self.falling else ""
        rows = rows.order_by(f"{sign}started_at", f"{sign}{key}").values_list("started_at", key)
        if self.start is None:
            return rows
        beyond = TupleLessThan if self.falling else TupleGreaterThan
        at = self.start.moment, self.start.number
        # The plain bound is implied; it is there for the index.
        bound = {f"started_at__{'lte' if self.falling else 'gte'}": self.start.moment}
        return rows.filter(beyond(Tuple("started_at", key), at), **bound)

    def uses(self, words: list[int], edge: datetime | None = None) -> QuerySet[Any]:
        uses = self.along(NameUse.objects.filter(OneOf(F("word_id"), words)), "verification")
        if edge is None:
            return uses
        return uses.filter(**{f"started_at__{'gte' if self.falling else 'lte'}": edge})

    def count(self, words: list[int], most: int, edge: datetime | None = None) -> int:
        """Up to one more than `most`."""
        # By word: that is the order of the index, and keeps a planner from reading whole tables.
        return self.uses(words, edge).order_by("word")[: most + 1].count()

    def edges(self) -> Iterator[datetime | None]:
        """Ends of windows, each wider than the one before; the last one is open."""
        of_partner = Verification.objects.filter(partner=self.partner)
        moments = self.along(of_partner, "pk").values_list("started_at", flat=True)
        first = self.start.moment if self.start else moments.first()
        near = list(moments[FIRST_WINDOW : FIRST_WINDOW + 1])
        if first is not None and near:
            width = max(abs(first - near[0]), NARROWEST)
            yield self._from(first, width)
            last = moments.last()
            while last is not None and (width := width * WIDER) < abs(first - last):
                yield self._from(first, width)
        yield None

    def _from(self, first: datetime, width: timedelta) -> datetime:
        return first - width if self.falling else first + width

    def at(self, edge: datetime) -> Position:
        """All that began by then was passed."""
        return Position(edge, 0 if self.falling else HIGHEST_KEY)


def look(
    partner: int, text: str, start: Position | None = None, *, falling: bool = True, size: int = 50
) -> Stretch | None:
    """Up to `size` keys; None: every word is too common to be looked for here."""
    way = Way(partner, start, falling)
    fragments = sorted(set(folded(text).split()), key=len, reverse=True)[:MOST_FRAGMENTS]
    found = [_words(partner, fragment) for fragment in fragments]
    if not found or [] in found:
        return Stretch([], None)
    rare = [words for words in found if words]
    if not rare:
        return None
    counts = [way.count(words, FEW) for words in rare]
    if min(counts) <= FEW:
        return _within(way, [rare[counts.index(min(counts))]], None, size)
    return _in_windows(way, rare, size)


def _words(partner: int, fragment: str) -> list[int] | None:
    """The words that hold it; None: more than can be looked for one by one."""
    start = fragment.encode()[:LONGEST_SUFFIX]
    # No byte of UTF-8 is as high as the end of the range.
    suffixes = NameSuffix.objects.filter(partner=partner, suffix__gte=start)
    suffixes = suffixes.filter(suffix__lt=start + b"\xff")
    ids = list(suffixes.values_list("word", flat=True)[: MOST_WORDS + 1])
    return sorted(set(ids)) if len(ids) <= MOST_WORDS else None


def _in_windows(way: Way, rare: list[list[int]], size: int) -> Stretch:
    """Of several words the two rarest are looked for together, as far as that is cheap."""
    stretch = Stretch([], None)
    for place, edge in enumerate(way.edges()):
        if len(rare) > 1:
            counted = sorted((way.count(words, BUDGET, edge), words) for words in rare)[:2]
            if place and sum(count for count, _ in counted) > BUDGET:
                break
            rare = [words for _, words in counted]
        stretch = _within(way, rare, edge, size)
        if len(stretch.keys) == size:
            break
    return stretch


def _within(way: Way, rare: list[list[int]], edge: datetime | None, size: int) -> Stretch:
    """The uses of the first words that are, in the same window, uses of the others too."""
    first, *others = (way.uses(words, edge) for words in rare)
    for other in others:
        first = first.filter(verification__in=other.values("verification"))
    keys = [Position(*use) for use in first.distinct()[: size + 1]]
    if len(keys) > size:
        return Stretch(keys[:size], keys[size - 1])
    return Stretch(keys, way.at(edge) if edge else None)
