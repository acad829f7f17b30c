"""What partners are told: their addresses, the outbox, and each try."""

import base64
import secrets
import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts import lone
from accounts.models import AppendOnly, Partner
from accounts.sealing import DoesNotOpen
from accounts.statements import Slot
from verifications.models.decision import Decision
from verifications.models.verification import Verification


def new_signing_key() -> str:
    """A key as the Standard Webhooks specification writes it: whsec_ and base64 of 32 bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _marked(endpoint: "WebhookEndpoint") -> tuple[str, str]:
    return str(endpoint.mark), str(endpoint.partner_id)


class WebhookEndpoint(lone.Keeper):
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="endpoints")
    name = models.CharField(max_length=100)
    address = models.URLField(max_length=500)
    events = models.JSONField(default=list)
    # By which what is sealed below is bound to this row, before it has a number.
    mark = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sealed_signing_key = models.BinaryField()
    sealed_former_key = models.BinaryField(default=bytes)
    former_key_until = models.DateTimeField(null=True, blank=True)
    sealed_headers = models.BinaryField(default=bytes)
    signing_key = lone.Secret("sealed_signing_key", _marked, fresh=new_signing_key)
    former_key = lone.Secret("sealed_former_key", _marked)
    headers = lone.Secret("sealed_headers", _marked, none=dict)
    is_active = models.BooleanField("active", default=True)
    switched_off_why = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    # Its last sequence of a verification, where a query brings it along.
    last: int

    class Meta:
        ordering = ["partner", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(sealed_signing_key=b""), name="endpoint_has_signing_key"
            ),
        ]

    @property
    def audit_subject(self) -> str:
        return f"endpoint:{self.pk}"

    @property
    def audit_stream(self) -> str:
        return f"e/{self.pk}"

    def __str__(self) -> str:
        return self.name

    @property
    def known_headers(self) -> dict[str, str]:
        """None where they do not open any more: they are to be written anew."""
        try:
            return self.headers
        except DoesNotOpen:
            return {}


# What was given up is no news any more after so long.
TROUBLED = timedelta(days=7)


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    WITHDRAWN = "withdrawn", "Withdrawn by undo"
    GIVEN_UP = "given_up", "Given up"


# What waits, as the worker asks for it: a constraint says that it is the same. Pages ask for the
# state, so that no planner leads them along an index that holds what waits for everybody.
UNSETTLED = Q(settled_at=None)
# Tried in vain, and trying on.
TRYING = Q(state=DeliveryState.WAITING, attempts__gt=0)
# What waited for an endpoint that was removed is no trouble: nobody wants it. Nor is a test, which
# tells of nobody.
WANTED = Q(endpoint__removed_at=None, verification__isnull=False)


def given_up(since: datetime | Slot) -> Q:
    return Q(state=DeliveryState.GIVEN_UP, queued_at__gte=since)


def trouble() -> Q:
    """What is trying on, and what was given up a short time ago."""
    return WANTED & (TRYING | given_up(timezone.now() - TROUBLED))


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def in_trouble(self) -> "WebhookDeliveryQuerySet":
        return self.filter(trouble())

    def going_out(self) -> "WebhookDeliveryQuerySet":
        """What the worker sends, now or when its time comes. A queue that is off goes nowhere."""
        is_open = Q(endpoint__is_active=True, endpoint__removed_at=None)
        return self.filter(is_open | Q(claimed_until__gt=Now()), state=DeliveryState.WAITING)


class WebhookDelivery(models.Model):
    """One message to one endpoint: the outbox and the delivery log in one.

    `claimed_until` in the future means that a worker is sending it right now.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Endpoints are never deleted; of what was settled nobody asks by endpoint alone.
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    verification = models.ForeignKey(
        Verification,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    event = models.CharField(max_length=64)
    sequence = models.PositiveIntegerField(
        help_text="Counts the messages of one verification to one endpoint."
    )
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    last_code = models.PositiveSmallIntegerField(null=True, blank=True)

    # The database's clock, where a query brings it along.
    now: datetime

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at", "-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["verification", "endpoint", "sequence"], name="delivery_sequence_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING, settled_at=None)
                | (~Q(state=DeliveryState.WAITING) & Q(settled_at__isnull=False)),
                name="delivery_waits_or_is_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], condition=UNSETTLED, name="delivery_due"),
            models.Index(fields=["partner", "-queued_at", "-id"], name="delivery_newest"),
            models.Index(fields=["-queued_at", "-id"], name="delivery_newest_of_all"),
            models.Index(
                fields=["partner", "state", "-queued_at", "-id"], name="delivery_by_state"
            ),
            # With the state, though all have the same: by it SQLite knows the shorter way.
            models.Index(
                fields=["partner", "state", "endpoint"], condition=TRYING, name="delivery_trying"
            ),
            models.Index(
                fields=["decision"],
                condition=Q(decision__isnull=False),
                name="delivery_of_decision",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.sequence}"


class DeliveryBody(models.Model):
    """The bytes that go out, frozen when they were queued, and sealed."""

    delivery = models.OneToOneField(
        WebhookDelivery, on_delete=models.CASCADE, primary_key=True, related_name="body"
    )
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.delivery_id)


class WebhookAttempt(AppendOnly):
    """One try. The first KiB of the answer may quote the body, so it stands beside."""

    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.PROTECT, related_name="tries", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.code or self.problem}"


class AttemptAnswer(models.Model):
    attempt = models.OneToOneField(
        WebhookAttempt, on_delete=models.CASCADE, primary_key=True, related_name="answer"
    )
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.attempt_id)
