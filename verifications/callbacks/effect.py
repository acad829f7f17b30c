"""What an accepted body does, in the order of (final, finishTime, received)."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Kind
from accounts.statements import Slot, Statement
from accounts.updates import update
from verifications import lifecycle, vault
from verifications.callbacks import findings, provider
from verifications.models import (
    CallbackBody,
    Outcome,
    ProviderCallback,
    ReviewType,
    Verification,
)
from verifications.search import folded
from verifications.statuses import PROVIDER_MAY, Standing, Status

EPOCH = datetime.fromtimestamp(0, UTC)
# What applying writes on the callback's row; how often it came in is counted by others meanwhile.
SETTLED = ["verification", "outcome", "overall", "is_final", "finished_at", "notice"]


def apply(
    callback: ProviderCallback, body: dict[str, Any], verification: Verification | None
) -> None:
    """Does with an accepted body what the rules say, and notes on its row what that was.

    In the caller's transaction, which holds the `locked` verification, or has found none.
    """
    callback.verification = verification
    if callback.event == provider.EXPIRATION:
        _note_expiration(callback, body)
    else:
        _apply_identification(callback, provider.identification(body))
    if callback.outcome == Outcome.DISPOSED:
        CallbackBody.objects.filter(callback=callback).delete()
        vault.erase(vault.owner_of(callback.partner_id, body["scanRef"]))
        callback.overall = ""
    update(callback, *SETTLED)


def apply_kept(verification: Verification) -> None:
    """After an undo: the newest callback that waited behind the person's decision speaks again."""
    kept = verification.callbacks.filter(outcome=Outcome.DECIDED).select_related("body", "partner")
    newest = max(kept, key=order, default=None)
    if newest is not None:
        # What does not open is in the log; the decision is taken back all the same.
        with contextlib.suppress(vault.DoesNotOpen), transaction.atomic():
            raw = vault.opened(newest.body, of=verification)
            again = locked(newest, verification.scan_ref)
            apply(newest, provider.read(raw, newest.event), again)


def _note_expiration(callback: ProviderCallback, body: dict[str, Any]) -> None:
    verification = callback.verification
    callback.overall = body["expirationThreshold"]
    callback.outcome = Outcome.NOTED if verification else Outcome.UNMATCHED
    if verification and verification.disposed_at:
        callback.outcome = Outcome.DISPOSED
    if not verification:
        callback.notice = "No verification has this scan ref."


def _apply_identification(callback: ProviderCallback, received: provider.Received) -> None:
    callback.overall = received.overall
    callback.is_final = received.is_final
    callback.finished_at = received.finished_at
    callback.notice = _notice(received)
    verification = callback.verification
    if verification is None:
        callback.verification = _begin(callback, received)
        callback.outcome = Outcome.APPLIED
        return
    callback.outcome = _outcome(callback, received, verification)
    if callback.outcome == Outcome.APPLIED and received.standing:
        _update(callback, received, verification, received.standing)
    elif callback.outcome == Outcome.DECIDED and callback.event == provider.RESUBMITTED:
        _show_new_data(callback, received, verification)


def locked(callback: ProviderCallback, scan_ref: str) -> Verification | None:
    """What the callback tells of, as it is now; nobody else moves it meanwhile."""
    rows = TO_UPDATE.instances(partner=callback.partner_id, scan_ref=scan_ref)
    for found in rows:
        found.partner = callback.partner
        vault.share(callback, found)
    return rows[0] if rows else None


def _to_update() -> QuerySet[Verification]:
    """Its key comes along, which may be as old as the wait for the row: it stays the same."""
    rows = Verification.objects.filter(partner=Slot("partner"), scan_ref=Slot("scan_ref"))
    return vault.with_keys(rows.select_for_update()).order_by()


TO_UPDATE = Statement(_to_update)


def _notice(received: provider.Received) -> str:
    if received.standing is None:
        return "An unknown result: nothing was decided by it."
    if any(not provider.is_usable_link(link) for link in received.photos.values()):
        return "A photo link that cannot be used: the key may have been stolen."
    return ""


