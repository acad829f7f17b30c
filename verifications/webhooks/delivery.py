"""From the outbox to the partner: a message that was claimed is sent, and settled.

No lock is held and no transaction is open while the partner thinks. A claim is a lease: should its
worker die, the message goes out once more when the lease is over, under the same id.
"""

import logging
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Kind
from verifications import transport, vault
from verifications.models import (
    AttemptAnswer,
    DeliveryBody,
    DeliveryState,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.webhooks import outbox, payloads, signing

log = logging.getLogger(__name__)

# Between one try and the next: three days in all, then it is given up.
WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=25),
    timedelta(minutes=2, seconds=30),
    timedelta(minutes=12),
    timedelta(minutes=45),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
)
LONGEST_WAIT = max(WAITS)
# So that a thousand messages that failed together do not come back together.
JITTER = 0.1
# A result is written again when the database was away for a moment: it costs a double sending.
SETTLE_AGAIN = (0.2, 1.0, 3.0)
GONE = 410
SHUT = "The endpoint's key or headers cannot be opened: give it new ones."
ASK_FOR_PATIENCE = (429, 503)


@dataclass(frozen=True, kw_only=True)
class Try:
    """What one sending came to; `code` is None where there was no answer."""

    started_at: datetime
    milliseconds: int
    code: int | None = None
    problem: str = ""
    content: bytes = b""
    retry_after: str = ""
    is_last: bool = False

    @property
    def is_success(self) -> bool:
        return self.code is not None and 200 <= self.code < 300


def attempt(delivery: WebhookDelivery) -> Try:
    """Sends a claimed message once, and writes down what came of it."""
    tried = _send(delivery)
    for pause in (*SETTLE_AGAIN, None):
        try:
            _settle(delivery, tried)
            break
        except (OperationalError, InterfaceError):
            if pause is None:
                raise
            connection.close()
            time.sleep(pause)
    outcome = tried.code or tried.problem
    log.info("delivery %s: %s in %d ms", delivery.pk, outcome, tried.milliseconds)
    return tried


def _send(delivery: WebhookDelivery) -> Try:
    now = timezone.now()
    try:
        raw = outbox.body_of(delivery)
        headers = _headers(delivery, raw, now)
    except payloads.Unsendable as why:
        return Try(started_at=now, milliseconds=0, problem=str(why), is_last=True)
    except vault.DoesNotOpen:
        # Its Admins may give it another key or other headers, and it goes on.
        return Try(started_at=now, milliseconds=0, problem=SHUT)
    started = time.monotonic()
    try:
        answer = transport.post(
            delivery.endpoint.address,
            raw,
            headers,
            allow_local=transport.allows_local(),
            timeout=transport.TIMEOUT,
        )
    except (transport.Forbidden, transport.Unreachable) as trouble:
        spent = round((time.monotonic() - started) * 1000)
        return Try(started_at=now, milliseconds=spent, problem=str(trouble)[:200])
    return Try(
        started_at=now,
        milliseconds=answer.milliseconds,
        code=answer.code,
        content=answer.content,
        retry_after=answer.retry_after,
    )


def _headers(delivery: WebhookDelivery, raw: bytes, now: datetime) -> dict[str, str]:
    endpoint = delivery.endpoint
    keys = [endpoint.signing_key]
    if endpoint.former_key and endpoint.former_key_until and now < endpoint.former_key_until:
        keys.append(endpoint.former_key)
    return signing.headers(
        keys,
        raw,
        event=delivery.event,
        message_id=str(delivery.pk),
        sequence=delivery.sequence,
        timestamp=int(now.timestamp()),
        own=endpoint.headers,
    )


@transaction.atomic
def _settle(delivery: WebhookDelivery, tried: Try) -> None:
    """Every try is written down; only the worker that still holds the claim moves the message."""
    locked = WebhookDelivery.objects.select_for_update(of=("self",)).annotate(now=Now())  # type: ignore[no-redef]
    row = locked.select_related("endpoint__partner").get(pk=delivery.pk)
    row.attempts += 1
    row.last_code = tried.code
    _write_down(row, tried, delivery.verification)
    if row.state == DeliveryState.WAITING and row.claimed_until == delivery.claimed_until:
        row.claimed_until = None
        _conclude(row, tried)
    row.save(
        update_fields=["attempts", "last_code", "state", "due_at", "claimed_until", "settled_at"]
    )


def _write_down(row: WebhookDelivery, tried: Try, of: Verification | None) -> None:
    written = WebhookAttempt.objects.create(
        delivery=row,
        number=row.attempts,
        started_at=tried.started_at,
        milliseconds=tried.milliseconds,
        code=tried.code,
        problem=tried.problem,
    )
    # What was erased meanwhile must not come back as a quotation.
    if tried.content and DeliveryBody.objects.filter(delivery=row).exists():
        answer = AttemptAnswer(attempt=written)
        answer.sealed = vault.sealed(answer, tried.content, of=of)
        answer.save(force_insert=True)


def _conclude(row: WebhookDelivery, tried: Try) -> None:
    if tried.is_success:
        row.state, row.settled_at = DeliveryState.DELIVERED, row.now
    elif tried.code == GONE:
        # It waits at the head of its queue until somebody switches the endpoint on again.
        row.due_at = row.now
        _switch_off(row.endpoint)
    elif tried.is_last or row.attempts > len(WAITS):
        row.state, row.settled_at = DeliveryState.GIVEN_UP, row.now
    else:
        row.due_at = row.now + _wait(row.attempts, tried, row.now)


def _switch_off(endpoint: WebhookEndpoint) -> None:
    why = "It answered 410: it wants no more."
    same = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True)
    if same.update(is_active=False, switched_off_why=why, revision=F("revision") + 1):
        audit.record(
            Kind.ENDPOINT_CHANGED,
            actor=None,
            partner=endpoint.partner,
            subject=endpoint.audit_subject,
            stream=endpoint.audit_stream,
            active=False,
            why=why,
        )


def _wait(attempts: int, tried: Try, now: datetime) -> timedelta:
    """Ours by the list; longer where the partner asks for patience, within bounds."""
    wait = WAITS[attempts - 1] * random.SystemRandom().uniform(1 - JITTER, 1 + JITTER)
    if tried.code in ASK_FOR_PATIENCE:
        wait = max(wait, min(_asked_for(tried.retry_after, now), LONGEST_WAIT))
    return wait


def _asked_for(retry_after: str, now: datetime) -> timedelta:
    """Retry-After is a number of seconds or a date; anything else asks for nothing."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return timedelta(seconds=int(retry_after))
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return timedelta()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
