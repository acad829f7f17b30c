"""How things look in words and shapes. Presentation only: no queries. Times are UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from time import time

from verifications import codes
from verifications.statuses import Status

JOINERS = "\u200c\u200d"
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
FIGURES = [f"{number:02}" for number in range(60)]
EPOCH = date(1970, 1, 1).toordinal()


def shown(text: object) -> str:
    """Text of an applicant, with characters that change what is read made visible."""
    written = str(text or "")
    if written.isascii():
        return written
    return DIRECTION.sub(lambda sign: f"[U+{ord(sign.group()):04X}]", written)


def written(text: str) -> str:
    """Text of staff, in which letters and emoji may be joined."""
    if text.isascii():
        return text
    return DIRECTION.sub(lambda it: it[0] if it[0] in JOINERS else shown(it[0]), text)


def tone(status: str) -> str:
    return TONES.get(Status(status), "tone-idle")


def shape(status: str) -> str:
    return SHAPES.get(Status(status), "i-archive")


@lru_cache(maxsize=1024)
def label(code: str, family: str = "") -> str:
    return codes.find(code, family).label


def meaning(code: str, family: str = "") -> str:
    return codes.find(code, family).meaning


def finding_tone(code: str, family: str) -> str:
    """Of a face or document finding."""
    group = codes.find(code, family).group
    if group in GOOD:
        return "tone-good"
    return "tone-idle" if group in ("process", "") else "tone-bad"


def finding_shape(code: str, family: str) -> str:
    shapes = {"tone-good": "s-approved", "tone-bad": "s-denied"}
    return shapes.get(finding_tone(code, family), "s-active")


def duration(span: timedelta) -> str:
    """How long, in the two largest units: 2 d 4 h, 3 h 05 min, 12 min."""
    minutes = max(0, int(span.total_seconds())) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def clock(at: datetime) -> str:
    """18:04:05, from a table: a list says it fifty times, and formats take four times as long."""
    at = _utc(at)
    return f"{FIGURES[at.hour]}:{FIGURES[at.minute]}:{FIGURES[at.second]}"


def times(at: datetime) -> tuple[str, str, str]:
    """For programs; to the minute, today and yesterday by name, the year only where it is another;
    and in full: 26 November 2026, 18:04:05 UTC.
    """
    at = _utc(at)
    written, brief, full = _day_names(at.toordinal(), int(time()) // 86400 + EPOCH)
    second = clock(at)
    return f"{written}T{second}+00:00", f"{brief}, {second[:5]}", f"{full}, {second} UTC"


def seconds(at: datetime) -> tuple[str, str]:
    """For programs, as HTML knows no microseconds; and for people: 26 Nov 2026, 18:04:05."""
    at = _utc(at)
    written, full = _day_to_the_year(at.toordinal())
    second = clock(at)
    return f"{written}T{second}+00:00", f"{full}, {second}"


def exact(at: datetime) -> str:
    """To the second: 26 Nov 2026, 18:04:05."""
    return seconds(at)[1]


def minute(at: datetime) -> str:
    """To the minute: 26 Nov 2026, 18:04."""
    return exact(at)[:-3]


def iso(at: datetime) -> str:
    """For programs that read the page."""
    return seconds(at)[0]


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)


@lru_cache(maxsize=4096)
def _day_names(number: int, today_number: int) -> tuple[str, str, str]:
    """Of a day, by its number in the calendar, as seen today."""
    day, today = date.fromordinal(number), date.fromordinal(today_number)
    written, full = day.isoformat(), f"{day.day} {day:%B %Y}"
    if day == today:
        return written, "Today", full
    if number == today_number - 1:
        return written, "Yesterday", full
    return written, f"{day.day} {day:%b}" if day.year == today.year else full_day(day), full


@lru_cache(maxsize=4096)
def _day_to_the_year(number: int) -> tuple[str, str]:
    """Of a day, by its number in the calendar."""
    day = date.fromordinal(number)
    return day.isoformat(), full_day(day)


@lru_cache(maxsize=1024)
def full_day(day: date) -> str:
    """26 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


@lru_cache(maxsize=1024)
def day(day: date) -> str:
    """26 Nov."""
    return f"{day.day} {day:%b}"


@lru_cache(maxsize=1024)
def long_day(day: date) -> str:
    """26 November."""
    return f"{day.day} {day:%B}"


@lru_cache(maxsize=1024)
def weekday(day: date) -> str:
    """Thursday 26 November."""
    return f"{day:%A} {day.day} {day:%B}"


def spoken(at: datetime) -> str:
    """Thursday 26 November 2026, 18:04 UTC."""
    at = _utc(at)
    return f"{weekday(at.date())} {at.year}, {at:%H:%M} UTC"
