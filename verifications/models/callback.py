"""Each rightly signed body that the provider sent: once, as it came."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Partner
from verifications.models.verification import Verification


class Stage(models.TextChoices):
    """How far a body got. What stopped before ACCEPTED was refused with that stage's answer."""

    DECODE = "decode", "Not UTF-8"
    DEPTH = "depth", "Nested too deep"
    PARSE = "parse", "Not JSON"
    TEXT = "text", "Holds text that cannot be written"
    SCHEMA = "schema", "Not of the agreed form"
    ACCEPTED = "accepted", "Accepted"


class Outcome(models.TextChoices):
    """What an accepted body did."""

    WAITING = "waiting", "Not applied yet"
    APPLIED = "applied", "Applied"
    LATE = "late", "Kept: older than what is known"
    DECIDED = "decided", "Kept: a person's decision stands"
    NOTED = "noted", "Noted"
    UNMATCHED = "unmatched", "Kept: no such verification"
    DISPOSED = "disposed", "Not kept: the verification was disposed of"


class ProviderCallback(models.Model):
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="callbacks", db_index=False
    )
    event = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body.")
    stage = models.CharField(max_length=10, choices=Stage)
    problem = models.CharField(
        max_length=200, blank=True, help_text="Path and keyword; never a value."
    )
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.WAITING)
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, blank=True, related_name="callbacks"
    )
    overall = models.CharField(max_length=100, blank=True)
    is_final = models.BooleanField("final", default=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    times_received = models.PositiveIntegerField(default=1)
    # Links or codes that somebody at support should look at.
    notice = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "event", "digest"], name="callback_once_a_body"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAITING) | Q(stage=Stage.ACCEPTED),
                name="callback_refused_does_nothing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                condition=~Q(stage=Stage.ACCEPTED),
                name="callback_not_understood",
            ),
            models.Index(
                fields=["id"],
                condition=Q(stage=Stage.ACCEPTED, outcome=Outcome.WAITING),
                name="callback_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.digest[:12]}"


class CallbackBody(models.Model):
    """The raw bytes: personal data, hence a row of their own, and sealed."""

    callback = models.OneToOneField(
        ProviderCallback, on_delete=models.CASCADE, primary_key=True, related_name="body"
    )
    owner = models.CharField(max_length=100, help_text="Whose data key opens it.")
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.callback_id)
