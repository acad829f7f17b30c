"""Pictures from a stranger's address, against a real server on loopback."""

import io
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.storage import storages
from django.utils import timezone
from PIL import Image

from verifications import evidence, vault
from verifications.callbacks import photos, pictures
from verifications.models import Photo, PhotoState, Verification

Serve = Callable[..., str]


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (10, 120, 200)).save(made, kind)
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes and many pixels: every line is nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    line = b"\0" * (width * 3 + 1)
    packer = zlib.compressobj(1)
    lines = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


@pytest.fixture
def serve(settings: LazySettings) -> Iterator[Serve]:
    """Starts a server that answers with these bytes and this code; gives its address."""
    settings.DEMO = True
    servers = []

    def start(content: bytes, code: int = 200, location: str = "") -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(code)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                """Nothing on the screen of the tests."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/front.png"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fetched(
    approved: Verification, settings: LazySettings, tmp_path: Path
) -> Callable[[str], Photo]:
    """Lets the worker fetch this address, and gives what became of it."""
    settings.STORAGES = {
        **settings.STORAGES,
        "photos": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    approved.photos.all().delete()

    def fetch(address: str) -> Photo:
        photo = Photo(verification=approved, kind="FRONT", due_at=timezone.now())
        photo.sealed_source = vault.sealed(photo, address.encode(), "sealed_source")
        photo.save()
        assert photos.fetch_due() == 1
        photo.refresh_from_db()
        return photo

    return fetch


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_stored_as_our_own(serve: Serve, fetched: Callable, kind: str) -> None:
    original = picture(kind)
    photo = fetched(serve(original))
    assert (photo.state, photo.width, photo.height) == (PhotoState.STORED, 60, 40)
    with storages["photos"].open(photo.file_name) as stored:
        assert b"\xff\xd8\xff" not in stored.read()
    ours = evidence.picture(photo)
    assert ours[:3] == b"\xff\xd8\xff"
    assert ours != original


def test_the_link_of_a_picture_that_we_have_is_not_kept(serve: Serve, fetched: Callable) -> None:
    assert bytes(fetched(serve(picture())).sealed_source) == b""


def test_what_is_hidden_behind_a_picture_does_not_survive(serve: Serve, fetched: Callable) -> None:
    photo = fetched(serve(picture("PNG") + b"<script>alert(1)</script>"))
    assert b"script" not in evidence.picture(photo)


def test_where_a_picture_was_taken_does_not_survive() -> None:
    made, place = io.BytesIO(), Image.Exif()
    place[0x010E] = "secret place"
    Image.new("RGB", (9, 9)).save(made, "JPEG", exif=place)
    assert b"secret place" in made.getvalue()
    assert b"secret place" not in pictures.made_ours(made.getvalue()).raw


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\x00\x01\x00",
        picture()[:60],
        bomb(9_400, 9_400),
        bomb(13_000, 13_000),
    ],
    ids=["empty", "html", "svg", "gif", "truncated", "88 megapixels", "169 megapixels"],
)
def test_what_is_no_picture_is_shown_as_such(
    serve: Serve, fetched: Callable, content: bytes
) -> None:
    assert fetched(serve(content)).state == PhotoState.BROKEN


def test_a_bomb_costs_no_memory() -> None:
    script = (
        "import sys, resource; from verifications.callbacks import pictures\n"
        "raw = sys.stdin.buffer.read()\n"
        "try: pictures.made_ours(raw)\n"
        "except pictures.Broken: pass\n"
        "who = resource.RUSAGE_SELF\n"
        "print(resource.getrusage(who).ru_maxrss, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script], input=raw, capture_output=True, check=True
        ).stdout.split()
        for raw in (picture(), bomb(13_000, 13_000))
    ]
    (idle, idle_child), (ours, child) = ([int(kib) for kib in line] for line in told)
    assert ours - idle < 150 * 1024
    assert child - idle_child < 150 * 1024


def test_more_than_ten_mebibytes_are_not_read(serve: Serve, fetched: Callable) -> None:
    assert fetched(serve(b"x" * (photos.LARGEST + 1))).state == PhotoState.BROKEN


@pytest.mark.parametrize("code", [301, 302, 403, 404, 410])
def test_a_link_that_leads_nowhere_is_given_up(serve: Serve, fetched: Callable, code: int) -> None:
    photo = fetched(serve(b"", code, location="http://169.254.169.254/"))
    assert photo.state == PhotoState.FAILED


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(serve: Serve, fetched: Callable, code: int) -> None:
    photo = fetched(serve(b"", code))
    assert photo.state == PhotoState.WAITING
    assert photo.due_at
    assert photo.due_at > timezone.now()


def test_after_the_last_try_it_is_given_up(serve: Serve, fetched: Callable) -> None:
    photo = fetched(serve(b"", 503))
    for _ in photos.WAITS:
        Photo.objects.filter(pk=photo.pk).update(due_at=timezone.now())
        photos.fetch_due()
    photo.refresh_from_db()
    assert photo.state == PhotoState.FAILED


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/x.png",
        "https://127.0.0.1/x.png",
        "https://10.0.0.1/x.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x.png",
        "https://localhost/x.png",
    ],
)
def test_private_addresses_are_never_asked(
    fetched: Callable, settings: LazySettings, address: str
) -> None:
    settings.DEMO = False
    assert fetched(address).state == PhotoState.UNUSABLE


def test_only_the_hosts_of_the_setting_are_asked(
    serve: Serve, fetched: Callable, settings: LazySettings
) -> None:
    settings.PHOTO_HOSTS = ["media.example.test"]
    assert fetched(serve(picture())).state == PhotoState.UNUSABLE


def test_two_workers_never_fetch_the_same(serve: Serve, fetched: Callable) -> None:
    photo = fetched(serve(b"", 503))
    assert photos._claimed(photo.pk) is None
