"""How many statements the way of a decision and of a callback take, first and last among them."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Partner
from tests import factories
from verifications import decisions, outcomes
from verifications.callbacks import intake
from verifications.models import RejectionReason, Verification
from verifications.names import proof
from verifications.statuses import Action


def receive(partner: Partner, sample: str = "07", **changes: Any) -> Verification:
    event, raw = factories.sample(sample, **changes)
    verification = intake.receive(partner, event, raw).callback.verification
    assert verification
    return Verification.objects.get(pk=verification.pk)


def decide(admin: Membership, it: Verification, action: Action, *codes: str) -> decisions.Decision:
    """As the form of a page on which the preview was seen."""
    reasons = list(RejectionReason.objects.filter(code__in=codes))
    it.refresh_from_db()
    intent = decisions.Intent(
        action=action,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=reasons,
        preview_digest=outcomes.preview(it, action, reasons, "").digest,
    )
    with counted(action.value):
        return decisions.decide(admin, it.scan_ref, intent)


STATEMENTS = {"approve": 10, "deny": 11, "undo": 10, "first callback": 15, "second callback": 15}
# The index of names is fewer where the words were known, and differs between the engines.
INDEX = ("verifications_name", "pg_advisory")
NEW_WORDS = 'INSERT (OR IGNORE )?INTO "verifications_nameword"'
taken: dict[str, list[str]] = {}


@contextmanager
def counted(name: str) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = (query["sql"][:150] for query in captured)
    taken[name] = [sql for sql in statements if not any(word in sql for word in INDEX)]


@pytest.fixture
def admin(northbank: Partner) -> Membership:
    factories.endpoint(northbank)
    return factories.membership(factories.person("Ada Lind", northbank, 40))


@pytest.mark.django_db(transaction=True)
def test_each_way_takes_as_few_statements_as_it_did(admin: Membership) -> None:
    """BEGIN and COMMIT count; one endpoint, two reasons, three photos, and a tag that leaves."""
    taken.clear()
    first = factories.sample("07", final=False)
    second = factories.sample("07", status={"mismatchTags": ["NAME"]})
    with counted("first callback"):
        intake.receive(admin.partner, *first)
    with counted("second callback"):
        intake.receive(admin.partner, *second)
    it = Verification.objects.get()
    decide(admin, it, Action.APPROVE)
    made = decide(admin, it, Action.DENY, "UNDER_AGE", "DOC_FAKE")
    with counted("undo"):
        decisions.undo(admin, it, decision_id=made.pk, request_key=uuid.uuid4())
    assert {name: len(sql) for name, sql in taken.items()} == STATEMENTS, taken


@pytest.mark.django_db(transaction=True)
def test_a_new_word_is_brought_near_the_end(admin: Membership) -> None:
    """Whoever brings the same word meanwhile waits for no more than this."""
    with CaptureQueriesContext(connection) as captured:
        intake.receive(admin.partner, *factories.sample("07"))
    statements = [query["sql"] for query in captured]
    (brought,) = (n for n, sql in enumerate(statements) if re.match(NEW_WORDS, sql))
    # Its key, its suffixes, its use; photos, the callback, COMMIT.
    assert len(statements) - brought - 1 == 6, statements[brought:]


only_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"
)


def both_at_once(*works: Callable[[], object]) -> None:
    """Neither commits before both have done their work; neither may wait for the other."""
    barrier = Barrier(len(works), timeout=5)

    def held_open(work: Callable[[], object]) -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '1s'")
                work()
                barrier.wait()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(held_open, work) for work in works]:
            done.result()


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_decisions_of_a_partner_do_not_wait_for_each_other(admin: Membership) -> None:
    one, other = (receive(admin.partner, scanRef=name) for name in ("one", "other"))
    both_at_once(
        lambda: decide(admin, one, Action.APPROVE),
        lambda: decide(admin, other, Action.DENY, "UNDER_AGE"),
    )
    assert decisions.Decision.objects.count() == 2


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_applicants_come_in_without_waiting(admin: Membership) -> None:
    """Of names that were seen before: a new word waits until it is there."""
    receive(admin.partner, scanRef="before")
    both_at_once(
        lambda: receive(admin.partner, scanRef="one"),
        lambda: receive(admin.partner, scanRef="other"),
    )
    assert Verification.objects.count() == 3


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_same_new_word_waits_until_it_is_there(admin: Membership) -> None:
    brought, ending = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            receive(admin.partner, scanRef="one")
            brought.set()
            time.sleep(0.4)
            ending.set()

    def second() -> None:
        assert brought.wait(5)
        receive(admin.partner, scanRef="other")
        assert ending.is_set()

    def closing(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(closing, (first, second)))
    assert proof.compare().holds
    assert proof.compare().names == 2


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_held_is_noticed(admin: Membership) -> None:
    """The two tests above can fail."""
    it = receive(admin.partner)
    with pytest.raises((OperationalError, BrokenBarrierError)):
        both_at_once(
            lambda: decide(admin, it, Action.APPROVE),
            lambda: decide(admin, it, Action.DENY, "UNDER_AGE"),
        )
