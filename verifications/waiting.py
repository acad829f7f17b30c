"""Who waits for a decision: the oldest for the home page, and the way from one to the next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Membership
from accounts.statements import Numbers, OneOf, Statement
from verifications import keyset
from verifications.models import SEAT, Tag, Verification

SHOWN = 10
COUNTED_TO = 100
LATE = timedelta(hours=2)


@dataclass(frozen=True)
class Waiting:
    verification: Verification
    tags: list[Tag]
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


FIRST = Statement(lambda: _oldest()[:SHOWN])
PLACES = Statement(lambda: _oldest().values_list("started_at", "pk", "scan_ref")[:COUNTED_TO])
ONWARD = Statement(
    lambda: (
        keyset.Bounds(above=True, below=False, falling=False)
        .stretch.of(_oldest(), "started_at")
        .values_list("scan_ref")[:1]
    )
)
TAGS = Statement(
    lambda: Tag.objects.standing().filter(OneOf(F("verification_id"), Numbers("keys")))
)


def longest(membership: Membership, now: datetime) -> list[Waiting]:
    """Who waits longest comes first; the wait begins when the applicant was done."""
    rows = FIRST.instances(partner=membership.partner_id)
    tags: dict[int, list[Tag]] = {row.pk: [] for row in rows}
    for tag in TAGS.instances(keys=list(tags)) if rows else []:
        tags[tag.verification_id].append(tag)
    waiting = [
        Waiting(row, tags[row.pk], now - (row.finished_at or row.started_at)) for row in rows
    ]
    return sorted(waiting, key=lambda one: one.since, reverse=True)


def queue(membership: Membership, it: Verification) -> Queue:
    """Next is the one that has waited longest after this one; after the last, the first."""
    rows = PLACES.rows(partner=membership.partner_id)
    here = (it.started_at, it.pk)
    after = [ref for at, pk, ref in rows if (at, pk) > here] or _beyond(membership, rows, here)
    others = after or [ref for _, pk, ref in rows if pk != it.pk]
    places = {pk: place for place, (_, pk, _) in enumerate(rows, 1)}
    return Queue(waiting=len(rows), place=places.get(it.pk, 0), next=others[0] if others else "")


def _beyond(membership: Membership, rows: list[Any], here: tuple[datetime, int]) -> list[str]:
    """The first after this place, where the queue is longer than what is counted."""
    if len(rows) < COUNTED_TO:
        return []
    onward = keyset.Stretch(above=keyset.Position(*here), falling=False)
    return [ref for (ref,) in ONWARD.rows(partner=membership.partner_id, **onward.places)]
