"""The log of what people did: entries, its heads and its checkpoints."""

import json
from typing import Any

from django.db import models
from django.db.models import Q


class AppendOnly(models.Model):
    """A row that is written once. Refused here, and by trigger in the database (`guards`)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{self._meta.label} is append-only")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self._meta.label} is append-only")


class Kind(models.TextChoices):
    """Everything that the audit log can tell of, in one list for auditors."""

    SIGNED_IN = "user.signed_in", "Signed in"
    SIGNED_OUT = "user.signed_out", "Signed out"
    PROVEN_AGAIN = "user.proven_again", "Proved again who they are"
    SIGN_IN_FAILED = "user.sign_in_failed", "Sign-in failed"
    SIGNED_OUT_ELSEWHERE = "user.signed_out_elsewhere", "Signed out everywhere else"
    PASSWORD_CHANGED = "user.password_changed", "Password changed"
    SECOND_FACTOR_CHANGED = "user.second_factor_changed", "Second step changed"
    USER_CHANGED = "user.changed", "User changed"
    MEMBERSHIP_CHANGED = "membership.changed", "Membership changed"
    INVITED = "invitation.sent", "Invitation sent"
    INVITED_AGAIN = "invitation.sent_again", "Invitation sent again"
    INVITATION_REVOKED = "invitation.revoked", "Invitation revoked"
    JOINED = "invitation.accepted", "Invitation accepted"
    MEMBER_ROLE_CHANGED = "member.role_changed", "Member’s role changed"
    MEMBER_DEACTIVATED = "member.deactivated", "Member deactivated"
    MEMBER_REACTIVATED = "member.reactivated", "Member reactivated"
    SECOND_FACTOR_RESET = "member.second_factor_reset", "Second step reset"
    SESSIONS_ENDED = "member.sessions_ended", "Member signed out everywhere"
    RIGHTS_PROPOSED = "rights.proposed", "Support’s rights proposed"
    RIGHTS_CONFIRMED = "rights.confirmed", "Support’s rights confirmed"
    RIGHTS_WITHDRAWN = "rights.withdrawn", "Proposed rights withdrawn"
    RIGHTS_FOUNDED = "rights.founded", "Superuser made by command"
    ROLE_CHANGED = "role.changed", "Role changed"
    PARTNER_CHANGED = "partner.changed", "Partner changed"
    REASON_CHANGED = "reason.changed", "Rejection reason changed"
    REFUSED = "action.refused", "Refused attempt"
    CREATED = "verification.created", "Verification received"
    UPDATED = "verification.updated", "Moved by the provider"
    KEPT = "verification.callback_kept", "Callback kept, not applied"
    VIEWED = "verification.viewed", "Verification viewed"
    REPORT_TAKEN = "verification.report_taken", "Report taken"
    REPORT_FAILED = "verification.report_failed", "Report not made"
    APPROVED = "verification.approved", "Approved"
    DENIED = "verification.denied", "Denied"
    UNDONE = "verification.undone", "Decision taken back"
    TAG_REMOVED = "verification.tag_removed", "Mismatch tag removed"
    NOTED = "verification.noted", "Note written"
    HELD = "verification.held", "Hold placed"
    RELEASED = "verification.released", "Hold released"
    DISPOSED = "verification.disposed", "Disposed of"
    CALLBACK_REAPPLIED = "callback.reapplied", "Callback applied again"
    ENDPOINT_CHANGED = "endpoint.changed", "Webhook endpoint changed"
    DELIVERY_RESENT = "delivery.resent", "Webhook sent by hand"
    LIST_EXPORTED = "verifications.exported", "Verifications exported"
    LOG_EXPORTED = "audit.exported", "Audit log exported"
    BUDGET_REACHED = "budget.reached", "Stopped from looking further"


# How somebody signs in and what they may at support is nobody's affair at a partner.
OF_NO_PARTNER = {
    Kind.SIGNED_IN,
    Kind.SIGNED_OUT,
    Kind.PROVEN_AGAIN,
    Kind.SIGN_IN_FAILED,
    Kind.SIGNED_OUT_ELSEWHERE,
    Kind.PASSWORD_CHANGED,
    Kind.SECOND_FACTOR_CHANGED,
    Kind.USER_CHANGED,
    Kind.RIGHTS_PROPOSED,
    Kind.RIGHTS_CONFIRMED,
    Kind.RIGHTS_WITHDRAWN,
    Kind.RIGHTS_FOUNDED,
    Kind.ROLE_CHANGED,
}

# Before the first entry of a stream.
FIRST = "0" * 64
HEAD_OF_ITS = "SELECT {} FROM accounts_audithead head WHERE head.stream = NEW.stream"
NOT_THE_NEXT = (
    f"NEW.seq <> COALESCE(({HEAD_OF_ITS.format('head.seq')}), 0) + 1"
    f" OR NEW.prev <> COALESCE(({HEAD_OF_ITS.format('head.digest')}), '{FIRST}')"
)
MOVE_THE_HEAD = (
    "INSERT INTO accounts_audithead (stream, seq, digest)"
    " VALUES (NEW.stream, NEW.seq, NEW.digest)"
    " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, digest = excluded.digest"
)


class AuditEntry(AppendOnly):
    """One thing that happened: the next link in the chain of its stream.

    `body` is the canonical text that `digest` is taken over; the columns beside it repeat what
    lists and filters need. The subject is a reference in text, so that it outlives what it tells
    of; no entry holds a name, a text or anything else of an applicant.
    """

    guards = {
        "goes_on": ("INSERT", NOT_THE_NEXT, "an audit entry is the next link of its stream"),
    }
    follows = {"moves_the_head": MOVE_THE_HEAD}

    stream = models.CharField(max_length=80)
    seq = models.PositiveBigIntegerField()
    prev = models.CharField(max_length=64)
    # Not unique by an index, which would be the dearest: stream and number stand in the body.
    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=40, choices=Kind)
    at = models.DateTimeField()
    actor = models.BigIntegerField(null=True, help_text="A user's number; empty: the system.")
    partner = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=120)
    body = models.TextField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="audit_seq_once_a_stream"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="audit_seq_from_one"),
        ]
        indexes = [
            models.Index(fields=["partner", "-at", "-id"], name="audit_by_partner"),
            models.Index(fields=["subject", "partner", "-at", "-id"], name="audit_by_subject"),
            models.Index(fields=["partner", "kind", "-at", "-id"], name="audit_by_kind"),
            models.Index(
                fields=["actor", "kind", "-at"],
                condition=Q(actor__isnull=False),
                name="audit_by_actor",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq} {self.kind}"

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.body)["facts"]
        return facts


class AuditHead(models.Model):
    """Where a stream stands: the last link, so that a cut-off tail shows."""

    stream = models.CharField(max_length=80, primary_key=True)
    seq = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"


class AuditCheckpoint(AppendOnly):
    """A signed sum over every entry up to one: what has left the machine cannot be rewritten."""

    number = models.PositiveIntegerField(primary_key=True)
    upto = models.BigIntegerField(help_text="The last entry that it covers.")
    count = models.PositiveBigIntegerField(help_text="Entries that it and all before it cover.")
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    signature = models.CharField(max_length=128)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}, up to {self.upto}"
