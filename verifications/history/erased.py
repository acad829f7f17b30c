"""What there is of a verification that was disposed of, and should not be."""

from collections.abc import Iterator

from django.db.models import Model

from verifications import vault
from verifications.models import (
    AttemptAnswer,
    CallbackBody,
    DataKey,
    DecisionText,
    DeliveryBody,
    Hold,
    NameUse,
    Note,
    Photo,
    Tag,
    Verification,
)
from verifications.models.verification import ERASED

# What holds something of an applicant, and its way to the verification.
WAYS: dict[type[Model], str] = {
    AttemptAnswer: "attempt__delivery__verification",
    CallbackBody: "callback__verification",
    DecisionText: "decision__verification",
    DeliveryBody: "delivery__verification",
    Hold: "verification",
    NameUse: "verification",
    Note: "verification",
    Photo: "verification",
    Tag: "verification",
}


def left_over(keys: list[int]) -> list[tuple[int, str]]:
    """Of these verifications, all disposed of: each with a sentence."""
    return [*_in_rows(keys), *_in_columns(keys), *_in_keys(keys)] if keys else []


def _in_rows(keys: list[int]) -> Iterator[tuple[int, str]]:
    for model, way in WAYS.items():
        rows = model._default_manager.filter(**{f"{way}__in": keys})
        for key in rows.values_list(way, flat=True):
            yield key, f"was disposed of, and has a {model._meta.verbose_name} again"


def _in_columns(keys: list[int]) -> Iterator[tuple[int, str]]:
    rows = Verification.objects.filter(pk__in=keys)
    for key, disposed_at, *columns in rows.values_list("pk", "disposed_at", *ERASED):
        if disposed_at is None:
            yield key, "was disposed of, and does not say so"
        for name, column in zip(ERASED, columns, strict=True):
            if column != ERASED[name]:
                yield key, f"was disposed of, and has a {name} again"


def _in_keys(keys: list[int]) -> Iterator[tuple[int, str]]:
    rows = Verification.objects.filter(pk__in=keys).values_list("partner", "scan_ref", "pk")
    owners = {vault.owner_of(partner, scan_ref): key for partner, scan_ref, key in rows}
    found = DataKey.objects.filter(owner__in={owner.name for owner in owners})
    for place in found.values_list("partner", "owner"):
        if key := owners.get(vault.Owner(*place)):
            yield key, "was disposed of, and has a data key again"
