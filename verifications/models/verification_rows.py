"""Which verifications a question is about."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.db import models
from django.db.models import BooleanField, Exists, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, Now

from accounts.audit import START
from accounts.models import AuditHead, Membership, Partner
from accounts.statements import Slot
from verifications import search
from verifications.statuses import Status

if TYPE_CHECKING:
    from verifications.models.verification import Verification  # noqa: F401

# Of the audit log, before its number.
STREAM = "v/"
ENDED_AT = Coalesce("finished_at", "started_at")


class Seat(NamedTuple):
    """A membership, as far as it matters to what is visible from it."""

    partner_id: Any


# That of a statement which is written once, for any partner.
SEAT = Seat(Slot("partner"))


def begins(beginning: Any, beyond: Any) -> Q:
    """On either engine the column lies sign by sign, whatever the collation of the database."""
    return Q(scan_ref__gte=beginning, scan_ref__lt=beyond)


def next_after(beginning: str) -> str:
    """The first text that begins otherwise."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


class VerificationQuerySet(models.QuerySet["Verification"]):
    def visible_to(self, *memberships: Membership | Seat) -> "VerificationQuerySet":
        """The query half of the policy: what is not in here does not exist for these people."""
        theirs = [Q(partner=membership.partner_id) for membership in memberships]
        # Of nobody nothing: no condition at all would be everything.
        return self.filter(Q(*theirs, _connector=Q.OR) if theirs else Q(pk=None), disposed_at=None)

    def called(self, text: str) -> "VerificationQuerySet":
        """Of one partner those with this scan ref, or one that begins so."""
        begun = [begins(it, next_after(it)) for it in search.beginnings(text)]
        named = Q(*begun, _connector=Q.OR) if begun else Q(scan_ref=text)
        return self.filter(named).order_by("scan_ref")

    def with_loose_ends(self) -> "VerificationQuerySet":
        """Brings along what stands in the way of its disposal."""
        holds = apps.get_model("verifications", "Hold").objects.standing()
        going = apps.get_model("verifications", "WebhookDelivery").objects.going_out()
        going = going.filter(verification=OuterRef("pk")).order_by("-due_at")
        tried_at = Coalesce("claimed_until", "due_at")
        return self.annotate(  # type: ignore[no-redef]
            now=Now(),
            held_since=Subquery(holds.filter(verification=OuterRef("pk")).values("placed_at")[:1]),
            telling_until=Subquery(going.annotate(tried_at=tried_at).values("tried_at")[:1]),
        )

    def with_last_link(self) -> "VerificationQuerySet":
        """Brings along where its stream of the audit log stands."""
        stream = Concat(Value(STREAM), Cast(OuterRef("pk"), models.CharField()))
        head = AuditHead.objects.filter(stream=stream)
        return self.annotate(  # type: ignore[no-redef]
            last_seq=Coalesce(Subquery(head.values("seq")), START.seq),
            last_digest=Coalesce(Subquery(head.values("digest")), Value(START.digest)),
        )

    def overdue(self, partner: Partner, now: datetime) -> "VerificationQuerySet":
        """What the partner has kept long enough: from its end, or its start where none was told."""
        holds = apps.get_model("verifications", "Hold").objects.standing()
        kept_since = now - timedelta(days=partner.retention_days)
        rows = self.alias(ended_at=ENDED_AT).filter(ended_at__lt=kept_since, disposed_at=None)
        return rows.filter(~Exists(holds.filter(verification=OuterRef("pk"))), partner=partner)

    def under_suspicion(self) -> "VerificationQuerySet":
        """Said twice: once for the condition of the small index, once for its column."""
        return self.filter(suspected=True).filter(suspected=_unforeseen(True))

    def not_final(self) -> "VerificationQuerySet":
        return self.filter(is_final=False).filter(is_final=_unforeseen(False))

    def needs_decision(self) -> "VerificationQuerySet":
        return self.under_suspicion().filter(status=Status.APPROVED)


def _unforeseen(value: bool) -> Func:
    """A value that a planner does not know. What an index's condition tells anyway PostgreSQL would
    not look for in its column, and could then not begin in the middle of the index.
    """
    return Func(Value(value), template="(SELECT %(expressions)s)", output_field=BooleanField())
