"""From commit to received: how many a second, and how long one takes, with undo at 0."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from accounts.models import Membership, Partner
from tests import factories
from tests.bench.figures import row, say
from tests.verifications.webhooks.receiver import Got, Handler, Receiver, listening
from verifications import decisions
from verifications.callbacks import intake
from verifications.models import Verification, WebhookDelivery
from verifications.statuses import Action

MANY = 1000
PACED = 200
PATIENCE = 120


class Clock:
    """When each message was received, by the id that it carries."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._lock = Lock()

    def __call__(self, handler: Handler, got: Got) -> None:
        with self._lock:
            self.at.setdefault(got.headers["webhook-id"], time.time())
        handler.say(200)


def run() -> None:
    # Another one each time: a database that was kept has the endpoints of those before.
    partner = factories.PartnerFactory(key=f"told-{uuid.uuid4().hex[:8]}", undo_seconds=0)
    admin = factories.membership(factories.person("Bea Bench", partner, 40))
    clock = Clock()
    with listening(Receiver(clock)) as receiver:
        factories.endpoint(partner, address=receiver.address)
        _throughput(admin, partner, clock)
        _latency(admin, partner, clock)


def _throughput(admin: Membership, partner: Partner, clock: Clock) -> None:
    """A queue that is full when the worker starts; its own start counts."""
    waiting = [_decided(admin, one) for one in _suspected(partner, MANY, "t")]
    began = time.time()
    with _worker():
        _wait(clock, [key for key, _ in waiting])
    seconds = max(clock.at.values()) - began
    first = min(clock.at.values())
    steady = (MANY - 1) / (max(clock.at.values()) - first)
    say(
        f"  {'deliveries a second, from a full queue':<42} {steady:.0f} ({MANY} in {seconds:.1f} s)"
    )


def _latency(admin: Membership, partner: Partner, clock: Clock) -> None:
    """Decisions at a person's pace while the worker idles."""
    told = []
    with _worker():
        time.sleep(3)
        for one in _suspected(partner, PACED, "l"):
            told.append(_decided(admin, one))
            time.sleep(0.03)
        _wait(clock, [key for key, _ in told])
    row("from commit to received, undo at 0", [clock.at[key] - at for key, at in told])


def _suspected(partner: Partner, number: int, prefix: str) -> Iterator[Verification]:
    run = uuid.uuid4().hex[:8]
    for place in range(number):
        event, raw = factories.sample("07", scanRef=f"{prefix}{run}-{place}")
        verification = intake.receive(partner, event, raw).callback.verification
        if verification:
            yield verification


def _decided(admin: Membership, verification: Verification) -> tuple[str, float]:
    intent = decisions.Intent(action=Action.APPROVE, seen_revision=1, request_key=uuid.uuid4())
    decision = decisions.decide(admin, verification.scan_ref, intent)
    committed = time.time()
    return str(WebhookDelivery.objects.get(decision=decision).pk), committed


@contextmanager
def _worker() -> Iterator[None]:
    child = subprocess.Popen([sys.executable, "manage.py", "run_worker"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(timeout=30)


def _wait(clock: Clock, keys: list[str]) -> None:
    ends = time.time() + PATIENCE
    while missing := sum(key not in clock.at for key in keys):
        if time.time() > ends:
            raise TimeoutError(f"{missing} of {len(keys)} did not arrive within {PATIENCE} s")
        time.sleep(0.02)
