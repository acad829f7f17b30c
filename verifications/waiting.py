"""Who waits for a decision: the oldest for the home page, and the way from one to the next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Membership
from accounts.statements import Numbers, OneOf, Statement
from verifications import keyset
from verifications.models import SEAT, Tag, Verification
from verifications.models.findings import wire_family

SHOWN = 10
COUNTED_TO = 100
LATE = timedelta(hours=2)


@dataclass(frozen=True)
class Waiting:
    """A verification, and by which tags, as code and family, it came to wait."""

    scan_ref: str
    name: str
    status: str
    tags: list[tuple[str, str]]
    since: timedelta

    @property
    def is_late(self) -> bool:
        return self.since >= LATE


@dataclass(frozen=True)
class Queue:
    """What waits for a decision, oldest first: how many, this one's place, the next scan ref."""

    waiting: int
    place: int
    next: str

    @property
    def counted(self) -> str:
        return f"{COUNTED_TO - 1}+" if self.waiting >= COUNTED_TO else str(self.waiting)


def _oldest() -> QuerySet[Verification]:
    return Verification.objects.visible_to(SEAT).needs_decision().order_by("started_at", "pk")


FIRST = Statement(
    lambda: _oldest().values_list(
        "pk", "scan_ref", "name", "status", Coalesce("finished_at", "started_at")
    )[:SHOWN]
)
HERE = keyset.Bounds(above=True, below=False, falling=False).stretch


def _places() -> QuerySet:
    """Of those that wait longest their keys, and whether they wait less long than one."""
    rows = _oldest().annotate(is_after=HERE.beyond_start("started_at"))
    return rows.values_list("pk", "scan_ref", "is_after")[:COUNTED_TO]


PLACES = Statement(_places)
ONWARD = Statement(lambda: HERE.of(_oldest(), "started_at").values_list("scan_ref")[:1])


def _tags() -> QuerySet:
    rows = Tag.objects.standing().filter(OneOf(F("verification_id"), Numbers("keys")))
    return rows.order_by("pk").values_list("verification_id", "code", "kind")


TAGS = Statement(_tags)


def longest(membership: Membership, now: datetime) -> list[Waiting]:
    """Who waits longest comes first; the wait begins when the applicant was done."""
    rows = FIRST.rows(partner=membership.partner_id)
    tags: dict[int, list[tuple[str, str]]] = {row[0]: [] for row in rows}
    for key, code, kind in TAGS.rows(keys=list(tags)) if rows else []:
        tags[key].append((code, wire_family(kind)))
    waiting = [
        Waiting(scan_ref, name, status, tags[key], now - since)
        for key, scan_ref, name, status, since in rows
    ]
    return sorted(waiting, key=lambda one: one.since, reverse=True)


def queue(membership: Membership, it: Verification) -> Queue:
    """Next is the one that has waited longest after this one; after the last, the first."""
    onward = keyset.Stretch(above=keyset.Position(it.started_at, it.pk), falling=False)
    asked = {"partner": membership.partner_id, **onward.places}
    rows = PLACES.rows(**asked)
    after = [ref for _, ref, is_after in rows if is_after]
    if not after and len(rows) == COUNTED_TO:
        # The queue is longer than what is counted.
        after = [ref for (ref,) in ONWARD.rows(**asked)]
    others = after or [ref for pk, ref, _ in rows if pk != it.pk]
    places = {pk: place for place, (pk, _, _) in enumerate(rows, 1)}
    return Queue(waiting=len(rows), place=places.get(it.pk, 0), next=others[0] if others else "")
