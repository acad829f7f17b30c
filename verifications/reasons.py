"""Which reasons a partner is offered, and in whose words."""

from accounts.statements import Slot, Statement
from verifications.models import RejectionReason

# In no order: it comes after the choice of words.
OFFERED = Statement(lambda: RejectionReason.objects.offered_to(Slot("partner")).order_by())


def offered(partner: int) -> list[RejectionReason]:
    """The partner's own wording of a code stands before the global one. In catalogue order."""
    by_code: dict[str, RejectionReason] = {}
    for reason in OFFERED.instances(partner=partner):
        if reason.code not in by_code or reason.partner_id:
            by_code[reason.code] = reason
    return sorted(by_code.values(), key=lambda reason: (reason.order, reason.code))
