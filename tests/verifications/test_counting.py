"""The counters while everybody works: deciders, disposals, the provider, folding workers that get
killed.

COUNTED_CHANGES makes the run as long as wanted.
"""

import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection, connections

from accounts.models import Membership, Partner
from tests import factories
from verifications import counters, decisions, disposal, folding, lifecycle, tags
from verifications.callbacks import intake
from verifications.models import (
    CounterChange,
    Decision,
    Disposal,
    ProviderCallback,
    RejectionReason,
    Verification,
)
from verifications.statuses import Action

CHANGES = int(os.environ.get("COUNTED_CHANGES", "400"))
THREADS = 4
ROOT = Path(__file__).resolve().parents[2]
FOLD = """
import django
django.setup()
from verifications import folding
while True:
    folding._fold_some()
"""

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LATE = (
    lifecycle.Stale,
    lifecycle.Refused,
    lifecycle.Overtaken,
    lifecycle.Gone,
    decisions.TooLate,
    decisions.TakenBack,
)
WORK = ("come_in", "callback", "approve", "deny", "undo", "untag", "dispose")


class Player:
    """One of those who work, at random; what cannot be done is left."""

    def __init__(self, admin: Membership, seed: int) -> None:
        self.admin, self.chance, self.seed = admin, random.Random(seed), seed
        self.done: Counter[str] = Counter()
        self.reasons = list(RejectionReason.objects.all())

    def play(self, times: int) -> Counter[str]:
        try:
            for number in range(times):
                name = self.chance.choice(WORK)
                try:
                    getattr(self, name)(number)
                    self.done[name] += 1
                except LATE as late:
                    self.done[type(late).__name__] += 1
                except OperationalError:
                    self.done["locked"] += 1
                    # Who asks again at once keeps the lock of its own connection, for which the
                    # garbage collector of the thread that writes may wait.
                    time.sleep(0.1)
        finally:
            connections.close_all()
        return self.done

    def _any(self) -> Verification:
        """Mostly of the newest few, so that several want the same one."""
        newest = Verification.objects.order_by("-pk")[:12]
        return self.chance.choice(list(newest) or [self.come_in(-1)])

    def come_in(self, number: int) -> Verification:
        ref = f"s{self.seed}-{number}-{self.chance.randrange(10**9)}"
        started = 1_790_000_000 + 86_400 * self.chance.randrange(3)
        return self._send(self.chance.choice(["01", "03", "07"]), ref, startTime=started)

    def callback(self, number: int) -> None:
        codes = self.chance.sample(["NAME", "SURNAME", "DOB"], self.chance.randrange(4))
        sample = self.chance.choice(["01", "03", "07", "25"])
        self._send(
            sample,
            self._any().scan_ref,
            status={"mismatchTags": codes},
            finishTime=1_790_000_000 + self.chance.randrange(10**6),
        )

    def _send(self, sample: str, ref: str, **changes: object) -> Verification:
        event, raw = factories.sample(sample, scanRef=ref, fileUrls={}, **changes)
        receipt = intake.receive(self.admin.partner, event, raw)
        if receipt.callback.verification_id is None:
            raise OperationalError("locked while it was applied: it waits")
        return Verification.objects.get(pk=receipt.callback.verification_id)

    def approve(self, _: int) -> None:
        self._decide(Action.APPROVE, [])

    def deny(self, _: int) -> None:
        self._decide(Action.DENY, self.chance.sample(self.reasons, self.chance.randrange(1, 4)))

    def _decide(self, action: Action, reasons: list[RejectionReason]) -> None:
        it = self._any()
        intent = decisions.Intent(
            action=action,
            seen_revision=it.revision,
            request_key=uuid.uuid4(),
            reasons=reasons,
            internal_note="A note",
        )
        decisions.decide(self.admin, it.scan_ref, intent)

    def undo(self, _: int) -> None:
        it = self._any()
        if it.decision_id:
            key = uuid.uuid4()
            decisions.undo(self.admin, it, decision_id=it.decision_id, request_key=key)

    def untag(self, _: int) -> None:
        it = self._any()
        for tag in it.tags.standing()[:1]:
            tags.remove(self.admin, it, tag.pk, seen_revision=it.revision)

    def dispose(self, _: int) -> None:
        """Of what no decision keeps; an undo may come in between."""
        it = self._any()
        disposal.dispose(self.admin, it, seen_revision=it.revision, request_key=uuid.uuid4())


@contextmanager
def killed_at_random(seed: int) -> Iterator[list[int]]:
    """A worker that folds, killed in the midst of it and started anew, until the block ends."""
    over, killed, chance = Event(), [0], random.Random(seed)
    name = connection.settings_dict["NAME"]
    address = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    )
    own = {"DATABASE_URL": address, "DEMO": "1", "DJANGO_SETTINGS_MODULE": "idv_dashboard.settings"}

    def kill() -> None:
        while not over.is_set():
            child = subprocess.Popen([sys.executable, "-c", FOLD], cwd=ROOT, env=os.environ | own)
            over.wait(chance.uniform(1, 4))
            assert child.poll() is None, "the worker ended by itself"
            child.kill()
            child.wait()
            killed[0] += 1

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            yield killed
        finally:
            over.set()
            killing.result()


def read_until(done: list[Future], partner: Partner) -> int:
    """What is read in the midst of it is never less than before, nor more than after."""
    read = 0
    while not all(one.done() for one in done):
        gone, there = Disposal.objects.count(), Verification.objects.count()
        counted = sum(counters.standing(partner).values())
        least, most = there - Disposal.objects.count(), Verification.objects.count() - gone
        assert least <= counted <= most
        read += 1
        time.sleep(0.02)
    return read


def test_counters_equal_the_rows_whatever_happens_at_once() -> None:
    northbank = factories.NorthbankFactory()
    factories.endpoint(northbank)
    admin = factories.membership(factories.person("Ada Lind", northbank, 40))
    players = [Player(admin, seed) for seed in range(THREADS)]
    with killed_at_random(7) as killed, ThreadPoolExecutor(THREADS) as pool:
        done = [pool.submit(player.play, CHANGES // THREADS) for player in players]
        read = read_until(done, northbank)
        played = sum((one.result() for one in done), Counter[str]())
    assert killed[0] and read
    print(f"{sum(played.values())} changes, {read} reads, {killed[0]} kills: {dict(played)}")
    assert all(played[name] for name in WORK)
    assert Disposal.objects.exists()
    assert Decision.objects.filter(action=Action.UNDO).exists()
    assert not ProviderCallback.objects.filter(outcome="waiting").exists() or played["locked"]
    assert list(folding.check()) == []
    folding.fold()
    assert not CounterChange.objects.exists()
    assert list(folding.check()) == []
