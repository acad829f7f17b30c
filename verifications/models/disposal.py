"""The end of a verification's data: the hold that forbids it, what stays on record, lost files."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import AppendOnly, Partner, User
from verifications.models.verification import ReviewType, Verification
from verifications.statuses import Status


class HoldReason(models.TextChoices):
    """To choose from: a text of one's own would tell of somebody sooner or later."""

    AUTHORITY = "authority", "A court or an authority asked for it"
    DISPUTE = "dispute", "A dispute or a complaint"
    INVESTIGATION = "investigation", "An investigation of fraud"
    AUDIT = "audit", "An audit"


class ReleaseReason(models.TextChoices):
    CLOSED = "closed", "The matter is closed"
    MISTAKE = "mistake", "It was placed by mistake"


class HoldQuerySet(models.QuerySet["Hold"]):
    def standing(self) -> "HoldQuerySet":
        return self.filter(released_at=None)


class Hold(models.Model):
    """While one stands, nothing disposes of the verification. Erased with the rest of it."""

    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(max_length=20, choices=HoldReason)
    reference = models.CharField(max_length=40, blank=True)
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(default=timezone.now)
    released_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)
    release_reason = models.CharField(max_length=20, choices=ReleaseReason, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["verification"], condition=Q(released_at=None), name="hold_one_stands"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=HoldReason.values), name="hold_reason_is_known"
            ),
            models.CheckConstraint(
                condition=Q(released_at=None, released_by=None, release_reason="")
                | Q(
                    released_at__isnull=False,
                    released_by__isnull=False,
                    release_reason__in=ReleaseReason.values,
                ),
                name="hold_release_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_reason_display())


class DisposalKind(models.TextChoices):
    """What led to it; `actor` tells who, where it was a person on the dashboard."""

    DASHBOARD = "dashboard", "An Admin did it"
    RETENTION = "retention", "Kept as long as agreed"
    PARTNER_REQUEST = "partner_request", "The partner asked for it"


class Disposal(AppendOnly):
    """That the data is gone, why, and where the verification stood. Nothing of the applicant."""

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, primary_key=True, related_name="disposal"
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="disposals", db_index=False
    )
    kind = models.CharField(max_length=20, choices=DisposalKind)
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    request_key = models.UUIDField(null=True, blank=True)
    disposed_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField()
    status = models.CharField(max_length=20, choices=Status)
    suspected = models.BooleanField()
    review_type = models.CharField(max_length=10, choices=ReviewType)

    guards = {
        "spares_what_is_held": (
            "INSERT",
            "EXISTS (SELECT 1 FROM verifications_hold"
            " WHERE verification_id = NEW.verification_id AND released_at IS NULL)",
            "what is on hold is not disposed of",
        ),
    }

    class Meta:
        ordering = ["-disposed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=DisposalKind.DASHBOARD, actor__isnull=False)
                | Q(kind__in=(DisposalKind.RETENTION, DisposalKind.PARTNER_REQUEST), actor=None),
                name="disposal_names_who_did_it",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partner", "-disposed_at", "-verification"], name="disposal_newest"
            ),
        ]

    def __str__(self) -> str:
        return str(self.verification_id)


class LostFile(models.Model):
    """A file among the photos that no photo stands for: not yet, or not any more.

    Written before the file is, or with the loss of its photo; gone when the file or the doubt is.
    Whatever a crash leaves behind is found here and erased.
    """

    name = models.CharField(max_length=200, primary_key=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["since"], name="lost_file_since")]

    def __str__(self) -> str:
        return self.name
