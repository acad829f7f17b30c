"""What was erased is nowhere: not in the database's files, not in its dump, not among the photos.

ERASE_ALL, ERASE_OLD and ERASE_KILLS make the runs as long as wanted: 10,000 and 1,000 take some
minutes.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from accounts.models import Partner, User
from tests import factories
from tests.verifications import ends, play_endings
from tests.verifications.test_decisions import decide
from tests.verifications.test_delivery_faults import ROOT, own_database
from verifications import disposal, notes, vault
from verifications.models import (
    AttemptAnswer,
    DataKey,
    DeliveryState,
    PhotoState,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
)
from verifications.statuses import Action

ALL = int(os.environ.get("ERASE_ALL", "2000"))
OLD = int(os.environ.get("ERASE_OLD", "200"))
KILLS = int(os.environ.get("ERASE_KILLS", "12"))
HELD = 5


def everything() -> bytes:
    """All that the database holds: its files as they lie there, or each row of each table."""
    if connection.vendor == "sqlite":
        disposal.rewrite_database()
        return files_of(Path(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        parts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row::text FROM "{table}" AS row')  # noqa: S608
            parts += [row.encode() for (row,) in cursor.fetchall()]
    return b"\n".join(parts)


def files_of(database: Path) -> bytes:
    files = [database, database.with_name(f"{database.name}-wal")]
    return b"".join(path.read_bytes() for path in files if path.exists())


def is_in(word: str, content: bytes) -> bool:
    """As text in any case, or as the hexadecimal in which PostgreSQL writes bytes."""
    return word.encode() in content.lower() or word.encode().hex().encode() in content


def photo_files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def photo_folder(settings: Any, tmp_path: Path) -> Path:
    photos = settings.STORAGES["photos"]
    place = photos["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"photos": photos | {"OPTIONS": place}}
    return tmp_path


def lived_through(northbank: Partner, user: User, it: Verification, word: str) -> None:
    """A note, a hold, a decision, a message that was answered with a quotation, a photo."""
    admin = factories.membership(user)
    notes.write(admin, it, text=f"{word} called", request_key=uuid.uuid4())
    photo = it.photos.filter(kind="FRONT").get()
    photo.file_name = storages["photos"].save(f"1/{uuid.uuid4()}.jpg", ContentFile(word.encode()))
    photo.state = PhotoState.STORED
    photo.save()
    decide(user, it, Action.APPROVE, message_to_applicant=f"Dear {word}", internal_note=word)
    WebhookDelivery.objects.filter(verification=it).update(
        **factories.in_state(DeliveryState.DELIVERED)
    )
    delivery = WebhookDelivery.objects.filter(verification=it).get()
    attempt = WebhookAttempt.objects.create(
        delivery=delivery, number=1, code=200, started_at=delivery.queued_at, milliseconds=1
    )
    answer = AttemptAnswer(attempt=attempt)
    answer.sealed = vault.sealed(answer, f"Thanks for {word}".encode())
    answer.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_nothing_of_the_applicant_is_left_anywhere(
    northbank: Partner, ada: User, receive: Callable[..., Verification], photo_folder: Path
) -> None:
    northbank.undo_seconds = 0
    northbank.save()
    factories.endpoint(northbank)
    words = [f"{kind}{uuid.uuid4().hex[:12]}" for kind in ("gone", "kept")]
    gone, kept = [
        receive(
            "07",
            scanRef=f"{number}-scan",
            clientId=word,
            externalRef=word,
            data={"docFirstName": word, "docLastName": word.upper(), "docNumber": word},
            fileUrls={"FRONT": f"https://photos.example/{word}.png"},
        )
        for number, word in enumerate(words)
    ]
    for it, word in zip((gone, kept), words, strict=True):
        lived_through(northbank, ada, it, word)
    before = everything()
    assert all(is_in(word, before) for word in words)
    ends.dispose(ada, gone)
    after = everything()
    assert [is_in(word, after) for word in words] == [False, True]
    owners = set(DataKey.objects.values_list("owner", flat=True))
    assert {vault.owner_of(northbank.pk, it.scan_ref).name for it in (gone, kept)} & owners == {
        vault.owner_of(northbank.pk, kept.scan_ref).name
    }
    assert photo_files(photo_folder) == [words[1].encode()]


class Stage(NamedTuple):
    environment: dict[str, str]
    folder: Path

    def play(self, *words: str) -> str:
        command = [sys.executable, "-m", "tests.verifications.play_endings", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def report(self) -> dict[str, Any]:
        return json.loads(self.play("report"))

    def content(self) -> bytes:
        address = self.environment["DATABASE_URL"]
        if address.startswith("sqlite"):
            return files_of(Path(address.removeprefix("sqlite:///")))
        dump = ["pg_dump", address]
        return subprocess.run(dump, check=True, capture_output=True).stdout

    def words_among_photos(self) -> set[bytes]:
        return set(photo_files(self.folder / "photos"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with own_database(tmp_path) as (address, _):
        own = {"DATABASE_URL": address, "DATA_DIR": str(tmp_path), "DEMO": "1"}
        environment = os.environ | own
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        yield Stage(environment, tmp_path)


@pytest.mark.slow
def test_a_tenth_of_many_is_erased_and_the_others_stay(stage: Stage) -> None:
    stage.play("prepare", str(ALL), str(OLD), str(HELD))
    assert is_in(play_endings.GONE, stage.content())
    print(stage.play("finish"))
    first = stage.report()
    gone = OLD - HELD
    assert first == {
        "whole": ALL - gone,
        "erased": gone,
        "neither": 0,
        "disposals": gone,
        "entries": gone,
        "lost files": 0,
        "files of photos that are gone": 0,
        "problems": [],
    }
    content = stage.content()
    assert not is_in(play_endings.GONE, content)
    assert is_in(play_endings.KEPT, content)
    assert stage.words_among_photos() == {play_endings.KEPT.encode()}
    assert stage.play("finish").startswith("0 disposed of")
    assert stage.report() == first


@pytest.mark.slow
def test_a_retention_killed_at_any_point_leaves_nothing_half_erased(stage: Stage) -> None:
    old = max(OLD // 2, 60 * KILLS)
    stage.play("prepare", str(old + 50), str(old), str(HELD))
    done = [0]
    for _ in range(KILLS):
        _begin_and_kill(stage)
        seen = stage.report()
        assert seen["neither"] == seen["files of photos that are gone"] == 0
        assert seen["erased"] == seen["disposals"] == seen["entries"]
        done.append(seen["erased"])
    print(f"{KILLS} kills, erased after each: {done}")
    assert len(set(done)) > KILLS / 4, "the kills came too early or too late"
    stage.play("finish")
    seen = stage.report()
    assert (seen["erased"], seen["neither"], seen["lost files"]) == (old - HELD, 0, 0)
    assert seen["problems"] == []
    assert not is_in(play_endings.GONE, stage.content())
    assert stage.words_among_photos() == {play_endings.KEPT.encode()}


def _begin_and_kill(stage: Stage) -> None:
    command = [sys.executable, "-m", "tests.verifications.play_endings", "retire"]
    with subprocess.Popen(
        command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        running.stdout.readline()
        time.sleep(random.uniform(0, 0.6))
        running.send_signal(signal.SIGKILL)
