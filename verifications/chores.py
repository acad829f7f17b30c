"""What the worker does by the clock. A chore is a function, not a queue.

One of several workers does it: the one that pushes its time. Should that worker die, the chore
comes again with its next time, hence each must bear being left half done.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone

from accounts import budgets, checkpoints, proof
from verifications import disposal, folding, history, lost_files, vault
from verifications.callbacks import intake
from verifications.models import FOLDING, CallbackBody, Chore, Outcome, ProviderCallback, Stage
from verifications.webhooks import trouble

log = logging.getLogger(__name__)


class Timed(NamedTuple):
    name: str
    every: timedelta
    do: Callable[[], object]


def prove_audit_log() -> None:
    """Keeps the answer for the page of the audit log; what is wrong goes to the log stream too."""
    began = timezone.now()
    found = proof.verify()
    problems = [*found.problems, *history.problems()]
    cache.set(history.PROVEN, {"at": began, "holds": not problems}, timeout=None)
    for problem in problems:
        log.error("audit log: %s", problem)


PORTION = 100


def apply_waiting() -> None:
    """Bodies that were kept and could not be applied, the database being locked say: once more."""
    since = timezone.now() - timedelta(minutes=1)
    waiting = ProviderCallback.objects.filter(
        stage=Stage.ACCEPTED, outcome=Outcome.WAITING, received_at__lt=since
    )
    known = waiting.select_related("partner", "body").order_by("pk")
    portion = list(known[:PORTION])
    while portion:
        for callback in portion:
            _apply_again(callback)
        portion = list(known.filter(pk__gt=portion[-1].pk)[:PORTION])


def _apply_again(callback: ProviderCallback) -> None:
    """What does not open is in the log, and must not stop those behind it; nor must what somebody
    else did meanwhile, or holds at this moment.
    """
    try:
        intake.reapply(callback)
    except (vault.DoesNotOpen, CallbackBody.DoesNotExist, intake.Settled):
        pass
    except OperationalError:
        log.warning("callback %s could not be read again now", callback.pk)


def retire() -> None:
    """In portions, so that what else is due does not wait: where one was full, it comes again."""
    if disposal.retire(RETIRED_AT_ONCE):
        Chore.objects.filter(name=RETENTION).update(due_at=timezone.now())


def sweep() -> None:
    """What disposals left to be done after them."""
    lost_files.sweep()
    disposal.erase_unread_bodies()
    disposal.empty_write_ahead_log()


RETENTION = "retention"
RETIRED_AT_ONCE = 500

CHORES = (
    Timed(FOLDING, timedelta(seconds=5), folding.fold),
    Timed("apply waiting", timedelta(minutes=5), apply_waiting),
    Timed("tell of budgets", timedelta(minutes=5), budgets.tell_admins),
    Timed("tell of trouble", timedelta(days=1), trouble.tell_admins),
    Timed("checkpoint", timedelta(hours=1), checkpoints.make),
    Timed(RETENTION, timedelta(days=1), retire),
    Timed("sweep", timedelta(minutes=10), sweep),
    Timed("rewrite", timedelta(days=1), disposal.rewrite_database),
    Timed("prove", timedelta(days=1), prove_audit_log),
)


def run_due() -> int:
    """Does what is due; gives how many chores that were."""
    now = timezone.now()
    known = set(Chore.objects.values_list("name", flat=True))
    fresh = [Chore(name=chore.name, due_at=now) for chore in CHORES if chore.name not in known]
    Chore.objects.bulk_create(fresh, ignore_conflicts=True)
    done = 0
    for chore in CHORES:
        # One after the other: where one fails, those behind it are still due.
        if _is_mine(chore, now):
            chore.do()
            done += 1
    return done


def _is_mine(chore: Timed, now: datetime) -> bool:
    due = Chore.objects.filter(name=chore.name, due_at__lte=now)
    return due.update(due_at=now + chore.every) == 1
