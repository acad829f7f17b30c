"""Partners, roles, users, memberships, and the log of what they did."""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone


class AppendOnly(models.Model):
    """A row that is written once. Refused here, and by trigger in the database (`guards`)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{self._meta.label} is append-only")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self._meta.label} is append-only")


class Plan(models.TextChoices):
    BASIC = "BASIC", "Basic"
    PREMIUM = "PREMIUM", "Premium"
    ENTERPRISE = "ENTERPRISE", "Enterprise"


class PricingModel(models.TextChoices):
    CHARGE_PER_COMPLETED = "CHARGE_PER_COMPLETED", "Charge Per Completed"
    CHARGE_PER_APPROVED = "CHARGE_PER_APPROVED", "Charge Per Approved"


def new_callback_key() -> str:
    return secrets.token_urlsafe(32)


class Partner(models.Model):
    """A company that asked for verifications, with what support allows it to do."""

    key = models.SlugField(
        max_length=40, unique=True, help_text="Stands in the address that the provider calls."
    )
    name = models.CharField(max_length=100, unique=True)
    is_active = models.BooleanField("active", default=True)
    plan = models.CharField(max_length=20, choices=Plan)
    pricing_model = models.CharField(max_length=30, choices=PricingModel)
    may_approve = models.BooleanField("may approve", default=False)
    may_deny = models.BooleanField("may deny", default=False)
    undo_seconds = models.PositiveSmallIntegerField(
        default=10,
        validators=[MaxValueValidator(60)],
        help_text="How long a decision waits before the partner is told: 0 to 60 seconds.",
    )
    callback_key = models.CharField(max_length=100, default=new_callback_key)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undo_seconds__lte=60), name="partner_undo_within_a_minute"
            ),
            models.CheckConstraint(condition=Q(plan__in=Plan.values), name="partner_plan_is_known"),
            models.CheckConstraint(
                condition=Q(pricing_model__in=PricingModel.values), name="partner_pricing_is_known"
            ),
            models.CheckConstraint(condition=~Q(callback_key=""), name="partner_has_callback_key"),
        ]

    def __str__(self) -> str:
        return self.name


class Rank(models.IntegerChoices):
    """The four built-in roles. Each may do all that the ones below may."""

    VIEWER = 10
    MEMBER = 20
    MODERATOR = 30
    ADMIN = 40


class Role(models.Model):
    name = models.CharField(max_length=40, unique=True)
    rank = models.PositiveSmallIntegerField(
        unique=True, validators=[MinValueValidator(1), MaxValueValidator(40)]
    )

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.CheckConstraint(condition=Q(rank__range=(1, 40)), name="role_rank_in_range"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_built_in(self) -> bool:
        return self.rank in Rank.values

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_built_in:
            raise ValidationError(f"{self.name} is built in and cannot be deleted.")
        return super().delete(*args, **kwargs)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())


class Theme(models.TextChoices):
    DEVICE = "", "As the device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who signs in, by e-mail."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100)
    is_staff = models.BooleanField(
        "support", default=False, help_text="Our own staff: may use Django admin."
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.DEVICE, blank=True)
    has_shortcuts = models.BooleanField("keyboard shortcuts", default=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    @property
    def initials(self) -> str:
        words = (self.name or self.email).split()
        return "".join(word[0] for word in [words[0], *words[1:][-1:]]).upper()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(is_active=True, partner__is_active=True, user__is_active=True)


class Membership(models.Model):
    """A user at a partner, in a role."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="memberships")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["partner__name", "user__email"]
        constraints = [
            models.UniqueConstraint(fields=["user", "partner"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.partner}, {self.role}"


class Kind(models.TextChoices):
    """Everything that the audit log can tell of, in one list for auditors."""

    SIGNED_IN = "user.signed_in", "Signed in"
    SIGNED_OUT = "user.signed_out", "Signed out"
    SIGN_IN_FAILED = "user.sign_in_failed", "Sign-in failed"
    USER_CHANGED = "user.changed", "User changed"
    MEMBERSHIP_CHANGED = "membership.changed", "Membership changed"
    ROLE_CHANGED = "role.changed", "Role changed"
    PARTNER_CHANGED = "partner.changed", "Partner changed"
    REASON_CHANGED = "reason.changed", "Rejection reason changed"
    REFUSED = "action.refused", "Refused attempt"
    CREATED = "verification.created", "Verification received"
    UPDATED = "verification.updated", "Moved by the provider"
    KEPT = "verification.callback_kept", "Callback kept, not applied"
    VIEWED = "verification.viewed", "Verification viewed"
    APPROVED = "verification.approved", "Approved"
    DENIED = "verification.denied", "Denied"
    UNDONE = "verification.undone", "Decision undone"
    TAG_REMOVED = "verification.tag_removed", "Mismatch tag removed"
    NOTED = "verification.noted", "Note written"
    CALLBACK_REAPPLIED = "callback.reapplied", "Callback applied again"
    ENDPOINT_CHANGED = "endpoint.changed", "Webhook endpoint changed"
    DELIVERY_RESENT = "delivery.resent", "Webhook sent again"
    LOG_EXPORTED = "audit.exported", "Audit log exported"


class AuditEntry(AppendOnly):
    """One thing that happened: the next link in the chain of its stream.

    `body` is the canonical text that `digest` is taken over; the columns beside it repeat what
    lists and filters need. The subject is a reference in text, so that it outlives what it tells
    of; no entry holds a name, a text or anything else of an applicant.
    """

    stream = models.CharField(max_length=80)
    seq = models.PositiveBigIntegerField()
    prev = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40, choices=Kind)
    at = models.DateTimeField()
    actor = models.BigIntegerField(null=True, help_text="A user's number; empty: the system.")
    partner = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=120)
    body = models.TextField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="audit_seq_once_a_stream"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="audit_seq_from_one"),
        ]
        indexes = [
            models.Index(fields=["partner", "-at", "-id"], name="audit_by_partner"),
            models.Index(fields=["subject", "-id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq} {self.kind}"


class AuditHead(models.Model):
    """Where a stream stands: the last link, so that a cut-off tail shows."""

    stream = models.CharField(max_length=80, primary_key=True)
    seq = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"


def names_of(users: Iterable[int]) -> dict[int, str]:
    """The names behind numbers that audit entries and decisions carry, in one query."""
    return {user.pk: str(user) for user in User.objects.filter(pk__in=set(users))}


class AuditCheckpoint(AppendOnly):
    """A signed sum over every entry up to one: what has left the machine cannot be rewritten."""

    number = models.PositiveIntegerField(primary_key=True)
    upto = models.BigIntegerField(help_text="The last entry that it covers.")
    count = models.PositiveBigIntegerField(help_text="Entries that it and all before it cover.")
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    signature = models.CharField(max_length=128)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}, up to {self.upto}"
