"""The one door by which letters go out: one that does not go is logged, and stops no other."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from email.errors import MessageError
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from django.template.loader import render_to_string

from accounts.models import Membership, Partner, Rank

log = logging.getLogger(__name__)

# Letters that Python still writes as others in the name of a domain: somebody else's.
OTHERWISE = {"ß", "ς", "\u200c", "\u200d"}
# What Python raises at an address, at a header and on the way; SMTP's own are OSErrors.
TROUBLE = (OSError, ValueError, MessageError)


def can_go_to(address: str) -> bool:
    """Between quotes an address may hold what would be read as another header."""
    try:
        sanitize_address(address, "utf-8")
    except TROUBLE:
        return False
    local, _, domain = address.rpartition("@")
    return local.isascii() and '"' not in local and not OTHERWISE & set(domain)


def letter(to: str, subject: str, template: str, context: dict[str, Any]) -> EmailMessage:
    return EmailMessage(subject, render_to_string(template, context), to=[to])


def write(to: str, subject: str, template: str, context: dict[str, Any]) -> bool:
    """Says whether it went out."""
    return send(letter(to, subject, template, context))


def to_admins(partner: Partner, subject: str, template: str, context: dict[str, Any]) -> int:
    """One each; gives how many went out."""
    admins = Membership.objects.active().filter(partner=partner, role__rank=Rank.ADMIN)
    emails = admins.order_by("user__email").values_list("user__email", flat=True)
    subject, context = f"{partner.name}: {subject}", {"partner": partner, **context}
    return send_all([letter(to, subject, template, context) for to in emails])


def send_all(letters: Sequence[EmailMessage]) -> int:
    """By one connection: a server that says nothing is waited for once. Gives how many went out."""
    connection, sent = get_connection(), 0
    try:
        connection.open()
    except TROUBLE as trouble:
        log.error("%d letters did not go out: %s", len(letters), type(trouble).__name__)
        return 0
    for one in letters:
        one.connection = connection
        if send(one):
            sent += 1
        else:
            # It may have ended the connection: the next begins anew.
            _close(connection)
    _close(connection)
    return sent


def _close(connection: BaseEmailBackend) -> None:
    with suppress(*TROUBLE):
        connection.close()


def send(letter: EmailMessage) -> bool:
    try:
        letter.send()
    except TROUBLE as trouble:
        log.error("a letter did not go out: %r: %s", letter.subject, type(trouble).__name__)
        return False
    return True
