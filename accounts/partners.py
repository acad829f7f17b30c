"""What support decides about a partner: its flags, plan, pricing model, and its callback key."""

from typing import Any

from django.db import transaction

from accounts import audit, sessions
from accounts.models import Kind, Partner, User, new_callback_key

# What a partner may do. A change says why.
CONTRACT = ("is_active", "plan", "pricing_model", "may_approve", "may_deny", "retention_days")
FIELDS = ("name", *CONTRACT, "undo_seconds")
SHORTEST_REASON, LONGEST_REASON = 10, 500


class Stale(Exception):
    """Somebody changed the partner since it was read: nothing was saved."""


class ReasonMissing(Exception):
    """A change of the contract must say why."""


@transaction.atomic
def create(partner: Partner, *, actor: User) -> None:
    partner.save(force_insert=True)
    _record(partner, actor, created=True, **{name: str(getattr(partner, name)) for name in FIELDS})


@transaction.atomic
def change(
    partner: Partner, values: dict[str, Any], *, actor: User, seen_revision: int, reason: str = ""
) -> Partner:
    """Saves new values over the state that was seen. Raises Stale, ReasonMissing."""
    stored = Partner.objects.select_for_update().get(pk=partner.pk)
    changed = {name: value for name, value in values.items() if value != getattr(stored, name)}
    if changed.keys() & set(CONTRACT) and len(reason.strip()) < SHORTEST_REASON:
        raise ReasonMissing
    _update(stored, seen_revision, **changed)
    if changed.get("is_active") is False:
        for membership in stored.memberships.filter(is_active=True).select_related("user"):
            sessions.end(membership.user)
    if changed:
        facts: dict[str, Any] = {
            name: [str(getattr(stored, name)), str(value)] for name, value in changed.items()
        }
        _record(stored, actor, **facts, **({"reason": reason.strip()} if reason.strip() else {}))
    return Partner.objects.get(pk=partner.pk)


@transaction.atomic
def replace_callback_key(partner: Partner, *, actor: User, seen_revision: int) -> str:
    """Makes a new key and gives it, for the one time that it is shown. Raises Stale."""
    partner.callback_key = key = new_callback_key()
    _update(partner, seen_revision, sealed_key=partner.sealed_key)
    _record(partner, actor, callback_key="replaced")
    return key


def _update(partner: Partner, seen_revision: int, **values: Any) -> None:
    same = Partner.objects.filter(pk=partner.pk, revision=seen_revision)
    if same.update(revision=seen_revision + 1, **values) != 1:
        raise Stale


def _record(partner: Partner, actor: User, **facts: Any) -> None:
    audit.record(
        Kind.PARTNER_CHANGED,
        actor=actor,
        partner=partner,
        subject=subject_of(partner),
        stream=f"p/{partner.pk}",
        **facts,
    )


def subject_of(partner: Partner) -> str:
    return f"partner:{partner.key}"
