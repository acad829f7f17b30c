"""What a body tells of tags and pictures, beside what is known of them."""

from collections.abc import Iterable

from django.utils import timezone

from accounts.insertions import insert
from verifications import counters, vault
from verifications.callbacks import provider
from verifications.models import CounterChange, Photo, PhotoState, Tag, TagKind, Verification
from verifications.statuses import Standing


def told_tags(verification: Verification, received: provider.Received) -> list[Tag]:
    told = {(TagKind.MISMATCH, code) for code in received.mismatch_tags}
    told |= {(TagKind.FRAUD, code) for code in received.fraud_tags}
    return [Tag.of(verification, kind=kind, code=code) for kind, code in sorted(told)]


def write_tags(
    verification: Verification, received: provider.Received, tags: list[Tag]
) -> list[CounterChange]:
    """As the body says; what staff took away stays away. Gives what changes in the counters."""
    told = {(tag.kind, tag.code): tag for tag in told_tags(verification, received)}
    known = {(tag.kind, tag.code): tag for tag in tags}
    gone = [tag for key, tag in known.items() if key not in told and tag.removed_at is None]
    fresh = [tag for key, tag in told.items() if key not in known]
    if gone:
        Tag.objects.filter(pk__in=[tag.pk for tag in gone]).delete()
    insert(*fresh)
    return [*counters.tags(verification, gone, -1), *counters.tags(verification, fresh, 1)]


def without_removed_suspicion(
    verification: Verification, received: provider.Received, tags: list[Tag], to: Standing
) -> Standing:
    """A removed tag never raises suspicion again, where it was all there was."""
    removed = {(tag.kind, tag.code) for tag in tags if tag.removed_at}
    told = {(tag.kind, tag.code) for tag in told_tags(verification, received)}
    if to.suspected and told and told <= removed:
        return Standing(to.status, False)
    return to


def write_photos(
    verification: Verification, received: provider.Received, known: Iterable[Photo]
) -> None:
    """Links of pictures that we do not have yet; ours are never replaced."""
    photos = {photo.kind: photo for photo in known}
    fresh = []
    for kind, link in received.photos.items():
        photo = photos.get(kind) or Photo(verification=verification, kind=kind)
        if photo.state == PhotoState.STORED or _is_offered(photo, link):
            continue
        photo.sealed_source = vault.sealed(photo, link.encode(), "sealed_source")
        photo.attempts = 0
        photo.state, photo.why = _photo_state(kind, link)
        photo.due_at = timezone.now() if photo.state == PhotoState.WAITING else None
        if photo.pk:
            photo.save()
        else:
            fresh.append(photo)
    insert(*fresh)


def _is_offered(photo: Photo, link: str) -> bool:
    """Whether it is this very link that is known of the picture."""
    try:
        return bool(photo.pk) and vault.opened(photo, "sealed_source") == link.encode()
    except vault.DoesNotOpen:
        return False


def _photo_state(kind: str, link: str) -> tuple[PhotoState, str]:
    if not provider.is_usable_link(link):
        return PhotoState.UNUSABLE, "Not a web address that may be fetched."
    if kind.endswith("_VIDEO"):
        return PhotoState.UNUSABLE, "A video: only pictures are fetched."
    return PhotoState.WAITING, ""
