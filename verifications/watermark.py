"""Who looked at a picture and when, written across it: a photo of the screen tells it too.

Knows no model. The mark is the number of the look's entry in the audit log, in letters that are
read off a screen without doubt (Crockford's base 32) with one more that finds a slip.
"""

import io
import math

from PIL import Image, ImageDraw, ImageFont

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECKS = DIGITS + "*~$=U"
ALIKE = str.maketrans("OIL", "011")
QUALITY = 90
# Of the picture's longer side: how large the letters are, and how far a line is from the next.
LETTERS, APART = 1 / 60, 1 / 7
SMALLEST = 11
ANGLE = 24
# Out of 255: seen where one looks for it, and no hindrance to a face or a line of print.
LIGHT, SHADE = 70, 60


class NoMark(ValueError):
    """Not a mark, or one with a slip in it."""


class NoPicture(ValueError):
    """Nothing that can be marked: not a JPEG, or a broken one."""


def code_of(number: int) -> str:
    """4711 → 4K7-B: digits in groups of four from the right, then the check."""
    digits, rest = "", number
    while rest:
        rest, digit = divmod(rest, len(DIGITS))
        digits = DIGITS[digit] + digits
    groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)]
    return "-".join([*reversed(groups), CHECKS[number % len(CHECKS)]])


def number_of(code: str) -> int:
    """However it was typed. Raises NoMark."""
    plain = code.upper().replace("-", "").replace(" ", "")
    digits, check = plain[:-1].translate(ALIKE), plain[-1:]
    if not digits or len(digits) > 13 or any(digit not in DIGITS for digit in digits):
        raise NoMark(code)
    number = 0
    for digit in digits:
        number = number * len(DIGITS) + DIGITS.index(digit)
    expected = CHECKS[number % len(CHECKS)]
    if check.translate(ALIKE if expected in DIGITS else {}) != expected:
        raise NoMark(code)
    return number


def marked(raw: bytes, text: str) -> bytes:
    """Our own stored JPEG with the text across it, as a JPEG of the same size. Raises NoPicture."""
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG",)) as stored:
            picture = stored.convert("RGB")
    except OSError:
        raise NoPicture from None
    mask = _mask(picture.size, text.encode("ascii", "replace").decode())
    # Light letters with a dark edge: there is no ground on which neither shows.
    picture.paste("black", mask=_moved(mask, SHADE))
    picture.paste("white", mask=mask.point(lambda value: value * LIGHT // 255))
    # Copies of before may still hold the comment of their original.
    picture.info.clear()
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _mask(size: tuple[int, int], text: str) -> Image.Image:
    """Rows of the text, slanting, over the whole picture: a crop of a face still holds one."""
    longer = max(size)
    letters = max(SMALLEST, round(longer * LETTERS))
    font = ImageFont.load_default(size=letters)
    side = math.ceil(math.hypot(*size))
    flat = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(flat)
    line = f"{text}     "
    width = max(1, round(draw.textlength(line, font=font)))
    step = max(letters * 2, round(longer * APART))
    for row, top in enumerate(range(0, side, step)):
        for left in range(-width // 2 * (row % 2), side, width):
            draw.text((left, top), line, fill=255, font=font)
    slanted = flat.rotate(ANGLE)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    return slanted.crop((left, top, left + size[0], top + size[1]))


def _moved(mask: Image.Image, strength: int) -> Image.Image:
    shade = Image.new("L", mask.size, 0)
    shade.paste(mask.point(lambda value: value * strength // 255), (1, 1))
    return shade
