"""Specimen photos: documents and faces drawn by the program, each marked as a specimen.

Grounds, portraits and letters are drawn once and used again, so that thousands cost seconds.
"""

import io
import math
import re
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from verifications.demo import mrz, portraits
from verifications.demo.bodies import Attempt, born_on, document_days

WIDE, HIGH = 640, 400
CONTENT_TYPE = "image/jpeg"
DESK = (92, 86, 80)
INK, PALE_INK, MARK = (34, 42, 54), (96, 106, 118), (150, 32, 44)
# Paper, lines on it, band.
PALETTES = [
    ((226, 236, 232), (172, 200, 194), (44, 96, 92)),
    ((236, 232, 222), (212, 196, 166), (124, 82, 46)),
    ((226, 231, 241), (176, 190, 220), (48, 70, 128)),
    ((238, 228, 233), (216, 184, 198), (120, 48, 82)),
]
TITLES = {
    "ID_CARD": "IDENTITY CARD",
    "PASSPORT": "PASSPORT",
    "DRIVER_LICENSE": "DRIVING LICENCE",
    "RESIDENCE_PERMIT": "RESIDENCE PERMIT",
}
# Where each text has its place, its label above it.
FRONT = {
    "Surname": (212, 88),
    "Given names": (212, 132),
    "Date of birth": (212, 176),
    "Sex": (350, 176),
    "Nationality": (410, 176),
    "Date of issue": (212, 220),
    "Date of expiry": (350, 220),
    "Document no.": (212, 264),
}
BACK = {"Personal code": (176, 92), "Place of birth": (176, 140), "Authority": (176, 188)}


class Photo:
    """One finished picture."""

    def __init__(self, picture: Image.Image) -> None:
        self.width, self.height = picture.size
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=64)
        self.raw = written.getvalue()


def draw(kind: str, attempt: Attempt, document_type: str) -> Photo:
    """FRONT, BACK or FACE of this attempt's applicant."""
    if kind == "FACE":
        it = attempt.applicant
        return _selfie(it.seed % portraits.FACES, it.sex)
    return Photo((_front if kind == "FRONT" else _back)(attempt, document_type))


@cache
def _selfie(face: int, sex: str) -> Photo:
    picture = portraits.selfie(face, sex)
    _stamp(picture)
    return Photo(picture)


def _zone(attempt: Attempt) -> mrz.Zone:
    it = attempt.applicant
    _, expires = document_days(attempt)
    family, given = it.family.latin, it.given.latin
    return mrz.Zone(family, given, it.number, it.personal_code, born_on(attempt), it.sex, expires)


def _front(attempt: Attempt, document_type: str) -> Image.Image:
    it = attempt.applicant
    title = TITLES.get(document_type, "DOCUMENT")
    picture = _ground(title, len(it.country + it.city) % len(PALETTES)).copy()
    picture.paste(portraits.for_card(it.seed % portraits.FACES, it.sex, 148, 185), (40, 92))
    picture.paste(portraits.for_card(it.seed % portraits.FACES, it.sex, 56, 70), (536, 92))
    draw = ImageDraw.Draw(picture)
    issued, expires = document_days(attempt)
    texts = {
        "Surname": mrz.plain(it.family.latin),
        "Given names": mrz.plain(it.given.latin),
        "Date of birth": f"{born_on(attempt):%d %m %Y}",
        "Sex": it.sex[0],
        "Nationality": it.country,
        "Date of issue": f"{issued:%d %m %Y}",
        "Date of expiry": f"{expires:%d %m %Y}",
        "Document no.": it.number,
    }
    for label, text in texts.items():
        x, y = FRONT[label]
        draw.text((x, y + 14), text, fill=INK, font=_font(20 if len(text) < 24 else 14))
    _letters(picture, mrz.passport(_zone(attempt)), 322)
    _stamp(picture)
    return picture


