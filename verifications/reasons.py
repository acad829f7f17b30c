"""Which reasons a partner is offered, and in whose words: its own, where it has some."""

from collections.abc import Sequence
from functools import cache

from django.db.models import QuerySet

from accounts.statements import Slot, Statement
from verifications.models import RejectionReason

# In no order: it comes after the choice of words.
OFFERED = Statement(lambda: RejectionReason.objects.offered_to(Slot("partner")).order_by())


def offered(partner: int) -> list[RejectionReason]:
    """One of each code, in catalogue order."""
    by_code: dict[str, RejectionReason] = {}
    for reason in OFFERED.instances(partner=partner):
        if reason.code not in by_code or reason.partner_id:
            by_code[reason.code] = reason
    return sorted(by_code.values(), key=lambda reason: (reason.order, reason.code))


def labels(partner: int, codes: Sequence[str]) -> dict[str, str]:
    """Of those codes that are known, retired ones among them."""
    if not codes:
        return {}
    asked = {_code(place): code for place, code in enumerate(codes)}
    known = _labels(len(codes)).rows(partner=partner, **asked)
    # The partner's own come last, and stay.
    return {code: label for _, code, label in sorted(known, key=lambda it: it[0] is not None)}


@cache
def _labels(codes: int) -> Statement:
    """Of so many codes, in no order: few are sorted sooner here."""

    def queryset() -> QuerySet:
        asked = [Slot(_code(place)) for place in range(codes)]
        rows = RejectionReason.objects.known_to(Slot("partner")).filter(code__in=asked)
        return rows.order_by().values_list("partner", "code", "label")

    return Statement(queryset)


def _code(place: int) -> str:
    return f"code_{place}"
