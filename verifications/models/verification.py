"""One attempt of an applicant to prove who they are."""

from datetime import datetime

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Membership, Partner
from verifications import search
from verifications.forms import Filters
from verifications.statuses import Standing, Status


class TokenType(models.TextChoices):
    IDENTIFICATION = "IDENTIFICATION", "Document and face"
    DOCUMENT = "DOCUMENT", "Document only"


class ReviewType(models.TextChoices):
    AUTOMATIC = "AUTOMATIC", "Automatic"
    MANUAL = "MANUAL", "Manual"


class VerificationQuerySet(models.QuerySet["Verification"]):
    def visible_to(self, *memberships: Membership) -> "VerificationQuerySet":
        """The query half of the policy: what is not in here does not exist for these people."""
        return self.filter(partner__in=[membership.partner_id for membership in memberships])

    def needs_decision(self) -> "VerificationQuerySet":
        return self.filter(status=Status.APPROVED, suspected=True)

    def matching(self, filters: Filters) -> "VerificationQuerySet":
        """What the filters mean; the position is not among them."""
        plain = {
            "status__in": list(filters.status),
            "suspected": filters.suspected,
            "is_final": filters.final,
            "started_at__gte": filters.started_from,
            "started_at__lt": filters.started_before,
            "document_type": filters.document_type,
            "document_country": filters.country,
            "platform": filters.platform,
            "review_type": filters.review,
            "decision__actor": filters.decided_by,
        }
        rows = self.filter(**{key: value for key, value in plain.items() if value not in _NONE})
        if filters.tag:
            rows = rows.filter(Exists(_tagged(filters.tag)))
        if filters.reason:
            rows = rows.filter(Exists(_denied_for(filters.reason)))
        return rows.filter(search.matching(filters.q, filters.number_hash)) if filters.q else rows


_NONE: tuple[object, ...] = (None, "", [])


def _tagged(code: str) -> models.QuerySet:
    tags = apps.get_model("verifications", "Tag").objects
    return tags.filter(verification=OuterRef("pk"), code=code, removed_at=None)


def _denied_for(code: str) -> models.QuerySet:
    reasons = apps.get_model("verifications", "DecisionReason").objects
    return reasons.filter(decision=OuterRef("decision_id"), code=code)


class Verification(models.Model):
    """What lists and rules need of a verification. All else stands in the callback's body.

    The name stays in clear for the partner's own staff: it is the link of the main job.
    `status` and `suspected` are set by `lifecycle.move()` only.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="verifications")
    scan_ref = models.CharField(max_length=36)
    client_id = models.CharField(max_length=100)
    external_ref = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=255, blank=True)
    search_text = models.CharField(max_length=1600, blank=True, editable=False)

    status = models.CharField(max_length=20, choices=Status)
    suspected = models.BooleanField(default=False)
    is_final = models.BooleanField("final", default=False)
    overall = models.CharField(
        max_length=100, help_text="The provider's last word, as it came.", blank=True
    )
    revision = models.PositiveIntegerField(default=1)
    # The person's decision that stands; while there is one, no callback moves the status.
    decision = models.OneToOneField(
        "Decision", on_delete=models.PROTECT, null=True, blank=True, related_name="standing_for"
    )
    # The callback whose body is shown.
    callback = models.OneToOneField(
        "ProviderCallback",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="shown_for",
    )
    has_new_data = models.BooleanField(
        default=False, help_text="Data arrived after a person decided."
    )

    token_type = models.CharField(max_length=20, choices=TokenType)
    review_type = models.CharField(max_length=10, choices=ReviewType, default=ReviewType.AUTOMATIC)
    platform = models.CharField(max_length=100, blank=True)
    document_type = models.CharField(max_length=100, blank=True)
    document_country = models.CharField(max_length=2, blank=True)
    number_hash = models.CharField(
        max_length=64, blank=True, help_text="Keyed: the document number is found by equality."
    )
    document_expires_on = models.DateField(null=True, blank=True)

    # The machine's findings are never overwritten by a person's; 100 is the wire's limit.
    auto_face = models.CharField(max_length=100, blank=True)
    auto_document = models.CharField(max_length=100, blank=True)
    manual_face = models.CharField(max_length=100, blank=True)
    manual_document = models.CharField(max_length=100, blank=True)
    deny_reasons = models.JSONField(default=list, blank=True)

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = VerificationQuerySet.as_manager()

    # Where a query brings it along.
    now: datetime
    tag_count: int

    guards = {
        "revision_grows": (
            "UPDATE",
            "NEW.revision < OLD.revision",
            "the revision of a verification only grows",
        ),
        "status_raises_revision": (
            "UPDATE",
            "(NEW.status <> OLD.status OR NEW.suspected <> OLD.suspected)"
            " AND NEW.revision = OLD.revision",
            "a change of status raises the revision",
        ),
    }

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "scan_ref"], name="verification_scan_ref_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="verification_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(suspected=False) | Q(status__in=[Status.APPROVED, Status.DENIED]),
                name="verification_suspicion_has_result",
            ),
            models.CheckConstraint(
                condition=Q(revision__gte=1), name="verification_revision_from_one"
            ),
            models.CheckConstraint(
                condition=Q(decision=None)
                | Q(status__in=[Status.APPROVED, Status.DENIED, Status.DELETED, Status.ARCHIVED]),
                name="verification_decision_has_result",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-started_at", "-id"], name="verification_newest"),
            models.Index(
                fields=["partner", "status", "-started_at", "-id"], name="verification_by_status"
            ),
            models.Index(
                fields=["partner", "-started_at", "-id"],
                condition=Q(status=Status.APPROVED, suspected=True),
                name="verification_needs_decision",
            ),
            models.Index(
                fields=["partner", "document_country", "-started_at", "-id"],
                name="verification_by_country",
            ),
            models.Index(
                fields=["partner", "client_id", "-started_at"], name="verification_by_client"
            ),
            models.Index(fields=["partner", "external_ref"], name="verification_by_external"),
            models.Index(fields=["partner", "number_hash"], name="verification_by_number"),
        ]

    def __str__(self) -> str:
        return self.scan_ref

    @property
    def standing(self) -> Standing:
        return Standing(Status(self.status), self.suspected)

    @property
    def needs_decision(self) -> bool:
        return self.suspected and self.status == Status.APPROVED

    @property
    def audit_stream(self) -> str:
        return f"v/{self.pk}"

    @property
    def audit_subject(self) -> str:
        return f"verification:{self.scan_ref}"
