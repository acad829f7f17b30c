"""Faces of nobody, drawn from a number: the same number, the same face."""

import random
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFilter

# So many faces are told apart; each is drawn once, whoever wears it.
FACES = 48
WIDE, HIGH = 400, 500
# Drawn larger and scaled down, which makes the edges smooth.
FINE = 2

Colour = tuple[int, int, int]

SKINS: list[Colour] = [
    (246, 217, 196),
    (235, 196, 168),
    (218, 172, 138),
    (192, 142, 106),
    (150, 104, 74),
    (108, 74, 54),
]
HAIRS: list[Colour] = [
    (38, 30, 28),
    (74, 50, 36),
    (120, 82, 48),
    (176, 132, 78),
    (96, 44, 30),
    (150, 148, 146),
]
CLOTHES: list[Colour] = [
    (58, 74, 104),
    (122, 62, 70),
    (70, 104, 88),
    (92, 82, 120),
    (60, 62, 68),
    (168, 128, 84),
]
WALLS: list[Colour] = [(206, 212, 214), (214, 206, 196), (198, 208, 202), (204, 202, 214)]
# Where the forehead ends.
HAIRLINES = {
    "long": (292, 336, 508, 560),
    "bob": (284, 352, 516, 570),
    "bun": (268, 290, 532, 560),
    "short": (270, 318, 530, 530),
    "side": (262, 300, 506, 530),
}


@dataclass(frozen=True)
class Look:
    skin: Colour
    hair: Colour
    clothes: Colour
    wall: Colour
    jaw: int
    brow: int
    cut: str
    beard: bool
    glasses: bool


@cache
def _look(face: int, sex: str) -> Look:
    chance = random.Random(f"{face} {sex}")  # noqa: S311
    cuts = ["long", "bob", "bun", "long"] if sex == "FEMALE" else ["short", "side", "bald", "short"]
    skin = chance.randrange(len(SKINS))
    hairs = HAIRS if skin < 3 else HAIRS[:2]
    return Look(
        skin=SKINS[skin],
        hair=chance.choice(hairs),
        clothes=chance.choice(CLOTHES),
        wall=chance.choice(WALLS),
        jaw=chance.randrange(-8, 9),
        brow=chance.randrange(-3, 4),
        cut=chance.choice(cuts),
        beard=sex == "MALE" and chance.random() < 0.4,
        glasses=chance.random() < 0.25,
    )


def selfie(seed: int, sex: str) -> Image.Image:
    """The person at home, in front of a wall. A copy that may be written on."""
    return _selfie(seed % FACES, sex).copy()


