"""The address that the provider calls: answers JSON, never redirects."""

import logging
import secrets

from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from gunicorn.http.errors import ParseException

from accounts import access
from accounts.models import Partner
from accounts.sealing import DoesNotOpen
from accounts.statements import Slot, Statement, gathered
from verifications import vault
from verifications.callbacks import intake, provider
from verifications.models import Stage
from verifications.webhooks import outbox

log = logging.getLogger(__name__)

# Digits of a length that anybody could mean.
LONGEST_LENGTH = 18
ANSWERS = {Stage.SCHEMA: 422, Stage.ACCEPTED: 200}


def _called() -> QuerySet[Partner]:
    partner = Partner.objects.filter(key=Slot("key"), is_active=True)
    return outbox.with_open(vault.with_search_key(partner)).order_by()


CALLED = Statement(_called)


@access.signed
@csrf_exempt
@require_POST
def receive(request: HttpRequest, partner_key: str) -> JsonResponse:
    """A database that is away is told so, and the provider sends again."""
    try:
        return _receive(request, partner_key)
    except (OperationalError, InterfaceError):
        log.exception("callback could not be kept")
        return JsonResponse({"error": "unavailable"}, status=503, headers={"Retry-After": "5"})


def _receive(request: HttpRequest, partner_key: str) -> JsonResponse:
    if not (request.is_secure() or settings.PLAIN_HTTP):
        return JsonResponse({"error": "https only"}, status=403)
    try:
        raw = _raw(request)
    except (OSError, ParseException):
        return JsonResponse({"error": "the body broke off"}, status=400)
    if raw is None:
        _count("413")
        return JsonResponse({"error": "size", "largest": provider.LARGEST_BODY}, status=413)
    partner = _partner(partner_key)
    given = request.headers.get("Idenfy-Signature", "")
    key = _key(partner)
    if not provider.signature_matches(key, raw, given) or partner is None:
        _count("401")
        return JsonResponse({"error": "signature"}, status=401)
    receipt = intake.receive(partner, request.headers.get("Idenfy-Event-Type", ""), raw)
    return _answer(receipt)


def _partner(key: str) -> Partner | None:
    """With all that a first callback asks of it."""
    rows = CALLED.instances(key=key)
    if rows:
        rows[0].open_endpoints = gathered(rows, "endpoint")
    return rows[0] if rows else None


def _key(partner: Partner | None) -> str:
    """An unknown partner costs the same and is answered the same as a wrong signature.

    So is one whose key does not open, which is told in the log.
    """
    try:
        return partner.callback_key if partner else settings.SECRET_KEY
    except DoesNotOpen:
        log.error("the callback key of partner %s does not open", partner and partner.pk)
        return secrets.token_hex()


def _raw(request: HttpRequest) -> bytes | None:
    """The body up to the limit; None where it is larger, whatever Content-Length says."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if len(length) > LONGEST_LENGTH or int(length or 0) > provider.LARGEST_BODY:
        return None
    # Django takes a body that comes in chunks, without its length, for an empty one.
    in_chunks = not length and request.META.get("wsgi.input_terminated")
    stream = request.META["wsgi.input"] if in_chunks else request
    raw = stream.read(provider.LARGEST_BODY + 1)
    return raw if len(raw) <= provider.LARGEST_BODY else None


def _answer(receipt: intake.Receipt) -> JsonResponse:
    callback = receipt.callback
    status = ANSWERS.get(Stage(callback.stage), 400)
    if status == 200:
        return JsonResponse({"status": "repeated" if receipt.is_repeated else "stored"})
    return JsonResponse({"error": callback.stage, "problem": callback.problem}, status=status)


def _count(answer: str) -> None:
    """A refusal leaves a counter and, once a minute, a line in the log: nothing else."""
    name = f"callback-{answer}"
    total = cache.get(name, 0) + 1
    # Not incr(): it lets the counter expire after five minutes.
    cache.set(name, total, timeout=None)
    if cache.add(f"{name}-told", 1, timeout=60):
        log.warning("callback refused with %s, %s times so far", answer, total)
