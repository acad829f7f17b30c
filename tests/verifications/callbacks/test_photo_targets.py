"""Links of photos come from outside: no link, name or redirect leads to anything in here."""

import socket
from collections.abc import Callable
from functools import partial

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.verifications.callbacks.test_photos import fetched
from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.conftest import Serve, serve
from tests.verifications.webhooks.test_transport import (
    NAMES,
    TARGETS,
    connections_to,
    everywhere,
    name_server,
)
from verifications import transport
from verifications.callbacks import photos
from verifications.models import Photo, PhotoState

Fetch = Callable[[str], Photo]
MOVED = (301, 302, 303, 307, 308)

__all__ = ["everywhere", "fetched", "serve"]


@pytest.fixture
def production(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a name server of our own."""
    settings.DEMO = settings.DEBUG = False
    monkeypatch.setattr(socket, "getaddrinfo", name_server(NAMES, []))


def test_no_photo_is_fetched_from_inside(
    fetched: Fetch,
    production: None,
    everywhere: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = everywhere.getsockname()[1]
    # Even were its port allowed.
    monkeypatch.setattr(transport, "PORTS", {port})
    for target in TARGETS:
        photo = fetched(target.replace("PORT", str(port)))
        assert photo.state in (PhotoState.UNUSABLE, PhotoState.WAITING), target
        assert connections_to(everywhere) == 0, target
        photo.delete()


def test_the_host_of_the_setting_is_no_way_around(
    fetched: Fetch, production: None, everywhere: socket.socket, settings: LazySettings
) -> None:
    """A name that may be asked is judged by where it leads, all the same."""
    settings.PHOTO_HOSTS = ["inside.test", "one-of-two.test", "127.0.0.1"]
    for host in settings.PHOTO_HOSTS:
        photo = fetched(f"https://{host}/front.jpg")
        assert photo.state == PhotoState.UNUSABLE, host
        photo.delete()


def test_a_name_that_changes_its_mind_is_asked_anew_at_each_try(
    fetched: Fetch, production: None, everywhere: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = everywhere.getsockname()[1]
    names = {"rebind.test": ["8.8.8.8"]}
    monkeypatch.setattr(transport, "PORTS", {port})
    monkeypatch.setattr(socket, "getaddrinfo", name_server(names, []))
    went: list[str] = []

    def refuse(_: socket.socket, place: tuple) -> None:
        went.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(transport._Plain, "connect", refuse)
    photo = fetched(f"https://rebind.test:{port}/front.jpg")
    assert (photo.state, went) == (PhotoState.WAITING, ["8.8.8.8"])
    names["rebind.test"] = ["127.0.0.1"]
    Photo.objects.update(due_at=timezone.now())
    photos.fetch_due()
    photo.refresh_from_db()
    assert (photo.state, went) == (PhotoState.UNUSABLE, ["8.8.8.8"])


@pytest.mark.parametrize("code", MOVED)
def test_no_redirect_is_followed(
    code: int, fetched: Fetch, serve: Serve, settings: LazySettings
) -> None:
    settings.DEMO = True
    inside = serve(receiver.code(200))
    photo = fetched(serve(receiver.code(code, Location=inside.address)).address)
    assert photo.state == PhotoState.FAILED
    assert inside.got == []


def test_the_listener_would_notice(
    fetched: Fetch, everywhere: socket.socket, settings: LazySettings
) -> None:
    settings.DEMO = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "get", partial(transport.get, timeout=0.2))
        fetched(f"http://127.0.0.1:{everywhere.getsockname()[1]}/front.jpg")
    assert connections_to(everywhere) == 1
