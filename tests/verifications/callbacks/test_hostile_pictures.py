"""Pictures that want to be something else, or too much: each has a clear end and costs little."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest
from PIL import Image

from tests.verifications.callbacks.test_photos import bomb, picture

# Stands in each of them where a reader of another kind would look.
MARK = b"hit-7331"
HTML = b"<html><script>/*hit-7331*/alert(1)</script></html>"
MOST_KIB = 150 * 1024
READ = """
import resource, struct, sys
from verifications.callbacks import pictures
for line in iter(lambda: sys.stdin.buffer.read(4), b""):
    raw = sys.stdin.buffer.read(struct.unpack(">I", line)[0])
    try:
        answer = pictures.made_ours(raw).raw
    except pictures.Broken as broken:
        answer = b"Broken: " + str(broken).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sys.stdout.buffer.write(struct.pack(">II", own, child))
"""


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """Behind the head, which ends at 33."""
    return png[:33] + chunk(kind, content) + png[33:]


def frames(kind: str, count: int = 20, size: tuple[int, int] = (60, 40)) -> bytes:
    made = io.BytesIO()
    first, *others = [Image.new("RGB", size, (n * 9, 120, 200)) for n in range(count)]
    first.save(made, kind, save_all=True, append_images=others)
    return made.getvalue()


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("index.html", HTML)
    return made.getvalue()


def jpeg_with_comment(comment: bytes) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (60, 40)).save(made, "JPEG", comment=comment)
    return made.getvalue()


def with_metadata(kind: str) -> bytes:
    made, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = HTML.decode()
    Image.new("RGB", (60, 40)).save(made, kind, exif=exif.tobytes(), icc_profile=HTML)
    return made.getvalue()


def text_bomb(kind: bytes) -> bytes:
    """A text that is 200 MiB once unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    head = b"hit\0\0" if kind == b"zTXt" else b"hit\0\1\0\0\0"
    return with_chunk(picture(), kind, head + packed)


def lying(width: int, height: int) -> bytes:
    """A small picture that says it is large."""
    small = picture()
    head = chunk(b"IHDR", struct.pack(">II", width, height) + small[24:29])
    return small[:8] + head + small[33:]


def blank(kind: str, mode: str, side: int = 5000) -> bytes:
    made = io.BytesIO()
    Image.new(mode, (side, side)).save(made, kind)
    return made.getvalue()


WHOLE = {kind: picture(kind, (300, 200)) for kind in ("PNG", "JPEG", "WEBP")}
GIF_JS = b"GIF89a=1;/*" + b"\0" * 20 + b"*/alert('hit-7331')//"

# What becomes a picture of ours: its size.
TAKEN: dict[str, tuple[bytes, tuple[int, int]]] = {
    "an animated PNG": (frames("PNG"), (60, 40)),
    "an animated WebP": (frames("WEBP"), (60, 40)),
    "one pixel wide": (picture("PNG", (1, 65_500)), (1, 2400)),
    "one pixel high": (picture("PNG", (65_500, 1)), (2400, 1)),
    "one pixel by the most": (picture("PNG", (1, 65_535)), (1, 2400)),
    "the most by one pixel": (picture("PNG", (65_535, 1)), (2400, 1)),
    "25 megapixels": (bomb(5000, 5000), (2400, 2400)),
    **{
        f"25 megapixels, {kind} {mode}": (blank(kind, mode), (2400, 2400))
        for kind, modes in {"PNG": ("RGBA", "LA", "P"), "JPEG": ("RGB", "CMYK")}.items()
        for mode in modes
    },
    "7 megapixels, WebP": (blank("WEBP", "RGB", 2640), (2400, 2400)),
    "PNG and HTML": (picture() + HTML, (60, 40)),
    "HTML in a PNG's text": (with_chunk(picture(), b"tEXt", b"Comment\0" + HTML), (60, 40)),
    "HTML in a chunk of nobody": (with_chunk(picture(), b"hiTt", HTML), (60, 40)),
    "JPEG and ZIP": (WHOLE["JPEG"] + zipped(), (300, 200)),
    "HTML in a JPEG's comment": (jpeg_with_comment(HTML), (60, 40)),
    "script in a JPEG's comment": (jpeg_with_comment(b"*/=alert('hit-7331')/*"), (60, 40)),
    "HTML in EXIF and profile, JPEG": (with_metadata("JPEG"), (60, 40)),
    "HTML in EXIF and profile, PNG": (with_metadata("PNG"), (60, 40)),
    "HTML in EXIF and profile, WebP": (with_metadata("WEBP"), (60, 40)),
    "PDF behind a PNG": (picture() + b"%PDF-1.7 hit-7331", (60, 40)),
}
BROKEN: dict[str, bytes] = {
    "GIF and script": GIF_JS,
    "an animated GIF": frames("GIF"),
    "HTML before a PNG": HTML + picture(),
    "ZIP before a JPEG": zipped() + WHOLE["JPEG"],
    "a PNG in name only": b"\x89PNG\r\n\x1a\n" + HTML,
    "a JPEG in name only": b"\xff\xd8\xff\xe0" + HTML,
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>/*hit-7331*/</script></svg>",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(hit-7331) run",
    "TIFF": picture("TIFF"),
    "BMP": picture("BMP"),
    "ICO": picture("ICO"),
    "more than 25 megapixels": bomb(5001, 5000),
    "more than 7 megapixels, WebP": blank("WEBP", "RGB", 2700),
    "88 megapixels": bomb(9_400, 9_400),
    "169 megapixels": bomb(13_000, 13_000),
    "a text of 200 MiB": text_bomb(b"zTXt"),
    "an international text of 200 MiB": text_bomb(b"iTXt"),
    "65,535 by 65,535 in words": lying(65_535, 65_535),
    "4 thousand million by one in words": lying(2**31 - 1, 1),
    "5,000 by 5,000 in words": lying(5000, 5000),
    "no pixels": lying(0, 0),
    **{
        f"{kind} cut off after {part} %": raw[: len(raw) * part // 100]
        for kind, raw in WHOLE.items()
        for part in (1, 10, 50, 90)
    },
}


def read(*raws: bytes) -> list[tuple[bytes, int, int]]:
    """Each made ours by one process: the answer, and the most KiB that it and its children took."""
    told = subprocess.run(
        [sys.executable, "-c", READ],
        input=b"".join(struct.pack(">I", len(raw)) + raw for raw in raws),
        capture_output=True,
        check=True,
    ).stdout
    answers, at = [], 0
    while at < len(told):
        (length,) = struct.unpack_from(">I", told, at)
        answer = told[at + 4 : at + 4 + length]
        at += 4 + length
        answers.append((answer, *struct.unpack_from(">II", told, at)))
        at += 8
    return answers


@pytest.mark.slow
def test_each_has_a_clear_end_and_nothing_of_it_is_served() -> None:
    hostile = {name: raw for name, (raw, _) in TAKEN.items()} | BROKEN
    (_, own_idle, child_idle), *answers = read(picture(), *hostile.values())
    for name, (answer, own, child) in zip(hostile, answers, strict=True):
        assert own - own_idle < MOST_KIB, name
        assert child - child_idle < MOST_KIB, name
        assert MARK not in answer, name
        if name in BROKEN:
            assert answer == b"Broken: It cannot be read as a picture.", (name, answer[:60])
            continue
        with Image.open(io.BytesIO(answer), formats=["JPEG"]) as ours:
            assert ours.size == TAKEN[name][1], name
            assert set(ours.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}, name
    print(
        f"{len(hostile)} pictures; KiB above idle at most: {own - own_idle}, {child - child_idle}"
    )
