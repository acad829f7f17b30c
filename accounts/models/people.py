"""Partners, roles, users, memberships."""

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
from django.utils.crypto import salted_hmac

from accounts import lone


class Plan(models.TextChoices):
    BASIC = "BASIC", "Basic"
    PREMIUM = "PREMIUM", "Premium"
    ENTERPRISE = "ENTERPRISE", "Enterprise"


class PricingModel(models.TextChoices):
    CHARGE_PER_COMPLETED = "CHARGE_PER_COMPLETED", "Charge Per Completed"
    CHARGE_PER_APPROVED = "CHARGE_PER_APPROVED", "Charge Per Approved"


def new_callback_key() -> str:
    return secrets.token_urlsafe(32)


class Partner(lone.Keeper):
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
    retention_days = models.PositiveSmallIntegerField(
        default=1825,
        validators=[MinValueValidator(30), MaxValueValidator(3660)],
        help_text="How long data is kept after the end of a verification: 30 to 3,660 days.",
    )
    sealed_key = models.BinaryField()
    callback_key = lone.Secret("sealed_key", lambda it: (it.key, it.key), fresh=new_callback_key)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undo_seconds__lte=60), name="partner_undo_within_a_minute"
            ),
            models.CheckConstraint(
                condition=Q(retention_days__range=(30, 3660)), name="partner_retention_in_range"
            ),
            models.CheckConstraint(condition=Q(plan__in=Plan.values), name="partner_plan_is_known"),
            models.CheckConstraint(
                condition=Q(pricing_model__in=PricingModel.values), name="partner_pricing_is_known"
            ),
            models.CheckConstraint(condition=~Q(sealed_key=b""), name="partner_has_callback_key"),
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
    # Taken away by somebody else: it must be set up anew, whatever the role.
    needs_second_factor = models.BooleanField(default=False, editable=False)
    # Counts up to end every session that began before.
    session_round = models.PositiveIntegerField(default=0, editable=False)

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

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What each session must match: with the password, or with the round, all of them end."""
        text = f"{self.password} {self.session_round}"
        return salted_hmac("accounts.User", text, secret=secret, algorithm="sha256").hexdigest()

    @property
    def initials(self) -> str:
        words = (self.name or self.email).split()
        return "".join(word[0] for word in [words[0], *words[1:][-1:]]).upper()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(is_active=True, partner__is_active=True, user__is_active=True)


class Membership(models.Model):
    """A user at a partner, in a role."""

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="memberships", db_index=False
    )
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="memberships")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["partner__name", "user__email"]
        constraints = [
            models.UniqueConstraint(fields=["user", "partner"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.partner}, {self.role}"


def names_of(users: Iterable[int]) -> dict[int, str]:
    """The names behind numbers that audit entries and decisions carry, in one query."""
    return {user.pk: str(user) for user in User.objects.filter(pk__in=set(users))}
