from django.db import models
from django.utils import timezone

from accounts.models import User
from verifications.models.verification import Verification


class Note(models.Model):
    """What staff tell each other about a verification. Never sent."""

    verification = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="notes", db_index=False
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    request_key = models.UUIDField()
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["verification", "request_key"], name="note_once_a_request"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verification_id} {self.written_at:%Y-%m-%d %H:%M}"
