"""How questions of one shape are answered, whatever values they ask for.

A plan is made once: which indexes hold what is asked for in the list's own order, what each filter
means, and the statements, whose slots each question fills with its own values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from accounts.models import Partner
from accounts.statements import Numbers, OneOf, Slot, Statement
from verifications import search
from verifications.forms import Filters
from verifications.keyset import Bounds, Stretch
from verifications.models import SEAT, DecisionReason, Tag, Verification, begins
from verifications.statuses import Status
from verifications.walk import Page, Walk, by_key, has

# What a tab of the list chooses.
BY_TAB = frozenset({"status", "suspected"})
COLUMNS = {
    "document_type": "document_type",
    "country": "document_country",
    "platform": "platform",
    "review": "review_type",
    "decided_by": "decided_by",
}
# A constraint of the table: only a result is suspected.
SUSPICIOUS = (Status.APPROVED, Status.DENIED)

PARTNER = SEAT.partner_id
# Filters whose value is filled in; the values of others are few, and part of the shape.
FILLED = {name: Slot(name) for name in (*COLUMNS, "tag", "reason")}


def word_slot(place: int) -> Slot:
    return Slot(f"word_{place}")


class Reference(NamedTuple):
    """A column, and the how-manieth spelling of what is searched for."""

    column: str
    spelling: int

    @property
    def slot(self) -> Slot:
        return Slot(f"{self.column}_{self.spelling}")

    @property
    def condition(self) -> Q:
        if self == BEGUN:
            return Q(OneOf(F("pk"), Numbers(self.slot.name)))
        if self == BEGINNING:
            return begins(self.slot, BEYOND)
        return Q(**{self.column: self.slot})


# Whose scan refs begin alike, by their keys; of very many the beginning itself.
BEGUN, BEGINNING = Reference("pk", 0), Reference("beginning", 0)
BEYOND = Slot("beyond")
MOST_BEGUN = 50


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

    def along(self, branch: int, stretch: Stretch) -> QuerySet:
        rows = stretch.of(self.branches[branch], "started_at", self.key)
        return rows.values_list("started_at", self.key)


class Plan:
    """`asked` has a slot for each value that is filled in, and no place in the order."""

    def __init__(self, asked: Filters, references: Sequence[Reference], words: int | None) -> None:
        self.visible = Verification.objects.visible_to(SEAT)
        self.conditions = _conditions(asked, [one.condition for one in references])
        if words is not None:
            self.conditions["q"] = search.named([word_slot(place) for place in range(words)])
        self.everything = Driver([self.visible], frozenset())
        self.drivers = [*self._by_column(asked), *self._by_standing(asked), *_by_row(asked)]
        if references and BEGINNING not in references:
            found = [self._referred(one) for one in references]
            self.drivers.append(Driver(found, frozenset({"q"})))
        self.written: dict[tuple[Any, ...], Any] = {}

    def _by_column(self, asked: Filters) -> list[Driver]:
        drivers = [
            Driver([self.visible.filter(self.conditions[name])], frozenset({name}))
            for name in COLUMNS
            if name in self.conditions
        ]
        if asked.final is False:
            drivers.append(Driver([self.visible.not_final()], frozenset({"final"})))
        return drivers

    def _by_standing(self, asked: Filters) -> list[Driver]:
        if asked.suspected:
            either = [it for it in SUSPICIOUS if it in (asked.status or SUSPICIOUS)]
            rows = self.visible.under_suspicion()
            return [Driver([rows.filter(status=it) for it in either], BY_TAB)]
        each = [self.visible.filter(status=it) for it in dict.fromkeys(asked.status)]
        return [Driver(each, frozenset({"status"}))] if each else []

    def _referred(self, one: Reference) -> QuerySet[Verification]:
        """By key where it is one row: in the list's order that would be looked for along all."""
        if one == BEGUN:
            return Verification.objects.filter(one.condition)
        rows = self.visible.filter(one.condition)
        if one.column != "scan_ref":
            return rows
        return Verification.objects.filter(pk=Subquery(rows.order_by().values("pk")[:1]))

    def statement(self, query: Callable[..., QuerySet], *shape: Any) -> Statement:
        """What `query`, one of those below, gives for this shape."""
        key = query.__name__, *shape
        if key not in self.written:
            self.written[key] = Statement(lambda: query(*shape))
        return self.written[key]  # type: ignore[no-any-return]

    def run(
        self,
        bounds: Bounds,
        driver: Driver,
        branch: int,
        residual: tuple[str, ...],
        share: int,
        most: int,
    ) -> Page | Walk:
        """Along one branch: `most` rows that fit, of `share` that are looked at."""
        key = "run", bounds, driver, branch, residual, share, most
        if key not in self.written:
            along = partial(driver.along, branch)
            self.written[key] = (
                Page(partial(bounds.stretch.of, driver.branches[branch], "started_at"), most)
                if driver.is_direct and not residual
                else Walk(along, self._fits(driver, residual), bounds, share, most)
            )
        return self.written[key]  # type: ignore[no-any-return]

    def _fits(self, driver: Driver, residual: tuple[str, ...]) -> Q:
        """Whether a row of a driver fits what that leaves open."""
        conditions = [self.conditions[name] for name in residual]
        if driver.is_direct or not (conditions or driver.beside):
            return Q(*conditions)
        rows = self.visible.filter(driver.beside, *conditions, pk=OuterRef(driver.key))
        return has(rows)

    def reaches(self, bounds: Bounds, depth: int) -> QuerySet:
        """The moment to which so many rows go, of each branch of each driver."""
        steps = [
            Subquery(_step(bounds.stretch.of(rows, "started_at", driver.key), depth))
            for driver in self.drivers
            for rows in driver.branches
        ]
        return Partner.objects.filter(pk=PARTNER).values_list(*steps)

    def fitting(self, names: tuple[str, ...]) -> QuerySet:
        """Of these keys those that fit."""
        conditions = [self.conditions[name] for name in names]
        return by_key().filter(*conditions).values_list("pk")


