"""The one door by which letters go out: one that does not go is logged, and stops no other."""

import logging
from email.errors import MessageError
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django.template.loader import render_to_string

from accounts.models import Membership, Partner, Rank

log = logging.getLogger(__name__)

# What Python raises at an address, at a header and on the way; SMTP's own are OSErrors.
TROUBLE = (OSError, ValueError, MessageError)


def can_go_to(address: str) -> bool:
    """Between quotes an address may hold what would be read as another header."""
    try:
        sanitize_address(address, "utf-8")
    except TROUBLE:
        return False
    local, _, _ = address.rpartition("@")
    return local.isascii() and '"' not in local


def write(to: str, subject: str, template: str, context: dict[str, Any]) -> bool:
    """Says whether it went out."""
    return send(EmailMessage(subject, render_to_string(template, context), to=[to]))


def to_admins(partner: Partner, subject: str, template: str, context: dict[str, Any]) -> int:
    """One each; gives how many went out."""
    admins = Membership.objects.active().filter(partner=partner, role__rank=Rank.ADMIN)
    context = {"partner": partner, **context}
    emails = admins.order_by("user__email").values_list("user__email", flat=True)
    return sum(write(to, f"{partner.name}: {subject}", template, context) for to in emails)


def send(letter: EmailMessage) -> bool:
    try:
        letter.send()
    except TROUBLE as trouble:
        log.error("a letter did not go out: %r: %s", letter.subject, type(trouble).__name__)
        return False
    return True
