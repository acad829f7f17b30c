"""How a view finds a verification: through the memberships of the person who asks."""

from functools import cache

from django.http import Http404

from accounts import access, middleware
from accounts.statements import Slot, Statement
from verifications import vault
from verifications.models import Seat, Verification


def visible(
    request: access.MemberRequest, scan_ref: str, *, with_body: bool = False
) -> Verification:
    """Any that one of my memberships may see; the top bar switches to the one that fits.

    `with_body`: of its callback, for who shows it. Raises Http404, the same for another partner's
    as for what never existed.
    """
    partners = {_partner(n): it.partner_id for n, it in enumerate(request.memberships)}
    statement = _visible(len(partners), with_body)
    found = statement.instances(scan_ref=scan_ref, **partners) if partners else []
    rows = {row.partner_id: row for row in found}
    mine = [request.membership, *request.memberships]
    for membership in mine:
        if membership is not None and membership.partner_id in rows:
            middleware.switch(request, membership)
            return rows[membership.partner_id]
    raise Http404


@cache
def _visible(memberships: int, with_body: bool) -> Statement:
    seats = [Seat(Slot(_partner(number))) for number in range(memberships)]
    rows = Verification.objects.visible_to(*seats).filter(scan_ref=Slot("scan_ref"))
    told = ["callback__body"] * with_body
    rows = rows.select_related("partner", "decision", *told).with_loose_ends()
    return Statement(lambda: vault.with_keys(rows))


def _partner(number: int) -> str:
    return f"partner_{number}"
