"""What an accepted body does, in the order of (final, finishTime, received)."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.insertions import insert
from accounts.models import Kind
from accounts.statements import Slot, Statement
from verifications import counters, lifecycle, vault
from verifications.callbacks import provider
from verifications.models import (
    CallbackBody,
    CounterChange,
    Outcome,
    Photo,
    PhotoState,
    ProviderCallback,
    ReviewType,
    Tag,
    TagKind,
    Verification,
)
from verifications.search import folded
from verifications.statuses import PROVIDER_MAY, Standing, Status

EPOCH = datetime.fromtimestamp(0, UTC)
# What applying writes on the callback's row; how often it came in is counted by others meanwhile.
SETTLED = ["verification", "outcome", "overall", "is_final", "finished_at", "notice"]


@transaction.atomic
def apply(callback: ProviderCallback, body: dict[str, Any]) -> None:
    """Does with an accepted body what the rules say, and notes on its row what that was."""
    if callback.event == provider.EXPIRATION:
        _note_expiration(callback, body)
    else:
        _apply_identification(callback, provider.identification(body))
    if callback.outcome == Outcome.DISPOSED:
        CallbackBody.objects.filter(callback=callback).delete()
        vault.erase(vault.owner_of(callback.partner_id, body["scanRef"]))
        callback.overall = ""
    callback.save(update_fields=SETTLED)


def apply_kept(verification: Verification) -> None:
    """After an undo: the newest callback that waited behind the person's decision speaks again."""
    kept = verification.callbacks.filter(outcome=Outcome.DECIDED).select_related("body", "partner")
    newest = max(kept, key=order, default=None)
    if newest is not None:
        # What does not open is in the log; the decision is taken back all the same.
        with contextlib.suppress(vault.DoesNotOpen):
            raw = vault.opened(newest.body, of=verification)
            apply(newest, provider.read(raw, newest.event))


def _note_expiration(callback: ProviderCallback, body: dict[str, Any]) -> None:
    callback.verification = verification = _locked(callback, body["scanRef"])
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
    verification = _locked(callback, received.scan_ref)
    if verification is None:
        callback.verification = _begin(callback, received)
        callback.outcome = Outcome.APPLIED
        return
    callback.verification = verification
    callback.outcome = _outcome(callback, received, verification)
    if callback.outcome == Outcome.APPLIED and received.standing:
        _update(callback, received, verification, received.standing)
    elif callback.outcome == Outcome.DECIDED and callback.event == provider.RESUBMITTED:
        _show_new_data(callback, received, verification)


def _locked(callback: ProviderCallback, scan_ref: str) -> Verification | None:
    rows = TO_UPDATE.instances(partner=callback.partner_id, scan_ref=scan_ref)
    for found in rows:
        found.partner = callback.partner
        vault.share(callback, found)
    return rows[0] if rows else None


def _to_update() -> QuerySet[Verification]:
    rows = Verification.objects.filter(partner=Slot("partner"), scan_ref=Slot("scan_ref"))
    return rows.select_for_update().order_by()  # Alone: what is joined is as old as the wait.


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
    tags = _told_tags(verification, received)
    lifecycle.begin(verification, at, tags, callback.event if received.standing else "")
    _write_photos(verification, received, known=[])
    return verification


def _update(
    callback: ProviderCallback,
    received: provider.Received,
    verification: Verification,
    told: Standing,
) -> None:
    tags = list(verification.tags.all())
    counted = _write_tags(verification, received, tags)
    _write_photos(verification, received, known=verification.photos.all())
    to = _without_removed_suspicion(verification, received, tags, told)
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
    _write_photos(verification, received, known=verification.photos.all())
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


def _told_tags(verification: Verification, received: provider.Received) -> list[Tag]:
    told = {(TagKind.MISMATCH, code) for code in received.mismatch_tags}
    told |= {(TagKind.FRAUD, code) for code in received.fraud_tags}
    return [Tag.of(verification, kind=kind, code=code) for kind, code in sorted(told)]


def _write_tags(
    verification: Verification, received: provider.Received, tags: list[Tag]
) -> list[CounterChange]:
    """As the body says; what staff took away stays away. Gives what changes in the counters."""
    told = {(tag.kind, tag.code): tag for tag in _told_tags(verification, received)}
    known = {(tag.kind, tag.code): tag for tag in tags}
    gone = [tag for key, tag in known.items() if key not in told and tag.removed_at is None]
    fresh = [tag for key, tag in told.items() if key not in known]
    if gone:
        Tag.objects.filter(pk__in=[tag.pk for tag in gone]).delete()
    insert(*fresh)
    return [*counters.tags(verification, gone, -1), *counters.tags(verification, fresh, 1)]


def _without_removed_suspicion(
    verification: Verification, received: provider.Received, tags: list[Tag], to: Standing
) -> Standing:
    """A removed tag never raises suspicion again, where it was all there was."""
    removed = {(tag.kind, tag.code) for tag in tags if tag.removed_at}
    told = {(tag.kind, tag.code) for tag in _told_tags(verification, received)}
    if to.suspected and told and told <= removed:
        return Standing(to.status, False)
    return to


def _write_photos(
    verification: Verification, received: provider.Received, known: Iterable[Photo]
) -> None:
    """Links of pictures that we do not have yet; ours are never replaced."""
    photos = {photo.kind: photo for photo in known}
    fresh = []
    for kind, link in received.photos.items():
        photo = photos.get(kind) or Photo(verification=verification, kind=kind)
        if photo.state == PhotoState.STORED or _is_offered(photo, link):
            continue
        photo.sealed_source = vault.sealed(photo, link.encode(), "sealed_source")
        photo.attempts = 0
        photo.state, photo.why = _photo_state(kind, link)
        photo.due_at = timezone.now() if photo.state == PhotoState.WAITING else None
        if photo.pk:
            photo.save()
        else:
            fresh.append(photo)
    insert(*fresh)


def _is_offered(photo: Photo, link: str) -> bool:
    """Whether it is this very link that is known of the picture."""
    try:
        return bool(photo.pk) and vault.opened(photo, "sealed_source") == link.encode()
    except vault.DoesNotOpen:
        return False


def _photo_state(kind: str, link: str) -> tuple[PhotoState, str]:
    if not provider.is_usable_link(link):
        return PhotoState.UNUSABLE, "Not a web address that may be fetched."
    if kind.endswith("_VIDEO"):
        return PhotoState.UNUSABLE, "A video: only pictures are fetched."
    return PhotoState.WAITING, ""
