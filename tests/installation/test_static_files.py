"""Style sheets and scripts: hashed, compressed, kept for ever; and few."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.template import engines
from django.test import Client

from accounts.models import User
from verifications import drawing
from verifications.models import Verification

BACKEND = "whitenoise.storage.CompressedManifestStaticFilesStorage"
LINKS = re.compile(r'(?:href|src)="(/static/[^"#]+)')


@pytest.fixture
def browser(settings: LazySettings, tmp_path: Path, ada: User) -> Iterator[Client]:
    """Ada's, before files that were collected as in production."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": BACKEND}}
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    call_command("collectstatic", interactive=False, verbosity=0)
    _forget()
    client = Client()
    client.force_login(ada)
    yield client
    _forget()


def _forget() -> None:
    """Addresses are worked out when a template is compiled."""
    engines["jinja2"].env.cache.clear()
    drawing.icon.cache_clear()
    drawing.badge.cache_clear()


def files_of(browser: Client, path: str) -> list[str]:
    page = browser.get(path)
    assert page.status_code == 200
    return sorted(set(LINKS.findall(page.content.decode())))


def test_every_file_of_a_page_is_hashed_compressed_and_kept(
    browser: Client, suspected: Verification
) -> None:
    for path in ("/", "/verifications/", f"/verifications/{suspected.scan_ref}/", "/filter/"):
        for file in files_of(browser, path):
            answer = browser.get(file, headers={"Accept-Encoding": "gzip, br"})
            body = b"".join(answer)
            assert answer.status_code == 200, file
            assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", file), file
            kept = {part.strip() for part in answer.headers["Cache-Control"].split(",")}
            assert kept == {"public", "immutable", "max-age=315360000"}, file
            assert answer.headers["Vary"] == "Accept-Encoding", file
            assert answer.headers["Content-Encoding"] == "gzip", file
            assert gzip.decompress(body)


@pytest.mark.parametrize("path", ["/", "/verifications/", "/verifications/{}/", "/filter/"])
def test_what_a_page_loads_is_small(browser: Client, suspected: Verification, path: str) -> None:
    sizes = dict.fromkeys(("css", "js", "svg"), 0)
    for file in files_of(browser, path.format(suspected.scan_ref)):
        answer = browser.get(file, headers={"Accept-Encoding": "gzip"})
        sizes[file.rpartition(".")[2]] += len(b"".join(answer))
    print(path, sizes)
    assert sizes["css"] < 16_000
    assert sizes["js"] < 4_000


def test_pages_themselves_are_never_kept(browser: Client) -> None:
    assert browser.get("/").headers["Cache-Control"] == "no-store, private"
