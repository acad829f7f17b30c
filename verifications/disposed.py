"""What was disposed of, as a page; and what a disposal would erase."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Membership
from verifications import keyset
from verifications.audit_forms import AuditFilterForm
from verifications.models import DeliveryState, Disposal, DisposalKind, Verification
from verifications.statuses import Standing, Status


@dataclass(frozen=True)
class Line:
    disposal: Disposal
    standing: Standing


@dataclass(frozen=True)
class Disposed:
    form: AuditFilterForm
    lines: list[Line]
    newer: keyset.Position | None
    older: keyset.Position | None
    is_filtered: bool


@dataclass(frozen=True)
class Loss:
    """How much of each kind would be erased; `unsent` waits for endpoints that are off."""

    photos: int
    notes: int
    bodies: int
    unsent: int


def build(membership: Membership, query: QueryDict) -> Disposed:
    """A question that cannot be understood gives no rows and the form that says why."""
    form = AuditFilterForm(query, kinds=DisposalKind.choices, people=_people(membership))
    if not form.is_valid():
        return Disposed(form, [], None, None, is_filtered=True)
    asked = form.cleaned_data
    rows = _matching(membership, asked).select_related("actor", "verification")
    page = keyset.page(rows, "disposed_at", _turn(asked))
    lines = [Line(row, Standing(Status(row.status), row.suspected)) for row in page.rows]
    return Disposed(form, lines, page.newer, page.older, is_filtered=any(asked.values()))


def _people(membership: Membership) -> list[tuple[str, str]]:
    members = membership.partner.memberships.select_related("user").order_by("user__name")
    return [(str(one.user_id), str(one.user)) for one in members]


def _matching(membership: Membership, asked: dict[str, Any]) -> QuerySet[Disposal]:
    rows = Disposal.objects.filter(partner=membership.partner_id)
    if asked["kind"]:
        rows = rows.filter(kind=asked["kind"])
    if asked["who"]:
        rows = rows.filter(actor=int(asked["who"]))
    if asked["scan_ref"]:
        rows = rows.filter(verification__scan_ref=asked["scan_ref"])
    return rows


def _turn(asked: dict[str, Any]) -> keyset.Turn:
    start, end = asked["from_"], asked["to"]
    return keyset.Turn(
        after=asked["after"],
        before=asked["before"],
        since=_midnight(start) if start else None,
        until=_midnight(end + timedelta(days=1)) if end else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def loss(verification: Verification) -> Loss:
    deliveries = verification.deliveries.all()
    return Loss(
        photos=verification.photos.count(),
        notes=verification.notes.count(),
        bodies=verification.callbacks.count() + deliveries.count(),
        unsent=deliveries.filter(state=DeliveryState.WAITING).count(),
    )
