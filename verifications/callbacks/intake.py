"""What comes in: kept and applied at once; where it cannot be applied, it is kept all the same."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.insertions import insert, insert_missing
from accounts.models import Partner
from accounts.statements import Slot, Statement
from accounts.updates import update
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


class Reading(NamedTuple):
    """How far a body could be read; `body` is None where it is refused."""

    stage: Stage
    problem: str
    body: dict[str, Any] | None
    scan_ref: str


@dataclass(frozen=True)
class Arrival:
    partner: Partner
    event: str
    raw: bytes
    digest: str
    received_at: datetime
    reading: Reading

    def row(self) -> ProviderCallback:
        return ProviderCallback(
            partner=self.partner,
            event=self.event,
            digest=self.digest,
            received_at=self.received_at,
            stage=self.reading.stage,
            problem=self.reading.problem,
        )


def receive(
    partner: Partner, event: str, raw: bytes, *, received_at: datetime | None = None
) -> Receipt:
    """Keeps a rightly signed body once, and applies it; `received_at` is for history."""
    event = provider.event_of(event)
    reading, digest = _read(raw, event), hashlib.sha256(raw).hexdigest()
    arrival = Arrival(partner, event, raw, digest, received_at or timezone.now(), reading)
    if (body := reading.body) is None:
        return _keep(arrival)
    # Where it cannot be applied it is kept all the same, and answered with 200: support sees it
    # waiting, and the worker applies it again.
    return _tried(arrival.digest, lambda: _keep_and_apply(arrival, body)) or _keep(arrival)


def _tried(digest: str, apply: Callable[[], Receipt]) -> Receipt | None:
    """None: a fault, which is in the log, and which left nothing behind."""
    try:
        return _or_follow(apply)
    except Exception:
        log.exception("callback %s could not be applied", digest)
        return None


def _or_follow(apply: Callable[[], Receipt]) -> Receipt:
    try:
        return apply()
    except IntegrityError:
        # Another body began the same verification at this moment: now there is a row to lock.
        return apply()


@transaction.atomic
def _keep_and_apply(arrival: Arrival, body: dict[str, Any]) -> Receipt:
    """In one transaction: before it is committed nobody is answered, and what was not answered the
    provider sends again.
    """
    callback = arrival.row()
    if not insert_missing(callback):
        return _count_again(callback)
    verification = effect.locked(callback, arrival.reading.scan_ref)
    if _keep_body(callback, arrival, verification):
        effect.apply(callback, body, verification)
    return Receipt(callback)


@transaction.atomic
def _keep(arrival: Arrival) -> Receipt:
    """Waits for nobody who has the verification."""
    callback, scan_ref = arrival.row(), arrival.reading.scan_ref
    if not insert_missing(callback):
        return _count_again(callback)
    disposed = DISPOSED.instances(partner=callback.partner_id, scan_ref=scan_ref)
    _keep_body(callback, arrival, next(iter(disposed), None))
    return Receipt(callback)


def _count_again(callback: ProviderCallback) -> Receipt:
    same = ProviderCallback.objects.filter(
        partner=callback.partner_id, event=callback.event, digest=callback.digest
    )
    same.update(times_received=F("times_received") + 1)
    return Receipt(same.get(), is_repeated=True)


def _disposed() -> QuerySet[Verification]:
    rows = Verification.objects.filter(partner=Slot("partner"), scan_ref=Slot("scan_ref"))
    return rows.filter(disposed_at__isnull=False).order_by()


DISPOSED = Statement(_disposed)


def _keep_body(
    callback: ProviderCallback, arrival: Arrival, verification: Verification | None
) -> bool:
    """Whether it was kept: of a verification that was disposed of it is not."""
    if verification is None or verification.disposed_at is None:
        body = CallbackBody(callback=callback)
        _seal(body, arrival.raw, arrival.reading.scan_ref, of=verification)
        return True
    callback.verification = verification
    if callback.stage == Stage.ACCEPTED:
        callback.outcome = Outcome.DISPOSED
    update(callback, "verification", "outcome")
    return False


def _seal(row: CallbackBody, raw: bytes, scan_ref: str, *, of: Verification | None = None) -> None:
    """Under the key of the verification that it tells of, whether or not that has a row yet."""
    own = vault.owner_of_unread(row.callback)
    owner = vault.owner_of(row.callback.partner_id, scan_ref) if scan_ref else own
    if row.owner == owner.name:
        return
    was_unread, row.owner = row.owner == own.name, owner.name
    if of is None:
        vault.presume_new(row.callback, owner)
    try:
        row.sealed = vault.sealed(row, raw, of=of)
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


def _read(raw: bytes, event: str) -> Reading:
    try:
        body = provider.read(raw, event)
    except provider.Unreadable as refusal:
        return Reading(Stage(refusal.stage), refusal.problem, None, refusal.scan_ref)
    return Reading(Stage.ACCEPTED, "", body, body["scanRef"])


class Settled(Exception):
    """It was applied by now, or need not be."""


@transaction.atomic
def reapply(callback: ProviderCallback) -> ProviderCallback:
    """Reads a kept body again, after a fix; where it still cannot be applied it goes on waiting.

    Gives its row as it is then. Raises Settled, vault.DoesNotOpen, or CallbackBody.DoesNotExist:
    it was erased.
    """
    raw = vault.opened(callback.body)
    reading = _read(raw, callback.event)
    # First the verification and then what tells of it, as whoever decides or disposes does.
    effect.locked(callback, reading.scan_ref)
    rows = ProviderCallback.objects.select_for_update(of=("self",)).select_related("partner")
    callback = rows.get(pk=callback.pk)
    if callback.stage == Stage.ACCEPTED and callback.outcome != Outcome.WAITING:
        raise Settled
    callback.stage, callback.problem = reading.stage, reading.problem
    update(callback, "stage", "problem")
    _seal(callback.body, raw, reading.scan_ref)
    if (body := reading.body) is None or callback.outcome != Outcome.WAITING:
        return callback
    if not _tried(callback.digest, lambda: _apply(callback, body)):
        callback.refresh_from_db()
    return callback


@transaction.atomic
def _apply(callback: ProviderCallback, body: dict[str, Any]) -> Receipt:
    effect.apply(callback, body, effect.locked(callback, body["scanRef"]))
    return Receipt(callback)
