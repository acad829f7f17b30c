"""What the fault tests run in processes of their own: deciders, workers that get killed, a report.

python -m tests.verifications.webhooks.play prepare ADDRESS
python -m tests.verifications.webhooks.play decide COUNT
python -m tests.verifications.webhooks.play kill TIMES
python -m tests.verifications.webhooks.play work | drain | report
"""

import hashlib
import json
import logging
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
django.setup()

from django.db import InterfaceError, OperationalError, connections  # noqa: E402

from accounts.models import Membership  # noqa: E402
from tests import factories  # noqa: E402
from verifications import decisions, lifecycle, transport, vault, worker  # noqa: E402
from verifications.callbacks import intake  # noqa: E402
from verifications.models import (  # noqa: E402
    Decision,
    RejectionReason,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import ARROWS, Action, Status  # noqa: E402
from verifications.webhooks import claims, delivery  # noqa: E402

THREADS = 4
EACH = 6
UNDO_SECONDS = 1


def prepare(address: str) -> None:
    """Northbank, Ada, one endpoint, and some verifications for each thread that decides."""
    northbank = factories.NorthbankFactory(undo_seconds=UNDO_SECONDS)
    factories.person("Ada Lind", northbank, 40)
    factories.endpoint(northbank, address=address)
    for number in range(THREADS * EACH):
        event, raw = factories.sample("07", scanRef=f"play-{number}", fileUrls={})
        intake.receive(northbank, event, raw)


def decide(count: str) -> None:
    """So many decisions in all, and an undo after some, at any moment around its last."""
    threads = [
        threading.Thread(target=_decider, args=[number, int(count) // THREADS])
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _decider(thread: int, count: int) -> None:
    chance = random.Random(thread)
    ada = surely(Membership.objects.select_related("user", "partner", "role").get)
    codes = ["UNDER_AGE", "DOC_FAKE"]
    reasons = surely(lambda: list(RejectionReason.objects.filter(code__in=codes)))
    waiting: list[tuple[float, Callable[[], Any]]] = []
    for _ in range(count):
        scan_ref = f"play-{thread * EACH + chance.randrange(EACH)}"
        decision = _decide_one(ada, scan_ref, reasons)
        if chance.random() < 0.4:
            at = time.monotonic() + chance.uniform(0, UNDO_SECONDS * 1.1)
            undo = partial(_undo_one, ada, decision, uuid.uuid4())
            waiting.append((at, undo))
        time.sleep(chance.uniform(0, 0.1))
        for each in [each for each in waiting if each[0] < time.monotonic()]:
            waiting.remove(each)
            surely(each[1])
    connections.close_all()


def _decide_one(ada: Membership, scan_ref: str, reasons: list[RejectionReason]) -> Decision:
    it = surely(lambda: Verification.objects.get(scan_ref=scan_ref))
    actions = [a for a in (Action.APPROVE, Action.DENY) if (it.standing, a) in ARROWS]
    action = random.choice(actions)
    intent = decisions.Intent(
        action=action,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=reasons if action == Action.DENY else (),
        message_to_applicant=f"{action.label}, for the {it.revision}th time.",
    )
    made: Decision = surely(lambda: decisions.decide(ada, it.scan_ref, intent))
    return made


def _undo_one(ada: Membership, made: Decision, key: uuid.UUID) -> None:
    try:
        decisions.undo(ada, made.verification, decision_id=made.pk, request_key=key)
    except (decisions.TooLate, decisions.TakenBack, lifecycle.Stale):
        return


def surely(act: Callable[[], Any]) -> Any:
    """Again when the database was away; the request key keeps it one decision."""
    for _ in range(200):
        try:
            return act()
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(0.1)
    raise SystemExit("the database never came back")


def _hurry() -> None:
    """The same worker with short waits."""
    logging.disable(logging.CRITICAL)
    delivery.WAITS = (timedelta(seconds=0.1),) * 200  # type: ignore[assignment]
    claims.LEASE = timedelta(seconds=1.5)
    delivery.SETTLE_AGAIN = (0.1, 0.3, 0.5)
    transport.TIMEOUT = 1.0
    worker.IDLE = 0.02
    worker.AFTER_A_FAULT = 0.1
    worker.DUTIES = []


def kill(times: str) -> None:
    """Two workers at work; each time both are killed at a moment of chance."""
    _hurry()
    for _ in range(int(times)):
        connections.close_all()
        children = [os.fork() for _ in range(2) if os.getpid() == PARENT]
        if os.getpid() != PARENT:
            worker.Worker().run()
            os._exit(0)
        time.sleep(random.uniform(0.05, 1.0))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


PARENT = os.getpid()


def work() -> None:
    """Until SIGTERM."""
    _hurry()
    one = worker.Worker()
    signal.signal(signal.SIGTERM, lambda *_: one.stop())
    one.run()


def drain() -> None:
    _hurry()
    worker.Worker().send(claims.is_empty)


def report() -> None:
    """The truth, as the database has it."""
    rows = WebhookDelivery.objects.select_related("body", "verification", "decision__undone_by")
    told = [
        {
            "id": str(row.pk),
            "scan_ref": row.verification.scan_ref,
            "sequence": row.sequence,
            "state": row.state,
            "attempts": row.attempts,
            "is_undone": hasattr(row.decision, "undone_by"),
            "sha": hashlib.sha256(vault.opened(row.body)).hexdigest(),
        }
        for row in rows.order_by("verification", "sequence")
    ]
    made = Decision.objects.exclude(action=Action.UNDO)
    json.dump(
        {
            "deliveries": told,
            "decisions": made.count(),
            "undone": made.exclude(undone_by=None).count(),
            "untold": made.filter(deliveries=None).count(),
            "key": WebhookEndpoint.objects.get().signing_key,
            "wrong": _wrong_ends(),
        },
        sys.stdout,
    )


def _wrong_ends() -> list[str]:
    """Verifications that do not stand where their standing decision led."""
    standing = Verification.objects.select_related("decision")
    return [
        it.scan_ref
        for it in standing
        if it.status != (it.decision.to_status if it.decision else Status.APPROVED)
    ]


if __name__ == "__main__":
    acts: list[Callable[..., None]] = [prepare, decide, kill, work, drain, report]
    {act.__name__: act for act in acts}[sys.argv[1]](*sys.argv[2:])
