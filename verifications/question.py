"""A question of the list, answered along one index for a bounded number of rows.

Each filter that the list offers has an index in the list's own order (moment, number). The rarest
of those that are asked for is walked; the other filters are looked at row by row. However large
the table and however odd the question, no more is read than the figures below allow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.lookups import IsNull

from accounts.models import Membership, Partner
from verifications import keyset, search
from verifications.forms import Filters
from verifications.models import DecisionReason, Tag, Verification
from verifications.names import finding
from verifications.statuses import Status

SIZE = 50
# Rows that are read: to learn which filter is the rarest, to fill a page, to count the tabs.
PROBED = 200
WALKED = 400
COUNTED = 100
# What a tab of the list chooses.
BY_TAB = frozenset({"status", "suspected"})
COLUMNS = {
    "document_type": "document_type",
    "country": "document_country",
    "platform": "platform",
    "review": "review_type",
    "decided_by": "decided_by",
}


# These are answered by a row of their own beside each verification.
ROW_BY_ROW = frozenset({"tag", "reason"})
# A constraint of the table: only a result is suspected.
SUSPICIOUS = (Status.APPROVED, Status.DENIED)


@dataclass(frozen=True, eq=False)
class Driver:
    """Rows that lie in the list's order on an index, and the filters that all of them fit."""

    branches: Sequence[QuerySet]
    answers: frozenset[str]
    # How a row names its verification, and what else that must fit.
    key: str = "pk"
    beside: Q = Q()

    @property
    def is_direct(self) -> bool:
        return self.key == "pk"


