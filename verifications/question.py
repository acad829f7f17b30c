"""A question of the list, answered along one index for a bounded number of rows.

Each filter that the list offers has an index in the list's own order (moment, number). The rarest
of those that are asked for is walked; the other filters are looked at row by row. However large
the table and however odd the question, no more is read than the figures below allow.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any

from accounts.models import Membership
from verifications import keyset, search, walk
from verifications import plan as plans
from verifications.forms import Filters
from verifications.models import next_after
from verifications.names import finding
from verifications.plan import BY_TAB, FILLED, Driver, Plan, Reference
from verifications.statuses import Standing, Status
from verifications.walk import Found, Row

# Verifications of a page.
SIZE = 50
# Rows that are read: to learn which filter is the rarest; to see whether any fit, to fill a page
# where some do, or for whoever asks to go on; to count the tabs.
PROBED = 120
GLANCED, WALKED, CONTINUED = 150, 260, 420
COUNTED = 80
# These are answered by a row of their own beside each verification.
ROW_BY_ROW = frozenset({"tag", "reason"})
# What a plan leaves to each question.
PLACES: dict[str, Any] = {
    "started_from": None,
    "started_before": None,
    "oldest_first": False,
    "after": None,
    "before": None,
}


# What does not change which filter is rare.
ANYWHERE: dict[str, Any] = {"after": None, "before": None}
SECONDS_KNOWN, MOST_KNOWN = 600, 500
lately: dict[tuple[int, Filters], tuple[float, Sequence[datetime | None]]] = {}


class Question:
    """What a member asks of the list."""

    def __init__(self, membership: Membership, filters: Filters) -> None:
        self.partner = membership.partner_id
        self.filters = filters
        self.values = {"partner": self.partner, **{it: getattr(filters, it) for it in FILLED}}
        self.references = self._references()
        self.plan = self._plan()
        self.search = finding.Search(self.partner, filters.q)
        self.looked: dict[keyset.Stretch, keyset.Walked | None] = {}
        # What the page comes to know of all that fit whatever tab is chosen: they, or how many.
        self.all: Found | None = None
        self.is_more = False

    def page(self) -> keyset.Page:
        """The verifications of the page that is asked for, or as many as were found in time."""
        turn = self._turn
        is_all = turn.stretch == self._whole and not self.plan.conditions.keys() & BY_TAB
        found = self._found(turn.stretch)
        if is_all:
            self.all = found
        shown = found.rows[:SIZE]
        is_cut = len(found.rows) > SIZE
        self.is_more |= is_cut
        return turn.made(
            shown,
            shown[0].place if shown else None,
            shown[-1].place if is_cut else found.end,
            searched_to=found.end if len(shown) < SIZE else None,
        )

    def batches(self) -> Iterator[list[Row]]:
        """All that fits, in order, by one bounded search after the other as pages do it."""
        stretch: keyset.Stretch | None = self._whole
        while stretch:
            found = self._found(stretch)
            yield found.rows
            stretch = stretch.onwards(found.end) if found.end else None
            self.looked.clear()

    def _found(self, stretch: keyset.Stretch) -> Found:
        asked = tuple(self.plan.conditions)
        named = self._named(asked, stretch)
        if named and self._suffices(named):
            return _shown(named)
        driver = self._rarest(self.plan.drivers)
        found = self._walked(driver, asked, stretch)
        # Tabs would be counted along the same way, and break off as well.
        self.is_more |= found.end is not None and driver.answers.isdisjoint(BY_TAB)
        # Both tell all that fits up to their ends: the one that came further.
        if named and named.end and found.end and stretch.beyond(named.end, found.end):
            return _shown(named)
        return found

    def _walked(self, driver: Driver, asked: Sequence[str], stretch: keyset.Stretch) -> Found:
        """A rare question breaks off soon; whoever goes on is taken further at once."""
        if stretch != self._whole:
            return self._walk(driver, asked, stretch, CONTINUED)
        found = self._walk(driver, asked, stretch, GLANCED)
        if not (found.end and 0 < len(found.rows) < SIZE):
            return found
        rest = self._walk(driver, asked, stretch.onwards(found.end), WALKED - GLANCED)
        return Found([*found.rows, *rest.rows], rest.end)

    def standings(self) -> list[Standing] | None:
        """Of all that fit, whatever tab is chosen; None: more than a page, or not known."""
        if self.is_more:
            return None
        found = self.all or self._all()
        if found.end:
            return None
        return [Standing(Status(row.status), row.suspected) for row in found.rows]

    def _all(self) -> Found:
        """As far as tabs are counted."""
        asked = tuple(name for name in self.plan.conditions if name not in BY_TAB)
        named = self._named(asked, self._whole)
        drivers = [it for it in self.plan.drivers if not it.answers & BY_TAB]
        if named and not (named.end and drivers):
            return Found([], named.end) if named.end else _shown(named)
        return self._walk(self._rarest(drivers), asked, self._whole, COUNTED)

    def _references(self) -> tuple[Reference, ...]:
        """The columns in which the searched text stands as it is, in one query."""
        known = search.references(self.filters.q, self.filters.number_hash)
        asked = {
            Reference(column, spelling): value
            for column, values in known.items()
            for spelling, value in enumerate(values)
        }
        if not asked:
            return ()
        self.values |= {one.slot.name: value for one, value in asked.items()}
        (found,) = plans.found(tuple(asked)).rows(**self.values)
        whole = (one for one, key in zip(asked, found, strict=True) if key)
        return (*whole, *self._begun())

    def _begun(self) -> list[Reference]:
        for text in search.beginnings(self.filters.q):
            places = {plans.BEGINNING.slot.name: text, plans.BEYOND.name: next_after(text)}
            keys = [key for (key,) in plans.BEGINNING_ALIKE.rows(partner=self.partner, **places)]
            if keys:
                self.values |= places | {plans.BEGUN.slot.name: keys}
                return [plans.BEGUN if len(keys) <= plans.MOST_BEGUN else plans.BEGINNING]
        return []

    def _plan(self) -> Plan:
        asked = self.filters
        slots: Any = {name: slot for name, slot in FILLED.items() if getattr(asked, name)}
        shape = replace(asked, **PLACES, **slots, q="", number_hash="", status=(*asked.status,))
        is_named = bool(asked.q) and not self.references
        words = search.folded(asked.q).split()
        self.values |= {plans.word_slot(place).name: word for place, word in enumerate(words)}
        return plans.plan(shape, self.references, len(words) if is_named else None)

    @cached_property
    def _turn(self) -> keyset.Turn:
        asked = self.filters
        return keyset.Turn(
            after=asked.after,
            before=asked.before,
            newest_first=not asked.oldest_first,
            since=asked.started_from,
            until=asked.started_before,
        )

    @cached_property
    def _whole(self) -> keyset.Stretch:
        return replace(self._turn, after=None, before=None).stretch

    def _rows(
        self, stretch: keyset.Stretch, query: Callable[..., Any], *shape: Any
    ) -> Sequence[Sequence[Any]]:
        """What a query of the plan gives along this stretch."""
        statement = self.plan.statement(query, stretch.bounds, *shape)
        return statement.rows(**self.values, **stretch.places)

    def _named(self, asked: Sequence[str], stretch: keyset.Stretch) -> keyset.Walked | None:
        """By the index of names; None: no name is asked for, or only what is very common."""
        text = self.filters.q
        if not text or self.references:
            return None
        others = tuple(name for name in asked if name != "q")
        walked = self._looked(stretch)
        if not walked or not others:
            return walked
        keys = [place.number for place in walked.found]
        rows = self.plan.statement(self.plan.fitting, others).rows(keys=keys, **self.values)
        fit = {key for (key,) in rows}
        return keyset.Walked([it for it in walked.found if it.number in fit], walked.end)

    def _looked(self, stretch: keyset.Stretch) -> keyset.Walked | None:
        """The page and its tabs often ask for the same. Where more is asked for, fewer will fit."""
        if stretch not in self.looked:
            size = COUNTED if len(self.plan.conditions) > 1 else SIZE
            self.looked[stretch] = self.search.look(stretch, size)
        return self.looked[stretch]

    def _suffices(self, named: keyset.Walked) -> bool:
        return named.end is None or len(named.found) > SIZE or not self.plan.drivers

    def _rarest(self, drivers: list[Driver]) -> Driver:
        """Whose rows reach furthest: of a rare filter a few already lie years apart."""
        if len(drivers) < 2:
            return drivers[0] if drivers else self.plan.everything
        sign = -1 if self.filters.oldest_first else 1

        def reach(driver: Driver) -> float:
            end = self._reaches[driver]
            return sign * end.timestamp() if end else -math.inf

        return min(drivers, key=reach)

    @cached_property
    def _reaches(self) -> dict[Driver, datetime | None]:
        """How far the same number of rows takes each driver; None: to its end. One query, and none
        where it was asked lately: that says only which way is short, and changes slowly.
        """
        if self.filters.q:
            # Nothing that people search for stays in memory.
            return dict(zip(self.plan.drivers, self._asked_reaches(), strict=True))
        key = self.partner, replace(self.filters, **ANYWHERE, status=(*self.filters.status,))
        at, reaches = lately.get(key, (-math.inf, ()))
        if monotonic() - at > SECONDS_KNOWN:
            reaches = self._asked_reaches()
            lately[key] = monotonic(), reaches
            for oldest in list(lately)[:-MOST_KNOWN]:
                lately.pop(oldest, None)
        return dict(zip(self.plan.drivers, reaches, strict=True))

    def _asked_reaches(self) -> list[datetime | None]:
        branches = [driver for driver in self.plan.drivers for _ in driver.branches]
        depth = PROBED // max(1, len(branches))
        (found,) = self._rows(self._whole, self.plan.reaches, depth)
        ends: dict[Driver, list[datetime]] = {driver: [] for driver in self.plan.drivers}
        for driver, moment in zip(branches, found, strict=True):
            ends[driver] += [moment] if moment else []
        # A driver comes no further than the first of its branches that breaks off.
        first = max if self._whole.falling else min
        return [first(moments, default=None) for moments in ends.values()]

    def _walk(
        self,
        driver: Driver,
        asked: Sequence[str],
        stretch: keyset.Stretch,
        looked_at: int,
    ) -> Found:
        """Each row costs as many as are read to know whether it fits."""
        residual, most = tuple(name for name in asked if name not in driver.answers), SIZE + 1
        branches = max(1, len(driver.branches))
        looks = bool(residual or driver.beside)
        cost = 1 + (looks and not driver.is_direct) + len(ROW_BY_ROW.intersection(residual))
        share = looked_at // cost // branches if looks else most
        runs = [
            self.plan.run(stretch.bounds, driver, branch, residual, share, most)
            for branch in range(len(driver.branches))
        ]
        found = [run.found(stretch, self.values) for run in runs]
        is_one = len(found) == 1 and driver.is_direct
        return found[0] if is_one else walk.merged(found, stretch)


def _shown(named: keyset.Walked) -> Found:
    """As many as make a page, and one."""
    places = named.found[: SIZE + 1]
    keys = [place.number for place in places]
    rows = {row[0]: Row._make(row) for row in walk.SHOWN.rows(keys=keys)} if keys else {}
    end = places[-1] if len(places) > SIZE else named.end
    return Found([rows[key] for key in keys if key in rows], end)
