"""What the kill tests run in processes of their own, on a database that `play` prepared.

python -m tests.verifications.kills TIMES: children that write without pause, each killed at a
moment of chance; after each one the whole audit log is proven. Prints what was found.
"""

import json
import logging
import os
import random
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
django.setup()

from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import checkpoints, proof  # noqa: E402
from accounts.models import (  # noqa: E402
    AuditCheckpoint,
    AuditEntry,
    Kind,
    Membership,
    Partner,
)
from tests import factories  # noqa: E402
from verifications import decisions, disposal, history, notes  # noqa: E402
from verifications.callbacks import intake  # noqa: E402
from verifications.models import (  # noqa: E402
    CallbackBody,
    Decision,
    Disposal,
    RejectionReason,
    Verification,
)
from verifications.statuses import ARROWS, Action  # noqa: E402

LONGEST = 0.25  # seconds that a child lives after its first write


def decide() -> None:
    ada = Membership.objects.select_related("user", "partner", "role").get()
    it = random.choice(Verification.objects.filter(scan_ref__startswith="play-"))
    actions = [a for a in (Action.APPROVE, Action.DENY) if (it.standing, a) in ARROWS]
    action = random.choice(actions)
    reasons = RejectionReason.objects.filter(code="UNDER_AGE") if action == Action.DENY else ()
    intent = decisions.Intent(
        action=action,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=list(reasons),
        message_to_applicant="Please come again.",
    )
    made = decisions.decide(ada, it.scan_ref, intent)
    if random.random() < 0.3:
        decisions.undo(ada, it, decision_id=made.pk, request_key=uuid.uuid4())
    elif random.random() < 0.3:
        notes.write(ada, it, text="A note.", request_key=uuid.uuid4())


def checkpoint() -> None:
    """Over everything, as if a minute had passed: nobody else writes meanwhile."""
    decide()
    checkpoints.make(timezone.now() + timedelta(minutes=2))


def dispose() -> None:
    """Of one that just came in."""
    northbank = Partner.objects.get()
    scan_ref = str(uuid.uuid4())
    intake.receive(northbank, *factories.sample("01", scanRef=scan_ref))
    disposal.dispose_on_request(northbank, scan_ref)


WORK: dict[str, Callable[[], None]] = {
    "decide": decide,
    "checkpoint": checkpoint,
    "dispose": dispose,
}


def killed(work: Callable[[], None]) -> int:
    """Runs it again and again in a child, and ends that at a moment of chance; by which signal."""
    connections.close_all()
    ready, begun = os.pipe()
    child = os.fork()
    if not child:
        _work(work, begun)
    os.close(begun)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(random.uniform(0, LONGEST))
    os.kill(child, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def _work(work: Callable[[], None], begun: int) -> None:
    """Says when the first is done; never comes back."""
    try:
        work()
        os.write(begun, b".")
        while True:
            work()
    finally:
        os._exit(1)


def wrong() -> list[str]:
    """The whole proof; decisions that led elsewhere or nobody is told of; disposals by halves."""
    found = [*proof.verify().problems, *history.problems()]
    standing = Verification.objects.select_related("decision").exclude(decision=None)
    found += [it.scan_ref for it in standing if it.status != it.decision.to_status]  # type: ignore[union-attr]
    untold = Decision.objects.exclude(action="undo").filter(deliveries=None)
    found += [f"nobody is told of decision {it.pk}" for it in untold]
    disposed = Verification.objects.exclude(disposed_at=None)
    found += [f"{it.scan_ref} is disposed of by halves" for it in disposed if _is_half(it)]
    kept = AuditEntry.objects.filter(kind=Kind.DISPOSED).count(), Disposal.objects.count()
    return found + ([f"disposals {kept}"] if kept != (disposed.count(),) * 2 else [])


def _is_half(it: Verification) -> bool:
    bodies = CallbackBody.objects.filter(callback__verification=it)
    return it.tags.exists() or it.photos.exists() or bodies.exists()


def main(times: str) -> None:
    logging.disable()
    kills: Counter[str] = Counter()
    problems = []
    for number in range(int(times)):
        name = list(WORK)[number % len(WORK)]
        assert killed(WORK[name]) == signal.SIGKILL, name
        kills[name] += 1
        problems += [f"after kill {number + 1} ({name}): {it}" for it in wrong()]
    counted = {"decisions": Decision.objects.count(), "entries": AuditEntry.objects.count()}
    counted["disposals"] = Disposal.objects.count()
    counted["checkpoints"] = AuditCheckpoint.objects.count()
    json.dump({"kills": kills, "problems": problems, **counted}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