class Question:
    """What a member asks of the list."""

    def __init__(self, membership: Membership, filters: Filters) -> None:
        self.partner = membership.partner_id
        self.visible = Verification.objects.visible_to(membership)
        self.filters = filters
        self.looked: dict[tuple[keyset.Stretch, int], keyset.Walked | None] = {}
        self.references = self._references()
        self.conditions = self._conditions()
        self.drivers = self._drivers()

    def page(self) -> keyset.Page:
        """The verifications of the page that is asked for, or as many as were found in time."""
        turn = self._turn
        named = self._named(self.conditions, turn.stretch)
        if named and self._suffices(named):
            return self._made(turn, named)
        driver = self._rarest(self.drivers)
        residual = self._residual(driver, self.conditions)
        if driver.is_direct and not residual and len(driver.branches) == 1:
            return keyset.page(driver.branches[0], "started_at", turn, SIZE)
        is_exact = not residual and not driver.beside
        # The same verification may have a tag of either kind by one code.
        most = 2 * (SIZE + 1) * len(driver.branches) if is_exact else WALKED
        walked = self._walk(driver, residual, turn.stretch, most)
        return self._made(turn, self._further(turn.stretch, walked, named))

    def _made(self, turn: keyset.Turn, walked: keyset.Walked) -> keyset.Page:
        places = walked.found[:SIZE]
        is_cut = len(walked.found) > SIZE
        return turn.made(
            self._rows(places),
            places,
            places[-1] if is_cut else walked.end,
            searched_to=walked.end if len(places) < SIZE else None,
        )

    def beside_tabs(self) -> QuerySet[Verification] | None:
        """Whatever tab is chosen: all that fit; None: too many to look at."""
        conditions = {name: it for name, it in self.conditions.items() if name not in BY_TAB}
        walked = self._named(conditions, self._whole)
        if not walked or walked.end:
            driver = self._rarest([it for it in self.drivers if not it.answers & BY_TAB])
            residual = self._residual(driver, conditions)
            walked = self._walk(driver, residual, self._whole, COUNTED)
        return None if walked.end else _by_key([place.number for place in walked.found])

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

    @property
    def _whole(self) -> keyset.Stretch:
        return replace(self._turn, after=None, before=None).stretch

    def _references(self) -> list[Q]:
        """The columns in which the searched text stands as it is, in one query."""
        known = search.references(self.filters.q, self.filters.number_hash)
        conditions = [Q(**{column: value}) for column, values in known.items() for value in values]
        first = {
            f"first_{place}": Subquery(self.visible.filter(one).order_by().values("pk")[:1])
            for place, one in enumerate(conditions)
        }
        if not first:
            return []
        (found,) = Partner.objects.filter(pk=self.partner).values_list(*first.values())
        return [one for one, pk in zip(conditions, found, strict=True) if pk]

    def _conditions(self) -> dict[str, Q]:
        """What each filter means; dates and the position are bounds of the order."""
        asked = self.filters
        conditions = {
            name: Q(**{column: getattr(asked, name)})
            for name, column in COLUMNS.items()
            if getattr(asked, name)
        }
        if asked.status:
            conditions["status"] = Q(status__in=asked.status)
        if asked.suspected is not None:
            conditions["suspected"] = Q(suspected=asked.suspected)
        if asked.final is not None:
            conditions["final"] = Q(is_final=asked.final)
        if asked.tag:
            tags = Tag.objects.standing().filter(verification=OuterRef("pk"))
            conditions["tag"] = _has(tags.filter(code=asked.tag))
        if asked.reason:
            standing = DecisionReason.objects.filter(decision=OuterRef("decision_id"))
            conditions["reason"] = _has(standing.filter(code=asked.reason))
        if asked.q:
            named = search.named(asked.q)
            conditions["q"] = Q(*self.references, _connector=Q.OR) if self.references else named
        return conditions

    def _drivers(self) -> list[Driver]:
        asked = self.filters
        drivers = [
            Driver([self.visible.filter(self.conditions[name])], frozenset({name}))
            for name in COLUMNS
            if name in self.conditions
        ]
        if asked.final is False:
            drivers.append(Driver([self.visible.filter(is_final=False)], frozenset({"final"})))
        if asked.suspected:
            either = [it for it in SUSPICIOUS if it in (asked.status or SUSPICIOUS)]
            rows = self.visible.filter(suspected=True)
            drivers.append(Driver([rows.filter(status=it) for it in either], BY_TAB))
        elif asked.status:
            each = [self.visible.filter(status=it) for it in dict.fromkeys(asked.status)]
            drivers.append(Driver(each, frozenset({"status"})))
        if asked.tag:
            tags = Tag.objects.standing().filter(partner=self.partner, code=asked.tag)
            drivers.append(Driver([tags], frozenset({"tag"}), "verification_id"))
        if asked.reason:
            reasons = DecisionReason.objects.filter(partner=self.partner, code=asked.reason)
            is_standing = Q(decision=OuterRef("decision_id"))
            drivers.append(Driver([reasons], frozenset({"reason"}), "verification_id", is_standing))
        if self.references:
            found = [self.visible.filter(one) for one in self.references]
            drivers.append(Driver(found, frozenset({"q"})))
        return drivers

    def _named(self, conditions: dict[str, Q], stretch: keyset.Stretch) -> keyset.Walked | None:
        """By the index of names; None: no name is asked for, or only what is very common."""
        text = self.filters.q
        if not text or self.references:
            return None
        is_exact = conditions.keys() == {"q"} and finding.is_exact(text)
        walked = self._looked(stretch, COUNTED + 1 if is_exact else WALKED)
        if not walked or is_exact:
            return walked
        fitting = _by_key([place.number for place in walked.found]).filter(*conditions.values())
        fit = set(fitting.values_list("pk", flat=True))
        return keyset.Walked([it for it in walked.found if it.number in fit], walked.end)

    def _looked(self, stretch: keyset.Stretch, size: int) -> keyset.Walked | None:
        """The page and its tabs often ask for the same."""
        asked = stretch, size
        if asked not in self.looked:
            self.looked[asked] = finding.look(self.partner, self.filters.q, stretch, size)
        return self.looked[asked]

    def _suffices(self, named: keyset.Walked) -> bool:
        return named.end is None or len(named.found) > SIZE or not self.drivers

    def _further(
        self, stretch: keyset.Stretch, walked: keyset.Walked, named: keyset.Walked | None
    ) -> keyset.Walked:
        """Both tell all that fits up to their ends: the one that came further."""
        if named and named.end and walked.end and stretch.beyond(named.end, walked.end):
            return named
        return walked

    def _rarest(self, drivers: list[Driver]) -> Driver:
        """Whose rows reach furthest: of a rare filter a few already lie years apart."""
        if len(drivers) < 2:
            return drivers[0] if drivers else Driver([self.visible], frozenset())
        sign = -1 if self.filters.oldest_first else 1

        def reach(driver: Driver) -> float:
            end = self._reaches[driver]
            return sign * end.timestamp() if end else -math.inf

        return min(drivers, key=reach)

    @cached_property
    def _reaches(self) -> dict[Driver, datetime | None]:
        """How far the same number of rows takes each driver; None: to its end. One query."""
        stretch = self._whole
        depth = PROBED // max(1, sum(len(driver.branches) for driver in self.drivers))
        steps = [
            (driver, Subquery(_step(stretch.of(rows, "started_at", driver.key), depth)))
            for driver in self.drivers
            for rows in driver.branches
        ]
        (found,) = Partner.objects.filter(pk=self.partner).values_list(*(it for _, it in steps))
        ends: dict[Driver, list[datetime]] = {driver: [] for driver in self.drivers}
        for (driver, _), moment in zip(steps, found, strict=True):
            ends[driver] += [moment] if moment else []
        # A driver comes no further than the first of its branches that breaks off.
        first = max if stretch.falling else min
        return {driver: first(moments, default=None) for driver, moments in ends.items()}

    def _residual(self, driver: Driver, conditions: dict[str, Q]) -> dict[str, Q]:
        return {name: it for name, it in conditions.items() if name not in driver.answers}

    def _walk(
        self, driver: Driver, residual: dict[str, Q], stretch: keyset.Stretch, most: int
    ) -> keyset.Walked:
        """Each row costs as many as are read to know whether it fits."""
        looks = bool(residual or driver.beside) and not driver.is_direct
        cost = 1 + looks + len(ROW_BY_ROW & residual.keys())
        fits: Any = Value(True)
        if looks:
            fitting = self.visible.filter(
                driver.beside, *residual.values(), pk=OuterRef("verification_id")
            )
            fits = Subquery(fitting.order_by().values("pk")[:1])
        elif residual:
            fits = Q(*residual.values())
        branches = [rows.annotate(fits=fits) for rows in driver.branches]
        return keyset.walk(branches, "started_at", driver.key, stretch, most // cost)

    def _rows(self, places: list[keyset.Position]) -> list[Verification]:
        keys = [place.number for place in places]
        found = {row.pk: row for row in _by_key(keys)}
        return [found[key] for key in keys if key in found]


def _by_key(keys: list[int]) -> QuerySet[Verification]:
    """Of visible rows. To ask for the partner again, or for an order, would lead past the keys."""
    return Verification.objects.filter(pk__in=keys).order_by()


def _has(rows: QuerySet) -> Q:
    """EXISTS in a form that no planner can turn round and answer from all rows at once."""
    return Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))


def _step(rows: QuerySet, depth: int) -> QuerySet:
    return rows.values("started_at")[depth - 1 : depth]
