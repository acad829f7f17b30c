"""What stands beside one verification, each kind by a statement that is written once."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.functions import Now

from accounts.models import User
from accounts.statements import Slot, Statement
from verifications.models import (
    Decision,
    DecisionReason,
    Hold,
    Note,
    Photo,
    ProviderCallback,
    Tag,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)

IT = Slot("pk")


def _unshown(relation: str, model: type[Model], *shown: str) -> list[str]:
    """What a page does not say of those that it names: left where it is."""
    fields = (field.name for field in model._meta.concrete_fields if not field.primary_key)
    return [f"{relation}__{name}" for name in fields if name not in shown]


def _person(relation: str) -> list[str]:
    return _unshown(relation, User, "name", "email")


class Beside:
    def __init__(self, rows: Callable[[], QuerySet]) -> None:
        self.statement = Statement(rows)

    def of(self, verification: Verification) -> list[Any]:
        rows = self.statement.instances(pk=verification.pk)
        for row in rows:
            row.verification = verification
        return rows


def _tags() -> QuerySet:
    rows = Tag.objects.filter(verification=IT).select_related("removed_by")
    return rows.defer(*_person("removed_by"))


def _holds() -> QuerySet:
    rows = Hold.objects.filter(verification=IT).select_related("placed_by", "released_by")
    return rows.defer(*_person("placed_by"), *_person("released_by"))


def _notes() -> QuerySet:
    rows = Note.objects.filter(verification=IT).select_related("author")
    return rows.defer(*_person("author"))


def _deliveries() -> QuerySet:
    rows = WebhookDelivery.objects.filter(verification=IT).select_related("endpoint")
    return rows.defer(*_unshown("endpoint", WebhookEndpoint, "name", "removed_at", "is_active"))


def _decisions() -> QuerySet:
    """With the database's clock as `now`."""
    rows = Decision.objects.filter(verification=IT).select_related("actor", "text", "undone_by")
    unshown = [*_person("actor"), *_unshown("undone_by", Decision, "undoes")]
    return rows.annotate(now=Now()).defer(*unshown)  # type: ignore[no-redef]


tags, holds, notes = Beside(_tags), Beside(_holds), Beside(_notes)
deliveries, decisions = Beside(_deliveries), Beside(_decisions)
photos = Beside(lambda: Photo.objects.filter(verification=IT))
# Through their decisions, by whose index they are found.
reasons = Beside(lambda: DecisionReason.objects.filter(decision__verification=IT))
callbacks = Beside(lambda: ProviderCallback.objects.filter(verification=IT))