@cache
def _selfie(face: int, sex: str) -> Image.Image:
    wall = _look(face, sex).wall
    room = Image.new("RGB", (WIDE, HIGH), wall)
    draw = ImageDraw.Draw(room)
    draw.rectangle((0, 0, WIDE * (1 + face % 3) // 4, HIGH), fill=_shade(wall, 1.06))
    draw.rectangle((WIDE - 95, 35, WIDE - 25, 150), fill=_shade(wall, 0.88))
    draw.rectangle((WIDE - 88, 42, WIDE - 32, 143), fill=_shade(wall, 1.1))
    room = room.filter(ImageFilter.BoxBlur(2))
    person = _person(face, sex)
    room.paste(person, (0, 0), person)
    return room


@cache
def for_card(seed: int, sex: str, wide: int, high: int) -> Image.Image:
    """Head and shoulders on pale grey, as a document shows them."""
    ground = Image.new("RGB", (WIDE, HIGH), (226, 229, 228))
    person = _person(seed % FACES, sex)
    ground.paste(person, (0, 0), person)
    return ground.resize((wide, high), Image.Resampling.BOX, box=(60, 60, 340, 410))


def _shade(colour: Colour, by: float) -> Colour:
    red, green, blue = (max(0, min(255, round(part * by))) for part in colour)
    return red, green, blue


@cache
def _person(face: int, sex: str) -> Image.Image:
    look = _look(face, sex)
    picture = Image.new("RGBA", (WIDE * FINE, HIGH * FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    _hair_behind(draw, look)
    _shoulders(draw, look)
    _head(draw, look)
    _hair_before(draw, look)
    _features(draw, look)
    if look.glasses:
        _glasses(draw)
    return picture.resize((WIDE, HIGH), Image.Resampling.BOX)


def _hair_behind(draw: ImageDraw.ImageDraw, look: Look) -> None:
    dark = _shade(look.hair, 0.85)
    if look.cut == "long":
        draw.rounded_rectangle((226, 190, 574, 800), 150, fill=dark)
    elif look.cut == "bob":
        draw.rounded_rectangle((224, 190, 576, 620), 140, fill=dark)
    elif look.cut == "bun":
        draw.ellipse((320, 90, 480, 250), fill=dark)


def _shoulders(draw: ImageDraw.ImageDraw, look: Look) -> None:
    neck = _shade(look.skin, 0.86)
    draw.rounded_rectangle((60, 770, 740, 1240), 190, fill=look.clothes)
    draw.rectangle((332, 600, 468, 800), fill=neck)
    draw.ellipse((316, 730, 484, 860), fill=neck)
    draw.arc((306, 716, 494, 874), 0, 180, fill=_shade(look.clothes, 0.75), width=14)


def _head(draw: ImageDraw.ImageDraw, look: Look) -> None:
    shade, jaw = _shade(look.skin, 0.93), look.jaw
    draw.ellipse((236, 420, 288, 520), fill=shade)
    draw.ellipse((512, 420, 564, 520), fill=shade)
    draw.ellipse((256, 216, 544, 620), fill=look.skin)
    draw.rounded_rectangle((270 - jaw, 440, 530 + jaw, 690), 128, fill=look.skin)
    if look.beard:
        beard = _shade(look.hair, 1.1)
        draw.pieslice((266 - jaw, 420, 534 + jaw, 700), 8, 172, fill=beard)
        draw.ellipse((318, 520, 482, 640), fill=look.skin)
        draw.rounded_rectangle((340, 566, 460, 588), 10, fill=beard)


def _hair_before(draw: ImageDraw.ImageDraw, look: Look) -> None:
    if look.cut == "bald":
        draw.arc((252, 330, 300, 520), 130, 250, fill=look.hair, width=16)
        draw.arc((500, 330, 548, 520), 290, 50, fill=look.hair, width=16)
        return
    draw.chord((244, 190, 556, 580), 176, 364, fill=look.hair)
    if look.cut in ("long", "bob"):
        draw.pieslice((236, 210, 470, 640), 170, 292, fill=look.hair)
        draw.pieslice((380, 210, 564, 620), 260, 10, fill=look.hair)
    draw.ellipse(HAIRLINES[look.cut], fill=look.skin)


def _features(draw: ImageDraw.ImageDraw, look: Look) -> None:
    dark, line = _shade(look.hair, 0.7), _shade(look.skin, 0.66)
    for x in (338, 462):
        draw.ellipse((x - 27, 428, x + 27, 462), fill=(250, 249, 246))
        draw.ellipse((x - 14, 430, x + 14, 460), fill=(62, 48, 40))
        draw.ellipse((x - 3, 436, x + 5, 444), fill=(250, 250, 250))
        draw.arc((x - 30, 422, x + 30, 470), 195, 345, fill=dark, width=6)
        draw.arc((x - 42, 388 + look.brow, x + 42, 440), 205, 335, fill=dark, width=11)
    draw.line((404, 450, 392, 528), fill=line, width=5)
    draw.arc((376, 506, 424, 544), 20, 160, fill=line, width=6)
    draw.ellipse((352, 586, 448, 618), fill=_shade((196, 112, 104), look.skin[0] / 246))
    draw.arc((346, 566, 454, 606), 20, 160, fill=_shade(look.skin, 0.55), width=5)


def _glasses(draw: ImageDraw.ImageDraw) -> None:
    frame = (40, 42, 48)
    for x in (338, 462):
        draw.rounded_rectangle((x - 52, 406, x + 52, 486), 30, outline=frame, width=7)
    draw.arc((384, 426, 416, 460), 190, 350, fill=frame, width=7)
    draw.line((286, 436, 250, 446), fill=frame, width=7)
    draw.line((514, 436, 550, 446), fill=frame, width=7)
