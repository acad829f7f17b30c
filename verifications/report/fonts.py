"""The fonts of a report, and what none of them has a letter for. Knows no model.

They come with a package, so that a report is the same on every machine.
"""

import mmap
import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import weblate_fonts

from verifications import looks

HOME = Path(weblate_fonts.__file__).parent / "static" / "weblate_fonts"
FOLDERS = [str(HOME / family / "ttf") for family in ("source-sans", "source-code", "kurinto")]
WIDE = "Kurinto Sans"
# The same Chinese sign is written in another way in each of these countries.
HAN = {"CN": "SC", "TW": "TC", "HK": "TC", "MO": "TC", "JP": "JP", "KR": "KR"}
# What came in ends no line, and a private sign is whatever the font's maker likes.
NEVER_DRAWN = "\u2028\u2029\ue000-\uf8ff"
# Of the same Chinese sign another way to write it, with a number of its own.
KEPT_APART = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f])")
FULL_TABLE = 12


class Family(NamedTuple):
    """`covers` is the pattern of the only signs to take from it; none: it may draw any."""

    name: str
    covers: str | None = None


def families(country: str) -> list[Family]:
    """Where to look for a letter that the report's own font does not have, in this order. First for
    signs of which a font that lacks them draws another one.
    """
    styles = dict.fromkeys([HAN.get(country, "SC"), *HAN.values()])
    names = {style: f"{WIDE} {style}" for style in styles}
    apart = [Family(name, _kept_apart(style)) for style, name in names.items()]
    return [*apart, Family(WIDE), *map(Family, names.values())]


@cache
def _kept_apart(style: str) -> str:
    spans = _letters(HOME / "kurinto" / "ttf" / f"KurintoSans{style}-Rg.ttf")
    signs = (chr(sign) for first, last in spans for sign in range(first, last + 1))
    return f"[{''.join(filter(KEPT_APART.match, signs))}]"


def composed(text: str) -> str:
    """With its accents in its letters, and each Chinese sign the one that it is: composing would
    write a name of another one.
    """
    parts = KEPT_APART.split(text)
    return "".join(
        part if KEPT_APART.match(part) else unicodedata.normalize("NFC", part) for part in parts
    )


def spelled(text: str) -> str:
    """As it can be drawn: by its number what would be an empty box, or change how the text around
    it reads. An empty box is a wrong name.
    """
    written = composed(text)
    if written.isascii() and written.isprintable():
        return written
    return _undrawn().sub(_number, looks.shown(written))


def spelled_out(text: str) -> str:
    """Every sign but the plainest by its number: for those that combine in no font."""
    return re.sub(r"[^\x20-\x7e\n]", _number, text)


def _number(sign: re.Match[str]) -> str:
    return f"[U+{ord(sign.group()):04X}]"


@cache
def _undrawn() -> re.Pattern[str]:
    """What either weight lacks, both lack."""
    fonts = sorted((HOME / "kurinto" / "ttf").glob("*-Rg.ttf"))
    spans = sorted(span for font in fonts for span in _letters(font))
    drawn = "".join(f"\\U{first:08X}-\\U{last:08X}" for first, last in _merged(spans))
    return re.compile(f"[^\n{drawn}]|[{NEVER_DRAWN}]")


def _merged(spans: list[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    start, end = spans[0]
    for first, last in spans:
        if first > end + 1:
            yield start, end
            start = first
        end = max(end, last)
    yield start, end


def _letters(path: Path) -> Iterator[tuple[int, ...]]:
    """The spans of signs that an OpenType font has letters for: its table `cmap`, format 12."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as font:
        (count,) = struct.unpack_from(">H", font, 4)
        tables = dict(
            struct.unpack_from(">4s4xI", font, 12 + 16 * number) for number in range(count)
        )
        cmap = tables[b"cmap"]
        (count,) = struct.unpack_from(">H", font, cmap + 2)
        for number in range(count):
            (offset,) = struct.unpack_from(">I", font, cmap + 8 + 8 * number)
            (form,) = struct.unpack_from(">H", font, cmap + offset)
            if form == FULL_TABLE:
                (count,) = struct.unpack_from(">I", font, cmap + offset + 12)
                begin = cmap + offset + 16
                yield from struct.iter_unpack(">II4x", font[begin : begin + 12 * count])
                return
