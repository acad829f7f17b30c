"""Pictures: our own stored copy, to those who may see the verification, and to nobody else."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts import audit
from accounts.models import AuditEntry, Kind, Membership, User
from tests import factories
from verifications import watermark
from verifications.models import Photo, Verification

SignIn = Callable[[User], Client]
PICTURE = factories.jpeg()


def url(it: Verification, kind: str = "FRONT") -> str:
    return reverse("verification_photo", args=[it.scan_ref, kind])


@pytest.fixture
def stored(suspected: Verification, settings: Any, tmp_path: Path) -> Photo:
    options = {**settings.STORAGES["photos"]["OPTIONS"], "location": str(tmp_path)}
    settings.STORAGES = {
        **settings.STORAGES,
        "photos": {**settings.STORAGES["photos"], "OPTIONS": options},
    }
    photo = suspected.photos.get(kind="FRONT")
    return factories.store(photo, PICTURE)


@pytest.mark.parametrize("who", ["vera", "mia", "mo", "ada"])
def test_whoever_sees_the_verification_sees_its_photo(
    who: str, stored: Photo, request: pytest.FixtureRequest, as_user: SignIn
) -> None:
    response = as_user(request.getfixturevalue(who)).get(url(stored.verification))
    assert response.status_code == 200
    picture = Image.open(io.BytesIO(response.content), formats=["JPEG"])
    assert picture.size == (300, 200)


def test_a_photo_is_kept_by_no_cache_and_runs_nothing(
    stored: Photo, ada: User, as_user: SignIn
) -> None:
    headers = as_user(ada).get(url(stored.verification)).headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Content-Disposition"] == 'inline; filename="photo.jpg"'
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_session_is_asked_each_time(stored: Photo, ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    assert client.get(url(stored.verification)).status_code == 200
    Membership.objects.filter(user=ada).update(is_active=False)
    assert client.get(url(stored.verification)).status_code in (403, 404)
    client.logout()
    assert client.get(url(stored.verification)).status_code == 302


def test_another_partners_photo_is_not_there(stored: Photo, otto: User, as_user: SignIn) -> None:
    assert as_user(otto).get(url(stored.verification)).status_code == 404


@pytest.mark.parametrize("kind", ["BACK", "NEVER", "front", "../FRONT", "a/b", "%00"])
def test_what_is_not_stored_is_not_there(
    kind: str, stored: Photo, ada: User, as_user: SignIn
) -> None:
    response = as_user(ada).get(f"/verifications/{stored.verification.scan_ref}/photos/{kind}/")
    assert response.status_code in (400, 404)


def test_a_lost_file_is_not_there(stored: Photo, ada: User, as_user: SignIn) -> None:
    storages["photos"].delete(stored.file_name)
    assert as_user(ada).get(url(stored.verification)).status_code == 404


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "image/png", ""])
def test_only_pictures_of_our_own_making_are_sent(
    content_type: str, stored: Photo, ada: User, as_user: SignIn
) -> None:
    Photo.objects.filter(pk=stored.pk).update(content_type=content_type)
    assert as_user(ada).get(url(stored.verification)).status_code == 404


def test_a_kind_with_a_slash_has_an_address_too(stored: Photo, ada: User, as_user: SignIn) -> None:
    stored.kind = "STEP/1 ä?"
    factories.store(stored, PICTURE)
    client = as_user(ada)
    page = client.get(reverse("verification_detail", args=[stored.verification.scan_ref]))
    assert page.status_code == 200
    assert client.get(url(stored.verification, "STEP/1 ä?")).status_code == 200


def test_a_photo_is_only_read(stored: Photo, ada: User, as_user: SignIn) -> None:
    assert as_user(ada).post(url(stored.verification)).status_code == 405


def test_a_photo_stands_in_the_entry_of_its_page(stored: Photo, ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    client.get(reverse("verification_detail", args=[stored.verification.scan_ref]))
    client.get(url(stored.verification))
    assert AuditEntry.objects.filter(kind=Kind.VIEWED).count() == 1


def test_a_photo_without_its_page_gets_an_entry_of_its_own(
    stored: Photo, ada: User, amos: User, as_user: SignIn
) -> None:
    as_user(amos).get(reverse("verification_detail", args=[stored.verification.scan_ref]))
    as_user(ada).get(url(stored.verification))
    entry = AuditEntry.objects.filter(kind=Kind.VIEWED).latest("id")
    assert entry.actor == ada.pk
    assert '"photos":["FRONT"]' in entry.body


def test_what_is_sent_bears_the_mark_of_its_look(
    stored: Photo,
    ada: User,
    as_user: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    marked = watermark.marked

    def note(raw: bytes, text: str) -> bytes:
        written.append(text)
        return marked(raw, text)

    monkeypatch.setattr(watermark, "marked", note)
    client = as_user(ada)
    client.get(reverse("verification_detail", args=[stored.verification.scan_ref]))
    content = client.get(url(stored.verification)).content
    look = AuditEntry.objects.get(kind=Kind.VIEWED)
    code = watermark.code_of(look.pk)
    assert written == [f"{ada.email} {look.at:%Y-%m-%d %H:%M} UTC {code}"]
    assert content != PICTURE


def test_a_file_of_ours_that_is_no_picture_is_not_there(
    suspected: Verification, stored: Photo, ada: User, as_user: SignIn
) -> None:
    factories.store(stored, b"<script>alert(1)</script>")
    assert as_user(ada).get(url(stored.verification)).status_code == 404


def test_a_photo_that_cannot_be_written_down_is_not_sent(
    stored: Photo, ada: User, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **facts: Any) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(audit, "record", refuse)
    client = as_user(ada)
    client.raise_request_exception = False
    response = client.get(url(stored.verification))
    assert response.status_code >= 500
    assert PICTURE not in response.content
