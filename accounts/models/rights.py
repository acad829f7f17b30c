from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.people import User

LASTS = timedelta(hours=24)


class RightsState(models.TextChoices):
    OPEN = "OPEN", "Waits for a second person"
    CONFIRMED = "CONFIRMED", "Confirmed"
    WITHDRAWN = "WITHDRAWN", "Withdrawn"
    EXPIRED = "EXPIRED", "Expired"


class RightsRequest(models.Model):
    """Rights of support's that one superuser proposes for a user and another one confirms."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="rights_requests")
    is_staff = models.BooleanField("support", default=False)
    is_superuser = models.BooleanField("superuser", default=False)
    in_group = models.BooleanField("in the Support group", default=False)
    proposer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    confirmer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=10, choices=RightsState, default=RightsState.OPEN)
    proposed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmer=None) | ~Q(confirmer=F("proposer")),
                name="rights_need_a_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(proposer=F("user")) & (Q(confirmer=None) | ~Q(confirmer=F("user"))),
                name="rights_are_given_by_others",
            ),
            models.CheckConstraint(
                condition=Q(state=RightsState.CONFIRMED, confirmer__isnull=False)
                | (Q(confirmer=None) & ~Q(state=RightsState.CONFIRMED)),
                name="rights_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state=RightsState.OPEN, settled_at=None)
                | (Q(settled_at__isnull=False) & ~Q(state=RightsState.OPEN)),
                name="rights_settled_or_open",
            ),
            models.CheckConstraint(
                condition=Q(is_staff=True) | Q(is_superuser=True) | Q(in_group=True),
                name="rights_ask_for_something",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__lte=F("proposed_at") + LASTS),
                name="rights_wait_a_day",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(state=RightsState.OPEN), name="rights_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {', '.join(self.asked)}"

    @property
    def asked(self) -> list[str]:
        said = {"is_staff": "support", "is_superuser": "superuser", "in_group": "the Support group"}
        return [words for name, words in said.items() if getattr(self, name)]

    @property
    def is_open(self) -> bool:
        return self.state == RightsState.OPEN and self.expires_at > timezone.now()
