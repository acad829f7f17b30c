"""How things look in words and shapes. Presentation only: no queries."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.utils import timezone

from verifications import codes
from verifications.statuses import Status

register = template.Library()

# What would turn or hide the text around it: shown as what it is.
DIRECTION = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

TONES = {
    Status.APPROVED: "tone-good",
    Status.DENIED: "tone-bad",
    Status.REVIEWING: "tone-info",
}
SHAPES = {
    Status.APPROVED: "s-approved",
    Status.DENIED: "s-denied",
    Status.REVIEWING: "s-reviewing",
    Status.ACTIVE: "s-active",
    Status.EXPIRED: "s-expired",
}
GOOD = {"ok"}


@register.filter
def shown(text: object) -> str:
    """Text of an applicant, with characters that change what is read made visible."""
    return DIRECTION.sub(lambda sign: f"[U+{ord(sign.group()):04X}]", str(text or ""))


@register.filter
def status_label(status: str) -> str:
    return Status(status).label


@register.filter
def tone(status: str) -> str:
    return TONES.get(Status(status), "tone-idle")


@register.filter
def shape(status: str) -> str:
    return SHAPES.get(Status(status), "i-archive")


@register.filter
def label(code: str, family: str = "") -> str:
    return codes.find(code, family).label


@register.filter
def meaning(code: str, family: str = "") -> str:
    return codes.find(code, family).meaning


@register.filter
def finding_tone(code: str, family: str) -> str:
    """Of a face or document finding."""
    group = codes.find(code, family).group
    if group in GOOD:
        return "tone-good"
    return "tone-idle" if group in ("process", "") else "tone-bad"


@register.filter
def finding_shape(code: str, family: str) -> str:
    shapes = {"tone-good": "s-approved", "tone-bad": "s-denied"}
    return shapes.get(finding_tone(code, family), "s-active")


@register.filter
def duration(span: timedelta) -> str:
    """How long, in the two largest units: 2 d 4 h, 3 h 05 min, 12 min."""
    minutes = max(0, int(span.total_seconds())) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


@register.filter
def moment(at: datetime) -> str:
    """A time to the minute: today and yesterday by name, the year only where it is another."""
    return moment_at(timezone.localtime(at), timezone.localtime())


def moment_at(at: datetime, now: datetime) -> str:
    return f"{_day(at.date(), now.date())}, {at.hour:02}:{at.minute:02}"


@lru_cache(maxsize=1024)
def _day(day: date, today: date) -> str:
    ago = (today - day).days
    if ago in (0, 1):
        return "Yesterday" if ago else "Today"
    return f"{day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b %Y}"


def moment_in_full(at: datetime) -> str:
    """To the second: 26 November 2026, 18:04:05 UTC."""
    return f"{_day_in_full(at.date())}, {at.hour:02}:{at.minute:02}:{at.second:02} {at.tzname()}"


@lru_cache(maxsize=1024)
def _day_in_full(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


@register.filter
def iso(at: datetime) -> str:
    """For programs that read the page: HTML knows no microseconds."""
    return timezone.localtime(at).isoformat(timespec="seconds")
