"""What the tests of erasure run in processes of their own.

python -m tests.verifications.play_endings prepare ALL OLD HELD
python -m tests.verifications.play_endings retire | finish | report
"""

import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import storages  # noqa: E402
from django.db.models import Count, Q  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import proof  # noqa: E402
from accounts.models import AuditEntry, Kind  # noqa: E402
from tests import factories  # noqa: E402
from tests.verifications import ends  # noqa: E402
from verifications import chores, disposal, history, lost_files  # noqa: E402
from verifications.callbacks import intake  # noqa: E402
from verifications.models import Disposal, LostFile, Photo, PhotoState, Verification  # noqa: E402

GONE, KEPT = "gonecanary", "keptcanary"
AGE = timedelta(days=2000)


def prepare(every: str, old: str, held: str) -> None:
    """The first OLD of them are to go, but for the first HELD of those."""
    northbank = factories.NorthbankFactory()
    ada = factories.person("Ada Lind", northbank, 40)
    now = timezone.now()
    for number in range(int(every)):
        is_kept = number < int(held) or number >= int(old)
        ended_at = now - timedelta(hours=1) if number >= int(old) else now - AGE
        word = KEPT if is_kept else GONE
        event, raw = factories.sample(
            "01",
            scanRef=f"end-{number}",
            clientId=f"{word}-{number}",
            externalRef=f"{word}-{number}",
            startTime=int(ended_at.timestamp()) - 60,
            finishTime=int(ended_at.timestamp()),
            data={
                "docFirstName": f"{word}{number}",
                "docNumber": f"{word}{number}",
                "address": f"{word} street",
            },
        )
        it = intake.receive(northbank, event, raw).callback.verification
        assert it
        _store(it.photos.get(kind="FACE"), word)
        if number < int(held):
            ends.hold(ada, it)


def _store(photo: Photo, word: str) -> None:
    name = f"1/{word}-{photo.pk}.jpg"
    photo.file_name = storages["photos"].save(name, ContentFile(word.encode()))
    photo.state, photo.due_at = PhotoState.STORED, None
    photo.save()


def retire() -> None:
    """Again and again: says when it begins, and does not wait for its time."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    while disposal.retire(50):
        pass


def finish() -> None:
    """The chores as the worker does them, and what a crash left without its hour of grace."""
    lost_files.IN_USE = timedelta()
    started, before = time.monotonic(), Disposal.objects.count()
    while disposal.retire(chores.RETIRED_AT_ONCE):
        pass
    chores.sweep()
    disposal.rewrite_database()
    seconds, done = time.monotonic() - started, Disposal.objects.count() - before
    sys.stdout.write(f"{done} disposed of in {seconds:.1f} s")


def report() -> None:
    """Nothing may be half erased at any moment."""
    rows = Verification.objects.annotate(
        bodies=Count("callbacks__body", distinct=True),
        pictures=Count("photos", distinct=True),
        records=Count("disposal", distinct=True),
    )
    whole = Q(disposed_at=None, bodies=1, pictures__gt=0, records=0)
    erased = Q(disposed_at__isnull=False, bodies=0, pictures=0, records=1)
    told: dict[str, Any] = {
        "whole": rows.filter(whole).count(),
        "erased": rows.filter(erased).count(),
        "neither": rows.exclude(whole | erased).count(),
        "disposals": Disposal.objects.count(),
        "entries": AuditEntry.objects.filter(kind=Kind.DISPOSED).count(),
        "lost files": LostFile.objects.count(),
        "files of photos that are gone": _strays(),
        "problems": [*proof.verify().problems, *history.problems()],
    }
    json.dump(told, sys.stdout)


def _strays() -> int:
    """On disk, of no photo, and not written down as lost either."""
    _, names = storages["photos"].listdir("1")
    known = set(Photo.objects.values_list("file_name", flat=True))
    known |= set(LostFile.objects.values_list("pk", flat=True))
    return len({f"1/{name}" for name in names} - known)


if __name__ == "__main__":
    {"prepare": prepare, "retire": retire, "finish": finish, "report": report}[sys.argv[1]](
        *sys.argv[2:]
    )
