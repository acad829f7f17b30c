from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.people import Partner, Role, User

if TYPE_CHECKING:
    from accounts.models.letter import Letter

LASTS = timedelta(days=7)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Neither taken nor taken back; its link may be too old."""
        return self.filter(accepted_at=None, revoked_at=None)

    def usable(self) -> Self:
        return self.open().filter(
            expires_at__gt=timezone.now(), partner__is_active=True, invited_by__is_active=True
        )


class Invitation(models.Model):
    """Somebody was asked by e-mail to work for a partner. The link is known by its digest only."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="invitation_email_is_lower"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at"))
                & Q(expires_at__lte=F("invited_at") + LASTS),
                name="invitation_lasts_a_week",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at=None),
                name="invitation_ends_one_way",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="invitation_digest_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.partner}"

    @property
    def unsent(self) -> "Letter | None":
        """Its letter, until that is sent."""
        return getattr(self, "letter", None)

    @property
    def is_too_old(self) -> bool:
        return self.expires_at <= timezone.now()
