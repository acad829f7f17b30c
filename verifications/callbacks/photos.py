"""Pictures fetched into our storage: their links die within the hour.

A bad link or picture never costs the verification; it is shown as what it is.
"""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from verifications import lost_files, transport, vault
from verifications.callbacks import pictures
from verifications.models import LostFile, Photo, PhotoState

LARGEST = 10 * 1024 * 1024
LEASE = timedelta(minutes=2)
# Between tries; after the last one the photo is given up. Together less than the hour of a link.
WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=8),
    timedelta(minutes=25),
)


class Gone(Exception):
    """The link has no picture for us, and will have none later."""


def fetch_due(most: int = 20) -> int:
    """Tries the photos whose time has come; gives their number."""
    due = Photo.objects.filter(state=PhotoState.WAITING, due_at__lte=timezone.now())
    keys = list(due.order_by("due_at").values_list("pk", flat=True)[:most])
    return sum(_fetch(photo) for key in keys if (photo := _claimed(key)))


def _claimed(key: int) -> Photo | None:
    """One worker of several takes it, by pushing its time: a lease, should that worker die."""
    now = timezone.now()
    mine = Photo.objects.filter(pk=key, state=PhotoState.WAITING, due_at__lte=now)
    if not mine.update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    return Photo.objects.select_related("verification").get(pk=key)


def _fetch(photo: Photo) -> bool:
    try:
        picture = pictures.made_ours(_download(_link(photo)))
    except transport.Forbidden as refusal:
        _settle(photo, PhotoState.UNUSABLE, str(refusal))
    except Gone as gone:
        _settle(photo, PhotoState.FAILED, str(gone))
    except pictures.Broken as broken:
        _settle(photo, PhotoState.BROKEN, str(broken))
    except vault.DoesNotOpen:
        _settle(photo, PhotoState.FAILED, "Its link cannot be opened.")
    except transport.Unreachable as trouble:
        _try_later(photo, str(trouble))
    else:
        _store(photo, picture)
    return True


def _link(photo: Photo) -> str:
    return vault.opened(photo, "sealed_source").decode()


def _download(address: str) -> bytes:
    hosts = settings.PHOTO_HOSTS
    if hosts and (urlsplit(address).hostname or "") not in hosts:
        raise transport.Forbidden("Photos are not fetched from this host.")
    answer = transport.get(address, LARGEST, allow_local=transport.allows_local())
    if answer.code >= 500 or answer.code == 429:
        raise transport.Unreachable(f"Answer {answer.code}.")
    if answer.code != 200:
        raise Gone(f"Answer {answer.code}.")
    if not answer.is_whole:
        raise pictures.Broken("It is larger than 10 MiB.")
    return answer.content


def _try_later(photo: Photo, why: str) -> None:
    if photo.attempts > len(WAITS):
        _settle(photo, PhotoState.FAILED, why)
        return
    due = timezone.now() + WAITS[photo.attempts - 1]
    _mine(photo).update(due_at=due, why=why[:200])


def _settle(photo: Photo, state: PhotoState, why: str) -> None:
    _mine(photo).update(state=state, why=why[:200], due_at=None)


def _store(photo: Photo, picture: pictures.Picture) -> None:
    """Lost until its photo stands: killed in between, the file is found and erased."""
    name = f"{photo.verification.partner_id}/{uuid.uuid4().hex}.sealed"
    LostFile.objects.create(name=name)
    storages["photos"].save(name, ContentFile(vault.sealed(photo, picture.raw, "file")))
    if not _has_file(photo, picture, name):
        # Another worker was quicker after this one's lease ran out, or the photo is gone.
        lost_files.erase([name])


@transaction.atomic
def _has_file(photo: Photo, picture: pictures.Picture, name: str) -> bool:
    kept = _mine(photo).update(
        state=PhotoState.STORED,
        why="",
        sealed_source=b"",
        file_name=name,
        content_type=pictures.CONTENT_TYPE,
        width=picture.width,
        height=picture.height,
        fetched_at=timezone.now(),
        due_at=None,
    )
    if kept:
        LostFile.objects.filter(pk=name).delete()
    return bool(kept)


def _mine(photo: Photo) -> QuerySet[Photo]:
    """Still as it was claimed."""
    return Photo.objects.filter(
        pk=photo.pk,
        state=PhotoState.WAITING,
        attempts=photo.attempts,
        sealed_source=photo.sealed_source,
    )
