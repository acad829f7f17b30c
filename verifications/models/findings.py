"""What the provider found and what it saw."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from verifications.models.verification import Listed, Verification


class TagKind(models.TextChoices):
    MISMATCH = "mismatch", "Mismatch"
    FRAUD = "fraud", "Fraud"


class TagQuerySet(models.QuerySet["Tag"]):
    def standing(self) -> "TagQuerySet":
        return self.filter(removed_at=None)


class Tag(Listed):
    """What raised a suspicion. Codes never seen before are kept and shown as they are."""

    verification = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    kind = models.CharField(max_length=10, choices=TagKind)
    code = models.CharField(max_length=100)
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["verification", "kind", "code"], name="tag_once"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(kind=TagKind.MISMATCH),
                name="tag_of_fraud_stays",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed_by=None)
                | Q(removed_at__isnull=False, removed_by__isnull=False),
                name="tag_removal_has_author",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partner", "code", "-started_at", "-verification"],
                condition=Q(removed_at=None),
                name="tag_standing",
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def wire_family(self) -> str:
        """Where codes.json tells what the code means."""
        return wire_family(self.kind)


def wire_family(kind: str) -> str:
    return f"{kind}_tag"


class PhotoState(models.TextChoices):
    WAITING = "waiting", "Being fetched"
    STORED = "stored", "Stored"
    UNUSABLE = "unusable", "The link cannot be used"
    FAILED = "failed", "Could not be fetched"
    BROKEN = "broken", "Not a picture that we can show"


class Photo(models.Model):
    """One picture of the evidence: where it was offered, and our own copy of it, both sealed."""

    verification = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="photos", db_index=False
    )
    kind = models.CharField(max_length=100, help_text="The provider's key: FRONT, BACK, FACE …")
    sealed_source = models.BinaryField(
        default=bytes, help_text="The link, which opens the picture to anybody; empty once stored."
    )
    state = models.CharField(max_length=10, choices=PhotoState, default=PhotoState.WAITING)
    why = models.CharField(max_length=200, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=20, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["verification", "kind"], name="photo_once_a_kind"),
            models.CheckConstraint(
                condition=~Q(state=PhotoState.STORED) | ~Q(file_name=""),
                name="photo_stored_has_file",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state=PhotoState.WAITING), name="photo_to_fetch"
            )
        ]

    def __str__(self) -> str:
        return self.kind
