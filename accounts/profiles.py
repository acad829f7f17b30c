"""What people change about themselves."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import Kind, User


@transaction.atomic
def change(user: User, values: dict[str, Any]) -> None:
    """The log says what was changed, and of a name never to what."""
    changed = sorted(name for name, value in values.items() if value != getattr(user, name))
    for name in changed:
        setattr(user, name, values[name])
    if changed:
        user.save(update_fields=changed)
    if "name" in changed:
        audit.record(
            Kind.USER_CHANGED,
            actor=user,
            partner=None,
            subject=f"user:{user.pk}",
            stream=f"u/{user.pk}",
            name="changed",
        )
