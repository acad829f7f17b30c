from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from accounts.models import Partner
from accounts.statements import Slot


class ReasonGroup(models.TextChoices):
    DOCUMENT = "document", "Document"
    FACE = "face", "Face"
    POLICY = "policy", "Policy and compliance"
    OTHER = "other", "Other"


class Sets(models.TextChoices):
    """The manual finding that a chosen reason becomes."""

    NOTHING = "", "Nothing"
    MANUAL_DOCUMENT = "manual_document", "Manual document finding"
    MANUAL_FACE = "manual_face", "Manual face finding"


class RejectionReasonQuerySet(models.QuerySet["RejectionReason"]):
    def known_to(self, partner: Partner | Slot) -> "RejectionReasonQuerySet":
        """The global list and the partner's own."""
        return self.filter(Q(partner=None) | Q(partner=partner))

    def offered_to(self, partner: Partner | Slot) -> "RejectionReasonQuerySet":
        """Active ones, in catalogue order."""
        return self.known_to(partner).filter(is_active=True).order_by("order", "code")


class RejectionReason(models.Model):
    """Why a user may deny. A retired one stays readable on old decisions."""

    code = models.CharField(
        max_length=64, validators=[RegexValidator(r"^[A-Z0-9_]+$", "A–Z, 0–9 and _ only.")]
    )
    label = models.CharField(max_length=200)
    group = models.CharField(max_length=10, choices=ReasonGroup)
    sets = models.CharField(max_length=20, choices=Sets, default=Sets.NOTHING, blank=True)
    needs_note = models.BooleanField(
        default=False, help_text="An internal note must say more. It is never sent."
    )
    order = models.PositiveIntegerField(default=1000)
    is_active = models.BooleanField("offered", default=True)
    partner = models.ForeignKey(
        Partner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reasons",
        db_index=False,
        help_text="Empty: offered to all partners.",
    )

    objects = RejectionReasonQuerySet.as_manager()

    class Meta:
        ordering = ["order", "code"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "code"], name="reason_once_a_partner"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(partner=None), name="reason_once_for_all"
            ),
            models.CheckConstraint(
                condition=Q(group__in=ReasonGroup.values), name="reason_group_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(code="OTHER") | Q(needs_note=True), name="reason_other_needs_note"
            ),
        ]

    def __str__(self) -> str:
        return self.label