# What people search for is not kept: only that they do.
@lru_cache(maxsize=256)
def plan(asked: Filters, references: Sequence[Reference], words: int | None) -> Plan:
    """`references` are the columns in which the searched text stands as it is; otherwise it has so
    many words, of which each stands in the name; None: nothing is searched for by name.
    """
    return Plan(asked, references, words)


# Statements that do not depend on the question


BEGINNING_ALIKE = Statement(
    lambda: (
        Verification.objects.visible_to(SEAT)
        .filter(BEGINNING.condition)
        .order_by("scan_ref")
        .values_list("pk")[: MOST_BEGUN + 1]
    )
)


@cache
def found(references: Sequence[Reference]) -> Statement:
    """One row: of each reference a key, or None where nothing visible has it."""

    def firsts() -> QuerySet:
        first = [Subquery(_having(one).values("pk")[:1]) for one in references]
        return Partner.objects.filter(pk=PARTNER).values_list(*first)

    return Statement(firsts)


def _having(one: Reference) -> QuerySet[Verification]:
    """In the order of its index: a planner without statistics takes any other one as well."""
    rows = Verification.objects.visible_to(SEAT).filter(one.condition)
    return rows.order_by() if one.column == "scan_ref" else rows.order_by("-started_at", "-pk")


def _conditions(asked: Filters, references: Sequence[Q]) -> dict[str, Q]:
    """What each filter means; dates and the position are bounds of the order."""
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
        conditions["tag"] = has(tags.filter(code=asked.tag))
    if asked.reason:
        standing = DecisionReason.objects.filter(decision=OuterRef("decision_id"))
        conditions["reason"] = has(standing.filter(code=asked.reason))
    if references:
        conditions["q"] = Q(*references, _connector=Q.OR)
    return conditions


def _by_row(asked: Filters) -> list[Driver]:
    """Rows beside a verification, which repeat its partner and its place in the order."""
    drivers = []
    if asked.tag:
        tags = Tag.objects.standing().filter(partner=PARTNER, code=asked.tag)
        drivers.append(Driver([tags], frozenset({"tag"}), "verification_id"))
    if asked.reason:
        reasons = DecisionReason.objects.filter(partner=PARTNER, code=asked.reason)
        is_standing = Q(decision=OuterRef("decision_id"))
        drivers.append(Driver([reasons], frozenset({"reason"}), "verification_id", is_standing))
    return drivers


def _step(rows: QuerySet, depth: int) -> QuerySet:
    return rows.values("started_at")[depth - 1 : depth]
