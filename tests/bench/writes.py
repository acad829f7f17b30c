"""Decisions and callbacks a second, one at a time and several at once, in processes as gunicorn's.

A decision, from POST to redirect, stands against the sketch's bare transaction: the same request
behind the stock middleware, without ledger, counters, form or preview.
"""

import json
import multiprocessing
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench import browser, peers
from tests.bench.figures import say
from tests.bench.place import Place
from verifications import decisions
from verifications.callbacks import provider
from verifications.demo import samples
from verifications.models import Outcome, ProviderCallback, RejectionReason, Stage, Verification
from verifications.statuses import Action

SECONDS = 2.0
# The first read from disk what the others find in memory.
REPEATED = 6
CROWD = 4
ROWS_EACH = 15
FORK = multiprocessing.get_context("fork")

# Does one piece of work again and again; gives None, or how it failed.
Work = Callable[[], str | None]


@dataclass
class Rate:
    """Done a second, once for each time it was measured."""

    name: str
    crowd: int
    rates: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return sorted(self.rates)[len(self.rates) // 2]

    @property
    def best(self) -> float:
        return max(self.rates)


def decide(place: Place) -> tuple[list[Rate], int]:
    """The rates by kind and crowd, and how many statements one decision takes."""
    kinds: dict[str, Callable[[int], Work]] = {
        "decision, POST to redirect": lambda number: _posting(place, _rows(place, number)),
        "bare transaction, POST to redirect": lambda number: _bare_post(place, number),
        "decision, its transaction alone": lambda number: _deciding(place, _rows(place, number)),
        "bare transaction alone": lambda number: _bare(place, number),
    }
    rates = [Rate(name, crowd) for name in kinds for crowd in (1, CROWD)]
    for _ in range(REPEATED):
        for rate in rates:
            _measure(place, rate, kinds[rate.name])
    return rates, len(statements_of_a_denial(place))


def receive(place: Place) -> list[Rate]:
    """What was only kept, because it could not be applied, is answered with 200 all the same."""
    rates = [Rate("intake of callbacks", crowd) for crowd in (1, CROWD)]
    for _ in range(REPEATED):
        for rate in rates:
            before = _waiting(place)
            _measure(place, rate, lambda number: _receiving(place))
            rate.failures += ["not applied"] * (_waiting(place) - before)
    return rates


def _waiting(place: Place) -> int:
    with place.entered():
        return ProviderCallback.objects.filter(
            stage=Stage.ACCEPTED, outcome=Outcome.WAITING
        ).count()


def show(rates: Sequence[Rate]) -> None:
    for rate in rates:
        told = f"{min(rate.rates):.0f} to {max(rate.rates):.0f}"
        failed = f"  {len(rate.failures)} FAILED: {sorted(set(rate.failures))[:3]}"
        say(
            f"  {rate.name:<38} {rate.crowd} at once {rate.middle:>7.0f} a second"
            f"  ({told}, n={len(rate.rates)}!)" + failed * bool(rate.failures)
        )


def _measure(place: Place, rate: Rate, prepare: Callable[[int], Work]) -> None:
    """So many processes that work for a while; none of them inherits a connection."""
    place.connection.close()
    ready = FORK.Barrier(rate.crowd)
    answers = FORK.SimpleQueue()
    workers = [
        FORK.Process(target=_work, args=(place, prepare, number, ready, answers))
        for number in range(rate.crowd)
    ]
    for worker in workers:
        worker.start()
    told = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    rate.rates.append(sum(done / seconds for done, seconds, _ in told))
    rate.failures += [failure for _, _, failures in told for failure in failures]


def _work(
    place: Place, prepare: Callable[[int], Work], number: int, ready: Any, answers: Any
) -> None:
    done, failures = 0, []
    began = ends = time.perf_counter()
    try:
        with place.entered():
            work = prepare(number)
            work()
            ready.wait(timeout=60)
            began = time.perf_counter()
            while (ends := time.perf_counter()) < began + SECONDS:
                failure = work()
                done += failure is None
                failures += [failure] if failure else []
    except Exception as broken:  # noqa: BLE001 - told by the parent
        ready.abort()
        failures.append(repr(broken)[:200])
    finally:
        place.connection.close()
        answers.put((done, max(ends - began, 0.001), failures))


def _rows(place: Place, number: int) -> list[Verification]:
    """Rows of its own for each worker, each with the body that a webhook is made from.

    Those of the bare transaction are other ones: it leaves no ledger behind.
    """
    own = Verification.objects.filter(
        partner=place.partner,
        status__in=["APPROVED", "DENIED"],
        suspected=False,
        callback__body__isnull=False,
    )
    along = own.order_by("started_at", "pk")
    found = list(along[number * ROWS_EACH : (number + 1) * ROWS_EACH])
    if not found:
        raise ValueError("There is nothing to decide.")
    return found


def _turns(rows: list[Verification]) -> Iterator[tuple[Verification, Action]]:
    """Round and round: what is approved is denied, what is denied approved."""
    while True:
        for row in rows:
            action = Action.DENY if row.status == "APPROVED" else Action.APPROVE
            yield row, action
            row.revision += 1
            row.status = "DENIED" if action == Action.DENY else "APPROVED"


def _posting(place: Place, rows: list[Verification]) -> Work:
    turns = _turns(rows)

    def work() -> str | None:
        row, action = next(turns)
        form: dict[str, Any] = {"seen_revision": row.revision, "request_key": uuid.uuid4()}
        form |= {"message_to_applicant": "", "internal_note": "Compared side by side."}
        if action == Action.DENY:
            form["reasons"] = [place.reason]
        answer = place.ours.post(f"/verifications/{row.scan_ref}/{action.value}/", form)
        return None if answer.status == 302 else f"{action.value}: {answer.status}"

    return work


def _deciding(place: Place, rows: list[Verification]) -> Work:
    turns = _turns(rows)
    reason = RejectionReason.objects.get(partner=None, code=place.reason)

    def work() -> None:
        row, action = next(turns)
        intent = decisions.Intent(
            action=action,
            seen_revision=row.revision,
            request_key=uuid.uuid4(),
            reasons=[reason] if action == Action.DENY else [],
            internal_note="Compared side by side.",
        )
        decisions.decide(place.admin, row.scan_ref, intent)

    return work


def _bare_post(place: Place, number: int) -> Work:
    keys = [row.pk for row in _rows(place, CROWD + number)]
    turns = iter(keys * 10_000)

    def work() -> str | None:
        answer = place.stock.post(f"/bare/{next(turns)}/", {})
        return None if answer.status == 302 else str(answer.status)

    return work


def _bare(place: Place, number: int) -> Work:
    turns = iter([row.pk for row in _rows(place, CROWD + number)] * 10_000)
    return lambda: peers.bare(next(turns), place.admin.user_id)


def _receiving(place: Place) -> Work:
    template = samples.body("07")
    address = f"/callbacks/idenfy/{place.partner.key}/"

    def work() -> str | None:
        body = template | {"scanRef": str(uuid.uuid4()), "startTime": int(time.time())}
        raw = json.dumps(body, ensure_ascii=False).encode()
        headers = {
            "Idenfy-Signature": provider.signature(place.partner.callback_key, raw),
            "Idenfy-Event-Type": "IDENTIFICATION_AUTO_FINISHED",
        }
        answer = place.ours.send(address, raw, headers)
        return None if answer.status == 200 else f"{answer.status}"

    return work


def statements_of_a_denial(place: Place) -> list[str]:
    """From POST to redirect, the dearer of both decisions, by somebody who has just opened its
    page. Once a minute there is one more: the session notes that it is in use.
    """
    with place.entered():
        rows = [one for one in _rows(place, 0) if _is_approved(one)]
        place.ours.get(f"/verifications/{rows[0].scan_ref}/deny/")
        return _statements(_posting(place, rows))


def _is_approved(verification: Verification) -> bool:
    return verification.status == "APPROVED"


def statements_of_an_intake(place: Place) -> list[str]:
    with place.entered():
        return _statements(_receiving(place))


def _statements(work: Work) -> list[str]:
    with browser.counted() as statements:
        failure = work()
    if failure:
        raise ValueError(f"It was not done: {failure}")
    return statements