def _back(attempt: Attempt, document_type: str) -> Image.Image:
    it = attempt.applicant
    palette = len(it.country + it.city) % len(PALETTES)
    picture = _reverse(TITLES.get(document_type, "DOCUMENT"), palette).copy()
    draw = ImageDraw.Draw(picture)
    texts = {
        "Personal code": it.personal_code,
        "Place of birth": mrz.plain(it.city.partition(",")[0]),
        "Authority": "SPECIMEN OFFICE",
    }
    for label, text in texts.items():
        x, y = BACK[label]
        draw.text((x, y + 14), text, fill=INK, font=_font(20))
    _letters(picture, mrz.card(_zone(attempt)), 276)
    _stamp(picture)
    return picture


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The one that the library carries: the demo looks the same on every machine."""
    return ImageFont.load_default(size)


@cache
def _ground(title: str, palette: int) -> Image.Image:
    """Paper with a band and fine lines, lying on a desk."""
    paper, lines, band = PALETTES[palette]
    wide, high = WIDE * 2, HIGH * 2
    sheet = Image.new("RGB", (wide, high), paper)
    draw = ImageDraw.Draw(sheet)
    _guilloche(draw, lines)
    draw.rectangle((0, 0, wide, 132), fill=band)
    draw.text((80, 48), title, fill=paper, font=_font(52))
    draw.text((wide - 80, 44), "UTOPIA", fill=paper, font=_font(36), anchor="ra")
    draw.text((wide - 80, 88), "no such country", fill=lines, font=_font(22), anchor="ra")
    return _on_a_desk(sheet, FRONT)


@cache
def _reverse(title: str, palette: int) -> Image.Image:
    paper, lines, band = PALETTES[palette]
    sheet = Image.new("RGB", (WIDE * 2, HIGH * 2), paper)
    draw = ImageDraw.Draw(sheet)
    _guilloche(draw, lines)
    draw.rectangle((0, 48, WIDE * 2, 132), fill=band)
    draw.text((80, 70), title, fill=paper, font=_font(36))
    draw.rounded_rectangle((84, 196, 276, 350), 22, fill=(206, 178, 104), outline=(140, 116, 60))
    for y in (234, 272, 310):
        draw.line((84, y, 276, y), fill=(140, 116, 60), width=3)
    draw.line((180, 196, 180, 350), fill=(140, 116, 60), width=3)
    draw.ellipse((980, 180, 1160, 360), outline=lines, width=10)
    draw.ellipse((1010, 210, 1130, 330), outline=lines, width=6)
    return _on_a_desk(sheet, BACK)


def _guilloche(draw: ImageDraw.ImageDraw, colour: tuple[int, int, int]) -> None:
    for line in range(17):
        points = [
            (x, line * 50 + 30 * math.sin(x / 90 + line / 2) * math.cos(x / 310))
            for x in range(0, WIDE * 2 + 20, 20)
        ]
        draw.line(points, fill=colour, width=2)


def _on_a_desk(sheet: Image.Image, labels: dict[str, tuple[int, int]]) -> Image.Image:
    desk = Image.new("RGB", sheet.size, DESK)
    corners = Image.new("L", sheet.size, 0)
    box = (20, 20, sheet.width - 21, sheet.height - 21)
    ImageDraw.Draw(corners).rounded_rectangle(box, 44, fill=255)
    desk.paste(sheet, (0, 0), corners)
    for label, (x, y) in labels.items():
        ImageDraw.Draw(desk).text((x * 2, y * 2), label, fill=PALE_INK, font=_font(22))
    return desk.resize((WIDE, HIGH), Image.Resampling.BOX)


@cache
def _signs(signs: str, pitch: int) -> Image.Image:
    """Signs of the machine-readable zone, each in a cell of its own: all are equally wide."""
    size = min(pitch, 16)
    strip = Image.new("L", (pitch * len(signs), size * 2), 0)
    draw = ImageDraw.Draw(strip)
    for place, sign in enumerate(signs):
        middle = (place * pitch + size / 2, size * 1.5)
        draw.text(middle, sign, fill=255, font=_font(size + 4), anchor="ms")
    return strip


def _letters(picture: Image.Image, lines: list[str], top: int) -> None:
    pitch = (WIDE - 72) // len(lines[0])
    picture.paste((244, 245, 243), (11, top - 8, WIDE - 11, top + 22 * len(lines) + 8))
    for row, line in enumerate(lines):
        for found in re.finditer("<+|.", line):
            place = (36 + found.start() * pitch, top - 4 + row * 22)
            picture.paste(INK, place, _signs(found[0], pitch))


@cache
def _mark(wide: int, high: int) -> Image.Image:
    """SPECIMEN from corner to corner."""
    length = round(math.hypot(wide, high))
    band = Image.new("L", (length, length), 0)
    font = _font(round(length / 6.2))
    middle = (length / 2, length / 2)
    ImageDraw.Draw(band).text(middle, "SPECIMEN", fill=104, font=font, anchor="mm")
    turned = band.rotate(math.degrees(math.atan2(high, wide)), Image.Resampling.BICUBIC)
    left, top = (length - wide) // 2, (length - high) // 2
    return turned.crop((left, top, left + wide, top + high))


def _stamp(picture: Image.Image) -> None:
    picture.paste(MARK, (0, 0), _mark(*picture.size))
