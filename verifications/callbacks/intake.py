"""What comes in: kept first, then applied; a fault in applying loses nothing."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.insertions import insert
from accounts.models import Partner
from accounts.statements import Slot, Statement
from verifications import vault
from verifications.callbacks import effect, provider
from verifications.models import CallbackBody, Outcome, ProviderCallback, Stage, Verification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receipt:
    """What became of a body; `callback` is its row."""

    callback: ProviderCallback
    is_repeated: bool = False

    @property
    def is_accepted(self) -> bool:
        return self.callback.stage == Stage.ACCEPTED


def receive(
    partner: Partner, event: str, raw: bytes, *, received_at: datetime | None = None
) -> Receipt:
    """Keeps a rightly signed body once, and applies it; `received_at` is for history."""
    event = provider.event_of(event)
    digest = hashlib.sha256(raw).hexdigest()
    received_at = received_at or timezone.now()
    row = ProviderCallback(partner=partner, event=event, digest=digest, received_at=received_at)
    try:
        callback, body = _keep(row, raw)
    except IntegrityError:
        # Most bodies are new, so that it is not asked first.
        if repeated := _count_again(partner, event, digest):
            return Receipt(repeated, is_repeated=True)
        raise
    if body is not None:
        _apply(callback, body)
    return Receipt(callback)


def _apply(callback: ProviderCallback, body: dict[str, Any]) -> None:
    try:
        _apply_or_follow(callback, body)
    except Exception:
        # The body is kept, and answered with 200: support sees it waiting and applies it again.
        log.exception("callback %s could not be applied", callback.pk)
        callback.refresh_from_db()


def _apply_or_follow(callback: ProviderCallback, body: dict[str, Any]) -> None:
    try:
        effect.apply(callback, body)
    except IntegrityError:
        # Another body began the same verification at this moment: now there is a row to lock.
        callback.refresh_from_db()
        effect.apply(callback, body)


def _count_again(partner: Partner, event: str, digest: str) -> ProviderCallback | None:
    same = ProviderCallback.objects.filter(partner=partner, event=event, digest=digest)
    if not same.update(times_received=F("times_received") + 1):
        return None
    return same.get()


def _disposed() -> QuerySet[Verification]:
    rows = Verification.objects.filter(partner=Slot("partner"), scan_ref=Slot("scan_ref"))
    return rows.filter(disposed_at__isnull=False).order_by()


DISPOSED = Statement(_disposed)


@transaction.atomic
def _keep(callback: ProviderCallback, raw: bytes) -> tuple[ProviderCallback, dict[str, Any] | None]:
    body, scan_ref = _read_into(callback, raw)
    if _is_too_late(callback, scan_ref):
        insert(callback)
        return callback, None
    insert(callback)
    _seal(CallbackBody(callback=callback), raw, scan_ref)
    return callback, body


def _is_too_late(callback: ProviderCallback, scan_ref: str) -> bool:
    """Whether it tells of a verification that was disposed of; such a body is not even kept."""
    disposed = DISPOSED.instances(partner=callback.partner_id, scan_ref=scan_ref)
    callback.verification = next(iter(disposed), None)
    if callback.verification and callback.stage == Stage.ACCEPTED:
        callback.outcome = Outcome.DISPOSED
    return callback.verification is not None


def _seal(row: CallbackBody, raw: bytes, scan_ref: str) -> None:
    """Under the key of the verification that it tells of, whether or not that has a row yet."""
    own = vault.owner_of_unread(row.callback)
    owner = vault.owner_of(row.callback.partner_id, scan_ref) if scan_ref else own
    if row.owner == owner.name:
        return
    was_unread, row.owner = row.owner == own.name, owner.name
    vault.look_up(row.callback, owner, vault.search_owner(owner.partner_id))
    try:
        row.sealed = vault.sealed(row, raw)
    except vault.DoesNotOpen:
        # The verification's key was tampered with: the body is kept all the same.
        row.owner = own.name
        row.sealed = vault.sealed(row, raw)
    if row._state.adding:
        insert(row)
    else:
        row.save()
    if was_unread and row.owner != own.name:
        vault.erase(own)


def _read_into(callback: ProviderCallback, raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """The body, None where it is refused; and the scan ref, as far as it was read."""
    try:
        body = provider.read(raw, callback.event)
    except provider.Unreadable as refusal:
        callback.stage, callback.problem = Stage(refusal.stage), refusal.problem
        return None, refusal.scan_ref
    callback.stage, callback.problem = Stage.ACCEPTED, ""
    return body, body["scanRef"]


def reapply(callback: ProviderCallback) -> ProviderCallback:
    """Reads a kept body again, after a fix; where it still cannot be applied it goes on waiting.

    Raises vault.DoesNotOpen, or CallbackBody.DoesNotExist: it was erased.
    """
    raw = vault.opened(callback.body)
    with transaction.atomic():
        body, scan_ref = _read_into(callback, raw)
        callback.save(update_fields=["stage", "problem"])
        _seal(callback.body, raw, scan_ref)
    if body is not None and callback.outcome == Outcome.WAITING:
        _apply(callback, body)
    return callback
