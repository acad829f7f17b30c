"""Pages, decisions and intake against an empty page, interleaved and shuffled in one process."""

import random
import statistics
import time
import uuid
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from tests import factories
from tests.bench.figures import row, say
from verifications import decisions
from verifications.callbacks import intake
from verifications.models import Verification
from verifications.statuses import Action

ROUNDS = 60
STATEMENTS = 40


def run(rows: int) -> None:
    """`rows` verifications of one partner, through the real intake."""
    partner = factories.PartnerFactory(key="pages")
    ada = factories.person("Ada Bench", partner, 40)
    admin = factories.membership(ada)
    began = time.time()
    for place in range(rows):
        event, raw = factories.sample("07", scanRef=f"p{place}", startTime=1_790_000_000 + place)
        intake.receive(partner, event, raw)
    say(f"{'callbacks a second, one at a time':<44} {rows / (time.time() - began):.0f} ({rows})")
    client = Client(headers={"Host": "localhost"})
    client.force_login(ada)
    _pages(client, Verification.objects.filter(partner=partner).latest("pk").scan_ref)
    _decisions(admin)


def _pages(client: Client, scan_ref: str) -> None:
    cases = {
        "empty page": "/healthz",
        "list, first page": "/verifications/",
        "list, one status": "/verifications/?status=APPROVED&suspected=yes",
        "list, name fragment": "/verifications/?q=tsveto",
        "list, scan ref": f"/verifications/?q={scan_ref}",
        "home": "/",
        "details": f"/verifications/{scan_ref}/",
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    queries = {name: _queries(client, address) for name, address in cases.items()}
    for _ in range(ROUNDS):
        for name, address in random.sample(list(cases.items()), len(cases)):
            taken[name].append(_timed(lambda address=address: client.get(address)))
    empty = statistics.median(next(iter(taken.values())))
    for name, seconds in taken.items():
        ratio = statistics.median(seconds) / empty
        row(name, seconds, f"x{ratio:.2f} {queries[name]} queries")


def _queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    if answer.status_code != 200:
        raise ValueError(f"{address} answered {answer.status_code}")
    return len(captured)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _decisions(admin: Membership) -> None:
    waiting = list(Verification.objects.filter(partner=admin.partner)[:STATEMENTS])
    with CaptureQueriesContext(connection) as captured:
        _decide(admin, waiting.pop())
    statements = len(captured)
    seconds = [_timed(lambda one=one: _decide(admin, one)) for one in waiting]
    row("a decision", seconds, f"{statements} statements")


def _decide(admin: Membership, verification: Verification) -> None:
    intent = decisions.Intent(action=Action.APPROVE, seen_revision=1, request_key=uuid.uuid4())
    decisions.decide(admin, verification, intent)
