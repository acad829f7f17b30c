"""What was disposed of, as a page; and what a disposal would erase."""

from dataclasses import dataclass

from django.db.models import Q
from django.http import QueryDict

from accounts import memberships
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
    # Where the search broke off before the page was full, and where it goes on from there.
    searched_to: keyset.Position | None
    further: keyset.Position | None
    searched_back: bool
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
    people = memberships.people(membership.partner)
    mine = Verification.objects.filter(partner=membership.partner_id)
    form = AuditFilterForm(query, kinds=DisposalKind.choices, people=people, called=mine.called)
    if not form.is_valid():
        return Disposed(form, [], None, None, None, None, False, is_filtered=True)
    asked = form.cleaned_data
    page = _page(membership, form)
    back = bool(asked["before"])
    newer, older, further = page.links(back=back)
    return Disposed(
        form=form,
        lines=[Line(row, Standing(Status(row.status), row.suspected)) for row in page.rows],
        newer=newer,
        older=older,
        searched_to=page.searched_to,
        further=further,
        searched_back=not back,
        is_filtered=any(asked.values()),
    )


def _page(membership: Membership, form: AuditFilterForm) -> keyset.Page:
    partner, asked = membership.partner_id, form.cleaned_data
    branches, fits = [Disposal.objects.filter(partner=partner)], Q()
    if asked["scan_ref"]:
        keys = [key for key, _ in asked["scan_ref"].found]
        branches = [it.filter(verification=key) for it in branches for key in keys or [0]]
    if asked["kind"]:
        fits &= Q(kind=asked["kind"])
    fits &= form.by("actor")
    shown = Disposal.objects.select_related("actor", "verification")
    return keyset.sought(shown, branches, fits, "disposed_at", form.turn)


def loss(verification: Verification) -> Loss:
    deliveries = verification.deliveries.all()
    return Loss(
        photos=verification.photos.count(),
        notes=verification.notes.count(),
        bodies=verification.callbacks.count() + deliveries.count(),
        unsent=deliveries.filter(state=DeliveryState.WAITING).count(),
    )
