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

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 25_000_000
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
        child = subprocess.run(  # noqa: S603
            [sys.executable, "-m", __name__],
            input=raw,
            capture_output=True,
            timeout=CHILD_SECONDS + 5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Broken("It took too long to read.") from None
    if child.returncode != 0:
        raise Broken("It cannot be read as a picture.")
    width, height = struct.unpack(">II", child.stdout[:8])
    return Picture(child.stdout[8:], width, height)


def _rewritten(raw: bytes) -> Picture:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(io.BytesIO(raw), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise Broken("Too many pixels.")
        image.load()
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    written = io.BytesIO()
    upright.save(written, "JPEG", quality=QUALITY)
    return Picture(written.getvalue(), upright.width, upright.height)


def _child() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    picture = _rewritten(sys.stdin.buffer.read())
    sys.stdout.buffer.write(struct.pack(">II", picture.width, picture.height) + picture.raw)


if __name__ == "__main__":
    _child()
