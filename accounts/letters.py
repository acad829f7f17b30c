"""The one door by which letters go out: written in a transaction, sent by the worker after it.

So no request waits for a mail server, and none is lost with a process. One that does not go is
logged, and stops no other.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from email.errors import MessageError
from smtplib import SMTPRecipientsRefused
from typing import Any
from uuid import UUID

from django.core.mail import DNS_NAME, EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from django.db.models import F, Min, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import sealing
from accounts.models import Invitation, Letter, Membership, Partner, Rank

log = logging.getLogger(__name__)

# Letters that Python still writes as others in the name of a domain: somebody else's.
OTHERWISE = {"ß", "ς", "\u200c", "\u200d"}
# What Python raises at an address, at a header and on the way; SMTP's own are OSErrors.
TROUBLE = (OSError, ValueError, MessageError)

# Between one try and the next; the last again and again, as long as the letter is of use.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
)
LASTS = timedelta(days=1)
# Longer than a mail server may take for one letter, the time limit counting for each answer.
LEASE = timedelta(minutes=5)
AT_ONCE = 20
LATE = timedelta(minutes=10)


def can_go_to(address: str) -> bool:
    """Between quotes an address may hold what would be read as another header."""
    try:
        sanitize_address(address, "utf-8")
    except TROUBLE:
        return False
    local, _, domain = address.rpartition("@")
    return local.isascii() and '"' not in local and not OTHERWISE & set(domain)


def write(
    to: str,
    subject: str,
    template: str,
    context: dict[str, Any],
    *,
    invitation: Invitation | None = None,
) -> None:
    """In the transaction of what it tells of: both happen, or neither."""
    post(to, subject, render_to_string(template, context), invitation=invitation)


def to_admins(partner: Partner, subject: str, template: str, context: dict[str, Any]) -> int:
    """One each; gives how many."""
    admins = Membership.objects.active().filter(partner=partner, role__rank=Rank.ADMIN)
    emails = list(admins.order_by("user__email").values_list("user__email", flat=True))
    for to in emails:
        write(to, f"{partner.name}: {subject}", template, {"partner": partner, **context})
    return len(emails)


def post(
    to: str,
    subject: str,
    body: str,
    *,
    lasts: timedelta = LASTS,
    invitation: Invitation | None = None,
) -> None:
    """`lasts` is how long it is of use; to an empty address nothing is sent, at the same cost."""
    letter = Letter(until=timezone.now() + lasts, invitation=invitation)
    letter.content = {"to": [to], "subject": subject, "body": body}
    letter.save(force_insert=True)


def withdraw(invitation: Invitation) -> None:
    """Its link has ended."""
    Letter.objects.filter(invitation=invitation).delete()


def late_since() -> datetime | None:
    """Since when a letter waits that should be gone: no worker runs, or no mail server takes it."""
    late = Letter.objects.filter(due_at__isnull=False, written_at__lt=timezone.now() - LATE)
    since: datetime | None = late.aggregate(since=Min("written_at"))["since"]
    return since


def send_due() -> int:
    """By one connection, until a server says nothing. Gives how many were due."""
    due = Letter.objects.filter(due_at__lte=timezone.now())
    in_turn = due.order_by("tries", "due_at", "written_at")
    keys = list(in_turn.values_list("pk", flat=True)[:AT_ONCE])
    if not keys:
        return 0
    connection = get_connection()
    away = _opened(connection)
    for key in keys:
        letter = _claim(key)
        if letter and letter.until <= timezone.now():
            _give_up(letter, "it is too old")
        elif letter:
            trouble = away or _send(letter, connection)
            _settle(letter, trouble)
            if not away and isinstance(trouble, TimeoutError):
                # Those that nothing was tried for yet come before this one the next time.
                break
    _close(connection)
    return len(keys)


def _opened(connection: BaseEmailBackend) -> Exception | None:
    try:
        connection.open()
    except TROUBLE as trouble:
        log.error("letters do not go out: %s", type(trouble).__name__)
        return trouble
    return None


def _close(connection: BaseEmailBackend) -> None:
    with suppress(*TROUBLE):
        connection.close()


def _claim(key: UUID) -> Letter | None:
    """For this worker alone, by pushing its time: a lease, should that worker die."""
    now = timezone.now()
    if not Letter.objects.filter(pk=key, due_at__lte=now).update(due_at=now + LEASE):
        return None
    return Letter.objects.filter(pk=key).first()


def _send(letter: Letter, connection: BaseEmailBackend) -> Exception | None:
    subject = ""
    try:
        # Sent twice, after a worker died in between, it is the same letter for a mail program.
        named = {"Message-ID": f"<{letter.pk}@{DNS_NAME}>"}
        message = EmailMessage(**letter.content, connection=connection, headers=named)
        subject = str(message.subject)
        message.send()
    except (*TROUBLE, sealing.DoesNotOpen) as trouble:
        log.error("a letter did not go out: %r: %s", subject, type(trouble).__name__)
        # It may have ended the connection: the next begins anew.
        _close(connection)
        return trouble
    return None


def _settle(letter: Letter, trouble: Exception | None) -> None:
    if trouble is None:
        Letter.objects.filter(pk=letter.pk).delete()
        return
    next_at = timezone.now() + WAITS[min(letter.tries, len(WAITS) - 1)]
    if _is_final(trouble) or next_at >= letter.until:
        _give_up(letter, type(trouble).__name__)
    else:
        _held(letter).update(due_at=next_at, tries=F("tries") + 1)


def _is_final(trouble: Exception) -> bool:
    """Whether it comes to the same however often it is tried."""
    if isinstance(trouble, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in trouble.recipients.values())
    # A worker that was not restarted yet lacks the newest key.
    return not isinstance(trouble, OSError | sealing.DoesNotOpen)


def _give_up(letter: Letter, why: str) -> None:
    log.error("letter %s was given up: %s", letter.pk, why)
    if letter.invitation_id:
        _held(letter).update(due_at=None, sealed=b"")
    else:
        _held(letter).delete()


def _held(letter: Letter) -> QuerySet[Letter]:
    """Where the lease ran out meanwhile it is another worker's."""
    return Letter.objects.filter(pk=letter.pk, due_at=letter.due_at)
