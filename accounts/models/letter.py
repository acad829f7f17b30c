import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import lone
from accounts.models.invitation import Invitation


class Letter(lone.Keeper):
    """An e-mail on its way; the row goes when it is sent.

    To whom and what: sealed, for it may hold a link that opens an account. Where an invitation's
    was given up an empty row stays beside it, for the team page to say so.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sealed = models.BinaryField()
    written_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, null=True)
    until = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, null=True)

    content = lone.Secret("sealed", lambda it: (str(it.pk), ""), none=dict)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="letter_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=(Q(due_at__isnull=False) & ~Q(sealed=b""))
                | Q(due_at=None, sealed=b"", invitation__isnull=False),
                name="letter_given_up_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(until__gt=models.F("written_at")), name="letter_has_its_time"
            ),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"

    @property
    def is_given_up(self) -> bool:
        return self.due_at is None
