"""One attempt of an applicant to prove who they are."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.audit import Link
from accounts.models import Partner, User
from verifications.models.verification_rows import ENDED_AT, STREAM, VerificationQuerySet
from verifications.statuses import Standing, Status

if TYPE_CHECKING:
    from verifications.models.webhook import WebhookEndpoint


class TokenType(models.TextChoices):
    IDENTIFICATION = "IDENTIFICATION", "Document and face"
    DOCUMENT = "DOCUMENT", "Document only"


class ReviewType(models.TextChoices):
    AUTOMATIC = "AUTOMATIC", "Automatic"
    MANUAL = "MANUAL", "Manual"


STANDS = Q(disposed_at=None)
ORDER = ("-started_at", "-id")
# What the list looks for by equality.
BY_EQUALITY = {
    "status": "verification_by_status",
    "document_type": "verification_by_document",
    "document_country": "verification_by_country",
    "platform": "verification_by_platform",
    "review_type": "verification_by_review",
    "client_id": "verification_by_client",
    "external_ref": "verification_by_external",
    "number_hash": "verification_by_number",
}
# The list's indexes, in its own order, and without what was disposed of: it would have to be
# passed by. Of the rare few the column that the condition tells stands in the index too: for no
# other reason SQLite would take the small index and not one of all rows.
LISTED = [
    ("verification_newest", ["partner", *ORDER], STANDS),
    *((name, ["partner", column, *ORDER], STANDS) for column, name in BY_EQUALITY.items()),
    (
        "verification_suspected",
        ["partner", "suspected", "status", *ORDER],
        STANDS & Q(suspected=True),
    ),
    ("verification_not_final", ["partner", "is_final", *ORDER], STANDS & Q(is_final=False)),
]
DECIDED_BY_ANOTHER = (
    "NEW.decision_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM verifications_decision"
    " WHERE id = NEW.decision_id AND actor_id = NEW.decided_by_id)"
)


# What a disposal leaves in the columns that tell of the applicant and the findings.
ERASED: dict[str, Any] = {
    **dict.fromkeys(
        ("client_id", "external_ref", "name", "search_text", "overall", "platform")
        + ("document_type", "document_country", "number_hash")
        + ("auto_face", "auto_document", "manual_face", "manual_document"),
        "",
    ),
    "document_expires_on": None,
    "deny_reasons": [],
    "has_new_data": False,
    "decision": None,
    "decided_by": None,
    "callback": None,
}


class Verification(models.Model):
    """What lists and rules need of a verification. All else stands in the callback's body.

    The name stays in clear for the partner's own staff: it is the link of the main job.
    `status` and `suspected` are set by `lifecycle.move()` only.
    """

    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="verifications", db_index=False
    )
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
    # Its actor, beside it for the list.
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
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
    disposed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = VerificationQuerySet.as_manager()

    # Where a query brings it along.
    now: datetime
    wrapped_key: bytes | None
    held_since: datetime | None
    telling_until: datetime | None
    last_link: Link
    open_endpoints: "list[WebhookEndpoint]"

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
        "keeps_its_place": (
            "UPDATE",
            "NEW.partner_id <> OLD.partner_id OR NEW.started_at <> OLD.started_at",
            "a verification stays at its partner and keeps the moment at which it started",
        ),
        "decided_by_its_actor": ("UPDATE", DECIDED_BY_ANOTHER, "decided by who made the decision"),
        "begins_decided_by_its_actor": (
            "INSERT",
            DECIDED_BY_ANOTHER,
            "decided by who made the decision",
        ),
        "disposal_is_on_record": (
            "UPDATE",
            "NEW.disposed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM verifications_disposal"
            " WHERE verification_id = NEW.id)",
            "what is disposed of has its disposal",
        ),
        "disposal_is_for_good": (
            "UPDATE",
            "OLD.disposed_at IS NOT NULL",
            "what was disposed of stays as it is",
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
            models.CheckConstraint(
                condition=Q(decision=None, decided_by=None)
                | Q(decision__isnull=False, decided_by__isnull=False),
                name="verification_decision_has_actor",
            ),
            models.CheckConstraint(
                condition=Q(disposed_at=None) | Q(status=Status.DELETED, **ERASED),
                name="verification_disposed_is_empty",
            ),
        ]
        indexes = [
            *(
                models.Index(fields=columns, condition=it, name=name)
                for name, columns, it in LISTED
            ),
            # The person first: their row is looked for by this index too, when it is deleted.
            models.Index(
                fields=["decided_by", "partner", "-started_at", "-id"],
                condition=Q(decided_by__isnull=False),
                name="verification_decided_by",
            ),
            models.Index(
                "partner",
                ENDED_AT,
                condition=Q(disposed_at=None),
                name="verification_by_end",
            ),
        ]

    def __str__(self) -> str:
        return self.scan_ref

    @property
    def standing(self) -> Standing:
        return Standing(Status(self.status), self.suspected)

    @property
    def audit_stream(self) -> str:
        return f"{STREAM}{self.pk}"

    @property
    def audit_subject(self) -> str:
        return f"verification:{self.scan_ref}"


BESIDE_ANOTHER = (
    "NOT EXISTS (SELECT 1 FROM verifications_verification WHERE id = NEW.verification_id"
    " AND partner_id = NEW.partner_id AND started_at = NEW.started_at)"
)


class Listed(models.Model):
    """A row by which verifications are listed: it repeats what their order is made of.

    Neither partner nor moment of a verification ever changes, so neither does the copy.
    """

    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )
    started_at = models.DateTimeField(editable=False)

    guards: ClassVar[dict[str, tuple[str, str, str]]] = {
        "stands_beside": (
            "INSERT",
            BESIDE_ANOTHER,
            "partner and moment are those of the verification",
        ),
        "stays_beside": (
            "UPDATE",
            BESIDE_ANOTHER,
            "partner and moment are those of the verification",
        ),
    }

    class Meta:
        abstract = True

    @classmethod
    def of(cls, verification: Verification, **fields: Any) -> Self:
        return cls(
            verification=verification,
            partner_id=verification.partner_id,
            started_at=verification.started_at,
            **fields,
        )
