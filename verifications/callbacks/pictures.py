"""A stranger's picture made ours: decoded, capped, written anew. Knows no model, and no Django.

Decoding happens in a child process with limits on memory and time, for a picture of 20 KB can ask
for 800 MB. What comes back is a fresh JPEG: no metadata, nothing appended, one frame.
"""

import io
import resource
import struct
import subprocess
import sys
import warnings
from typing import NamedTuple

from PIL import Image, ImageOps

from verifications import children

# The decoder of WebP holds four copies of a picture.
MOST_PIXELS: dict[str, int] = {"JPEG": 25_000_000, "PNG": 25_000_000, "WEBP": 7_000_000}
LONGEST_SIDE = 2400
QUALITY = 90
CHILD_MEMORY = 512 * 1024 * 1024
CHILD_SECONDS = 10
CONTENT_TYPE = "image/jpeg"


class Broken(Exception):
    """Not a picture that can be shown."""


class Picture(NamedTuple):
    raw: bytes
    width: int
    height: int


def made_ours(raw: bytes) -> Picture:
    """Raises Broken, whatever happens to the child."""
    try:
        child = children.run(__name__, raw, seconds=CHILD_SECONDS + 5)
    except subprocess.TimeoutExpired:
        raise Broken("It took too long to read.") from None
    if child.returncode != 0:
        raise Broken("It cannot be read as a picture.")
    width, height = struct.unpack(">II", child.stdout[:8])
    return Picture(child.stdout[8:], width, height)


def _rewritten(raw: bytes) -> Picture:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = max(MOST_PIXELS.values())
    with Image.open(io.BytesIO(raw), formats=list(MOST_PIXELS)) as image:
        if image.width * image.height > MOST_PIXELS[str(image.format)]:
            raise Broken("Too many pixels.")
        upright = ImageOps.exif_transpose(_shrunk(image)).convert("RGB")
    # A JPEG's comment would be written again: text of a stranger.
    upright.info.clear()
    written = io.BytesIO()
    upright.save(written, "JPEG", quality=QUALITY)
    return Picture(written.getvalue(), upright.width, upright.height)


def _shrunk(image: Image.Image) -> Image.Image:
    """First of all, and never with two whole ones at once: the largest takes 100 MB."""
    image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
    if image.mode in ("P", "1"):
        whole = image.convert("RGB")
        image.close()
        return _thumbnail(whole)
    if image.mode in ("RGBA", "LA"):
        # Without what is transparent, one colour at a time.
        colours = [_thumbnail(image.getchannel(band)) for band in image.mode[:-1]]
        image.close()
        merged = Image.merge(image.mode[:-1], colours)
        merged.info = image.info
        return merged
    return _thumbnail(image)


def _thumbnail(image: Image.Image) -> Image.Image:
    factor = max(image.size) // LONGEST_SIDE
    if factor > 1 and not image.mode.startswith("I"):
        reduced = image.reduce(factor)
        image.close()
        image = reduced
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return image


def _child() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    picture = _rewritten(sys.stdin.buffer.read())
    sys.stdout.buffer.write(struct.pack(">II", picture.width, picture.height) + picture.raw)


if __name__ == "__main__":
    _child()
