"""How a view finds a verification: through the memberships of the person who asks."""

from django.http import Http404

from accounts import access, middleware
from verifications.models import Verification


def visible(request: access.MemberRequest, scan_ref: str) -> Verification:
    """Any that one of my memberships may see; the top bar switches to the one that fits.

    Raises Http404, the same for another partner's as for what never existed.
    """
    found = Verification.objects.visible_to(*request.memberships).filter(scan_ref=scan_ref)
    found = found.select_related("partner", "decision").with_loose_ends()
    rows = {row.partner_id: row for row in found}
    mine = [request.membership, *request.memberships]
    for membership in mine:
        if membership is not None and membership.partner_id in rows:
            middleware.switch(request, membership)
            return rows[membership.partner_id]
    raise Http404
