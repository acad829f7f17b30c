"""Files among the photos that no photo stands for, erased for good."""

from collections.abc import Iterable
from datetime import timedelta

from django.core.files.storage import storages
from django.utils import timezone

from verifications.models import LostFile

# Longer than any storing of a photo takes.
IN_USE = timedelta(hours=1)
PORTION = 500


def erase(names: Iterable[str]) -> None:
    """The files first: killed in between, their names are found again."""
    gone, storage = list(names), storages["photos"]
    for name in gone:
        storage.delete(name)
    LostFile.objects.filter(pk__in=gone).delete()


def sweep() -> None:
    """What a crash left."""
    old = LostFile.objects.filter(since__lt=timezone.now() - IN_USE).order_by("since")
    erase(old.values_list("pk", flat=True)[:PORTION])