def _outcome(
    callback: ProviderCallback, received: provider.Received, verification: Verification
) -> Outcome:
    if verification.disposed_at:
        return Outcome.DISPOSED
    if received.standing is None:
        return Outcome.NOTED
    if _is_older(callback, verification.callback):
        return Outcome.LATE
    if received.standing.status not in PROVIDER_MAY[Status(verification.status)]:
        return Outcome.LATE
    return Outcome.DECIDED if verification.decision_id else Outcome.APPLIED


def _is_older(callback: ProviderCallback, applied: ProviderCallback | None) -> bool:
    return applied is not None and order(callback) < order(applied)


def order(callback: ProviderCallback) -> tuple[bool, datetime, int]:
    return callback.is_final, callback.finished_at or EPOCH, callback.pk


def _data_fields(callback: ProviderCallback, received: provider.Received) -> dict[str, Any]:
    number = received.document_number
    found_by = vault.number_hash(callback.partner_id, number, to_keep=True, of=callback)
    return data_fields(received) | {"number_hash": found_by}


def data_fields(received: provider.Received) -> dict[str, Any]:
    """The columns that tell of the applicant and the document."""
    return {
        "client_id": received.client_id,
        "external_ref": received.external_ref,
        "name": received.name,
        "search_text": folded(f"{received.name} {received.original_name}"),
        "platform": received.platform,
        "document_type": received.document_type,
        "document_country": received.document_country,
        "document_expires_on": received.document_expires_on,
    }


def result_fields(received: provider.Received, event: str) -> dict[str, Any]:
    """The columns that tell of the provider's result."""
    reviewed = event == "IDENTIFICATION_MANUAL_FINISHED"
    return {
        "overall": received.overall,
        "is_final": received.is_final,
        "token_type": received.token_type,
        "review_type": ReviewType.MANUAL if reviewed else ReviewType.AUTOMATIC,
        "auto_face": received.auto_face,
        "auto_document": received.auto_document,
        "manual_face": received.manual_face,
        "manual_document": received.manual_document,
        "deny_reasons": received.deny_reasons,
        "finished_at": received.finished_at,
    }


def _begin(callback: ProviderCallback, received: provider.Received) -> Verification:
    """A first body with an unknown word waits in REVIEWING, the word kept beside it."""
    verification = Verification(
        partner=callback.partner,
        scan_ref=received.scan_ref,
        callback=callback,
        started_at=received.started_at or received.finished_at or timezone.now(),
        **_data_fields(callback, received),
        **result_fields(received, callback.event),
    )
    vault.share(callback, verification)
    at = received.standing or Standing(Status.REVIEWING, False)
    tags = findings.told_tags(verification, received)
    lifecycle.begin(verification, at, tags, callback.event if received.standing else "")
    findings.write_photos(verification, received, known=[])
    return verification


def _update(
    callback: ProviderCallback,
    received: provider.Received,
    verification: Verification,
    told: Standing,
) -> None:
    tags = list(verification.tags.all())
    counted = findings.write_tags(verification, received, tags)
    findings.write_photos(verification, received, known=verification.photos.all())
    to = findings.without_removed_suspicion(verification, received, tags, told)
    moved = to != verification.standing
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=to,
            kind=Kind.UPDATED,
            actor=None,
            fields=_data_fields(callback, received)
            | result_fields(received, callback.event)
            | {"callback": callback},
            facts={"callback": callback.pk, "event": callback.event},
            event=callback.event if moved else "",
            counted=counted,
        ),
    )


def _show_new_data(
    callback: ProviderCallback, received: provider.Received, verification: Verification
) -> None:
    """What the applicant delivered after the decision is shown; the decision stands."""
    findings.write_photos(verification, received, known=verification.photos.all())
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=verification.standing,
            kind=Kind.KEPT,
            actor=None,
            fields=_data_fields(callback, received) | {"callback": callback, "has_new_data": True},
            facts={"callback": callback.pk, "event": callback.event},
        ),
    )
