"""What a person decided, written once. Texts stand beside, where they can be erased."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import AppendOnly, Partner, Plan, PricingModel, User
from verifications.models.verification import Listed, Verification
from verifications.statuses import Action, Status


class Decision(AppendOnly):
    """One approval, denial or undo, with the facts that allowed it at that moment.

    Its reasons are inserted first, so that the database can refuse a denial without one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.CharField(max_length=10, choices=Action)
    from_status = models.CharField(max_length=20, choices=Status)
    from_suspected = models.BooleanField()
    to_status = models.CharField(max_length=20, choices=Status)
    to_suspected = models.BooleanField()
    revision = models.PositiveIntegerField(help_text="Of the verification, after this decision.")
    request_key = models.UUIDField()
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )
    decided_at = models.DateTimeField(default=timezone.now)
    undoable_until = models.DateTimeField(null=True, blank=True)

    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    role_name = models.CharField(max_length=40)
    role_rank = models.PositiveSmallIntegerField()
    may_approve = models.BooleanField()
    may_deny = models.BooleanField()
    pricing_model = models.CharField(max_length=30, choices=PricingModel)
    plan = models.CharField(max_length=20, choices=Plan)

    # The database's clock, where a query brings it along.
    now: datetime

    guards = {
        "denial_has_reason": (
            "INSERT",
            "NEW.action = 'deny' AND NOT EXISTS (SELECT 1 FROM verifications_decisionreason"
            " WHERE decision_id = NEW.id)",
            "a denial has a reason",
        ),
        "reasons_are_its_own": (
            "INSERT",
            "EXISTS (SELECT 1 FROM verifications_decisionreason"
            " WHERE decision_id = NEW.id AND verification_id <> NEW.verification_id)",
            "a reason belongs to the verification of its decision",
        ),
    }

    class Meta:
        ordering = ["revision"]
        constraints = [
            # One request too: it carries the revision that it saw, and a decision raises that.
            models.UniqueConstraint(
                fields=["verification", "revision"], name="decision_once_a_revision"
            ),
            models.CheckConstraint(
                condition=Q(action=Action.APPROVE, to_status=Status.APPROVED, to_suspected=False)
                | Q(action=Action.DENY, to_status=Status.DENIED, to_suspected=False)
                | Q(action=Action.UNDO),
                name="decision_leads_where_it_says",
            ),
            models.CheckConstraint(
                condition=Q(action=Action.UNDO, undoes__isnull=False)
                | (~Q(action=Action.UNDO) & Q(undoes=None)),
                name="decision_undo_names_its_decision",
            ),
            models.CheckConstraint(condition=Q(role_rank=40), name="decision_by_an_admin"),
            models.CheckConstraint(
                condition=~Q(action=Action.APPROVE) | Q(may_approve=True),
                name="decision_approval_was_permitted",
            ),
            models.CheckConstraint(
                condition=~Q(action=Action.DENY)
                | Q(may_deny=True, pricing_model=PricingModel.CHARGE_PER_COMPLETED),
                name="decision_denial_was_permitted",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-decided_at"], name="decision_by_partner"),
            models.Index(fields=["-decided_at"], name="decision_newest"),
            models.Index(fields=["actor", "-decided_at"], name="decision_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.verification_id}/{self.revision}"

    def is_undoable(self, now: datetime) -> bool:
        """Whether its time to be taken back still runs at this moment of the database's clock."""
        return self.undoable_until is not None and now < self.undoable_until


class DecisionReason(AppendOnly, Listed):
    """A reason with the wording that it had when it was chosen."""

    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="reasons", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=64)
    label = models.CharField(max_length=200)

    guards = Listed.guards | {
        "of_its_decision": (
            "INSERT",
            "EXISTS (SELECT 1 FROM verifications_decision"
            " WHERE id = NEW.decision_id AND verification_id <> NEW.verification_id)",
            "a reason belongs to the verification of its decision",
        ),
    }

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "code"], name="decision_reason_once"),
        ]
        indexes = [
            models.Index(
                fields=["partner", "code", "-started_at", "-verification"],
                name="decision_reason_listed",
            )
        ]

    def __str__(self) -> str:
        return self.label


class DecisionText(models.Model):
    """What was written with a decision, sealed, and the fields that an undo gives back."""

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, primary_key=True, related_name="text"
    )
    sealed = models.BinaryField()
    former = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.decision_id)
