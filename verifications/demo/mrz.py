"""The machine-readable zone of travel documents (ICAO 9303), for a country that does not exist."""

import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

# The code that the standard itself keeps for examples: Utopia.
NOWHERE = "UTO"
WEIGHTS = (7, 3, 1)
SPELLED = {
    "Æ": "AE",
    "Ø": "OE",
    "Œ": "OE",
    "ẞ": "SS",
    "Þ": "TH",
    "Ð": "D",
    "Đ": "D",
    "Ł": "L",
}


class Zone(NamedTuple):
    """What the zone tells."""

    family: str
    given: str
    number: str
    personal_code: str
    born_on: date
    sex: str
    expires_on: date


def plain(text: str) -> str:
    """Capital letters of the Latin alphabet, as the zone and a simple font can show them."""
    spelled = "".join(SPELLED.get(sign, sign) for sign in text.upper())
    parts = unicodedata.normalize("NFKD", spelled)
    return "".join(
        sign if sign.isalpha() else " " * (sign in " -") for sign in parts if sign.isascii()
    )


def passport(zone: Zone) -> list[str]:
    """Two lines of 44."""
    number = _checked(f"{zone.number:<<9}")
    dates = _checked(_day(zone.born_on)), zone.sex[0], _checked(_day(zone.expires_on))
    code = _checked(f"{zone.personal_code:<<14}")
    second = f"{number}{NOWHERE}{''.join(dates)}{code}"
    whole = f"{number}{dates[0]}{dates[2]}{code}"
    return [f"P<{NOWHERE}{_names(zone)}"[:44].ljust(44, "<"), second + digit(whole)]


def card(zone: Zone) -> list[str]:
    """Three lines of 30."""
    number = _checked(f"{zone.number:<<9}")
    first = f"I<{NOWHERE}{number}{zone.personal_code:<<15}"
    born, expires = _checked(_day(zone.born_on)), _checked(_day(zone.expires_on))
    second = f"{born}{zone.sex[0]}{expires}{NOWHERE}{'<' * 11}"
    whole = first[5:] + born + expires + "<" * 11
    return [first, second + digit(whole), _names(zone)[:30].ljust(30, "<")]


def digit(text: str) -> str:
    """The check digit: 0–9 count as they are, A–Z from ten, the filler nothing."""
    return str(sum(value * WEIGHTS[n % 3] for n, value in enumerate(_values(text))) % 10)


def _values(text: str) -> Iterable[int]:
    return (0 if sign == "<" else int(sign, 36) for sign in text)


def _checked(text: str) -> str:
    return text + digit(text)


def _day(day: date) -> str:
    return f"{day:%y%m%d}"


def _names(zone: Zone) -> str:
    return f"{plain(zone.family)}  {plain(zone.given)}".replace(" ", "<")
