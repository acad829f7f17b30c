"""Counters say what the rows say, at every moment: before a fold, after it, and in the midst."""

import importlib
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Partner, User
from tests import factories
from tests.verifications import rows
from verifications import chores, counters, decisions, folding, tags
from verifications.models import EVER, Counter, CounterChange, Measure, Verification
from verifications.statuses import APPROVED, DENIED, NEEDS_DECISION, Action, Standing, Status

Receive = Callable[..., Verification]
EVERYTHING = tuple(Measure)


def codes(partner: Partner) -> dict[tuple[str, str], int]:
    found = counters.report(partner, None, *EVERYTHING).codes
    return {(measure.value, code): number for (measure, code), number in found.items()}


def differences() -> list[str]:
    return [str(found) for found in folding.check()]


def decide(user: User, it: Verification, action: Action) -> decisions.Decision:
    it.refresh_from_db()
    intent = decisions.Intent(
        action=action, seen_revision=it.revision, request_key=uuid.uuid4(), reasons=()
    )
    return decisions.decide(factories.membership(user), it.scan_ref, intent)


def undo(user: User, it: Verification, decision: decisions.Decision) -> None:
    decisions.undo(
        factories.membership(user), it, decision_id=decision.pk, request_key=uuid.uuid4()
    )


# What is counted


def test_who_comes_in_is_counted_with_its_tags(suspected: Verification) -> None:
    assert counters.standing(suspected.partner) == {NEEDS_DECISION: 1}
    assert codes(suspected.partner) == {
        ("suspected", "APPROVED"): 1,
        ("mismatch_tag", "NAME"): 1,
        ("mismatch_tag", "FULL_NAME"): 1,
    }
    assert not differences()


def test_a_denial_moves_one_and_counts_its_reasons(ada: User, suspected: Verification) -> None:
    rows.deny(ada, suspected, "UNDER_AGE", "DOC_FAKE")
    assert counters.standing(suspected.partner) == {DENIED: 1}
    assert codes(suspected.partner)["reason", "UNDER_AGE"] == 1
    assert codes(suspected.partner)["decision", "deny"] == 1
    assert not differences()


def test_what_was_taken_back_counts_as_nothing_else(ada: User, approved: Verification) -> None:
    undo(ada, approved, rows.deny(ada, approved, "UNDER_AGE"))
    assert codes(approved.partner) == {("standing", "APPROVED"): 1, ("decision", "undo"): 1}
    assert not differences()


def test_a_removed_tag_leaves_and_with_the_last_the_suspicion(
    ada: User, suspected: Verification
) -> None:
    for tag in suspected.tags.all():
        suspected.refresh_from_db()
        member = factories.membership(ada)
        tags.remove(member, suspected, tag.pk, seen_revision=suspected.revision)
    assert codes(suspected.partner) == {("standing", "APPROVED"): 1}
    assert not differences()


def test_a_callback_moves_tags_and_standing(receive: Receive) -> None:
    it = receive("07", final=False)
    receive("01", scanRef=it.scan_ref, final=True)
    assert codes(it.partner) == {("standing", "APPROVED"): 1}
    assert not differences()


def test_partners_are_counted_apart(northbank: Partner, southpay: Partner) -> None:
    rows.many(northbank, 2)
    rows.add(southpay, status=Status.DENIED)
    assert counters.standing(northbank) == {APPROVED: 2}
    assert counters.standing(southpay) == {DENIED: 1}


def test_days_are_those_of_utc_from_the_first_on(northbank: Partner) -> None:
    midnight = rows.NOON.replace(hour=0)
    for at in (midnight, midnight - timedelta(microseconds=1), midnight + timedelta(days=1)):
        rows.add(northbank, started_at=at)
    for _ in range(2):
        report = counters.report(northbank, midnight.date())
        days = {at: sorted((day.day, n) for day, n in of) for at, of in report.days.items()}
        assert days == {APPROVED: [(20, 1), (21, 1)]}
        assert report.standing == {APPROVED: 3}
        folding.fold()


# Folding


def test_folding_changes_no_answer(ada: User, receive: Receive) -> None:
    for number in range(4):
        rows.deny(ada, receive("07", scanRef=f"s{number}"), "UNDER_AGE")
    partner = ada.memberships.get().partner
    before = codes(partner)
    assert folding.fold() == CounterChange.objects.count() + 4 * 7
    assert not CounterChange.objects.exists()
    assert codes(partner) == before
    assert folding.fold() == 0
    decide(ada, Verification.objects.get(scan_ref="s0"), Action.APPROVE)
    assert counters.standing(partner) == {DENIED: 3, APPROVED: 1}
    assert not differences()


@pytest.mark.parametrize("seed", range(20))
def test_any_changes_folded_at_any_moments_make_the_same_sums(
    northbank: Partner, southpay: Partner, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(folding, "BATCH", chance.randrange(1, 9))
    expected: dict[Partner, dict[Standing, int]] = {northbank: {}, southpay: {}}
    for _ in range(chance.randrange(60)):
        partner = chance.choice([northbank, southpay])
        standing = Standing(chance.choice(list(Status)), chance.random() < 0.5)
        by = chance.randrange(-2, 4)
        day = rows.NOON + timedelta(days=chance.randrange(3))
        it = rows.row(partner, started_at=day)
        change = counters.moved(it, None, standing)[0]
        change.by = by
        counters.note([change])
        expected[partner][standing] = expected[partner].get(standing, 0) + by
        if chance.random() < 0.2:
            folding._fold_some()
        for one, numbers in expected.items():
            assert counters.standing(one) == {key: n for key, n in numbers.items() if n}
    folding.fold()
    assert not CounterChange.objects.exists()
    for one, numbers in expected.items():
        assert counters.standing(one) == {key: n for key, n in numbers.items() if n}


def _as_sums(report: counters.Report) -> tuple[dict, dict, dict]:
    days: dict[tuple, int] = {}
    for standing, numbers in report.days.items():
        for day, number in numbers:
            days[standing, day] = days.get((standing, day), 0) + number
    found = {key: number for key, number in days.items() if number}
    return dict(report.standing), found, dict(report.codes)


@pytest.mark.parametrize("seed", range(10))
def test_sums_that_were_kept_are_those_that_stand(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(folding, "BATCH", chance.randrange(1, 9))
    answered_from_kept = 0
    for _ in range(40):
        it = rows.row(northbank, started_at=rows.NOON + timedelta(days=chance.randrange(3)))
        standing = Standing(chance.choice(list(Status)), chance.random() < 0.5)
        counters.note(counters.moved(it, None, standing)[:1])
        if chance.random() < 0.3:
            folding._fold_some()
        if chance.random() < 0.1:
            Counter.objects.filter(day=EVER).update(number=9)
            list(folding.repair())
        since = chance.choice([None, rows.NOON.date(), rows.NOON.date() + timedelta(days=1)])
        asked = northbank, since, *EVERYTHING
        before = set(counters.kept)
        quick = counters.report(*asked)
        answered_from_kept += set(counters.kept) == before
        with monkeypatch.context() as forgetful:
            forgetful.setattr(counters, "kept", {})
            assert _as_sums(quick) == _as_sums(counters.report(*asked))
    assert answered_from_kept > 10


def test_only_as_many_sums_are_kept_as_there_is_room_for(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "kept", {})
    monkeypatch.setattr(counters, "MOST_KEPT", 3)
    rows.add(northbank)
    folding.fold()
    for day in range(5):
        counters.report(northbank, rows.NOON.date() - timedelta(days=day), Measure.REASON)
    assert len(counters.kept) == 3


def test_before_anything_is_folded_nothing_is_kept(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "kept", {})
    rows.add(northbank)
    assert counters.report(northbank, None, *EVERYTHING).standing == {APPROVED: 1}
    assert not counters.kept


def test_the_worker_folds(northbank: Partner) -> None:
    rows.add(northbank)
    chores.run_due()
    assert not CounterChange.objects.exists()
    assert Counter.objects.get(day=EVER).number == 1


def test_a_million_cost_no_more_to_read_than_one(
    northbank: Partner, django_assert_num_queries: Callable
) -> None:
    rows.many(northbank, 3)
    folding.fold()
    Counter.objects.update(number=1_000_000)
    with django_assert_num_queries(1):
        assert counters.standing(northbank) == {APPROVED: 1_000_000}


def test_counting_costs_a_decision_one_statement(ada: User, approved: Verification) -> None:
    with CaptureQueriesContext(connection) as captured:
        rows.deny(ada, approved, "UNDER_AGE", "DOC_FAKE")
    assert sum("counterchange" in query["sql"] for query in captured) == 1


# Checked against the rows


def check(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_counters", *options, stdout=out, no_color=True)
    except SystemExit as exit:
        return int(exit.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize("is_folded", [False, True])
def test_right_counters_are_found_right(
    ada: User, suspected: Verification, is_folded: bool
) -> None:
    rows.deny(ada, suspected, "UNDER_AGE")
    if is_folded:
        folding.fold()
    assert check() == (0, "The counters are right.\n")


def test_a_planted_difference_is_found_and_put_right(northbank: Partner) -> None:
    rows.many(northbank, 3, started_at=rows.NOON)
    folding.fold()
    Counter.objects.filter(day=EVER).update(number=4)
    Counter.objects.exclude(day=EVER).delete()
    told = [
        f"partner {northbank.pk}, ever, standing APPROVED: 4, not 3",
        f"partner {northbank.pk}, 2026-11-20, standing APPROVED: 0, not 3",
    ]
    assert check() == (1, "\n".join([*told, "The counters are NOT right: 2 differ.", ""]))
    assert check("--repair") == (0, "\n".join([*told, "Put right: 2.", ""]))
    assert check() == (0, "The counters are right.\n")
    assert counters.standing(northbank) == {APPROVED: 3}


def test_repair_counts_what_nobody_counted(ada: User, suspected: Verification) -> None:
    rows.deny(ada, suspected, "UNDER_AGE")
    before = codes(suspected.partner)
    CounterChange.objects.all().delete()
    assert codes(suspected.partner) == {}
    check("--repair")
    assert codes(suspected.partner) == before


def test_the_migration_counts_what_was_there(
    ada: User, receive: Receive, southpay: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module("verifications.migrations.0007_count_what_is_there")
    monkeypatch.setattr(migration, "BATCH", 3)
    for number in range(5):
        it = receive("07", scanRef=f"s{number}")
        made = rows.deny(ada, it, "UNDER_AGE", "DOC_FAKE")
        if number == 3:
            it.refresh_from_db()
            undo(ada, it, made)
    rows.many(southpay, 4)
    CounterChange.objects.all().delete()
    migration.count(apps, None)
    assert not differences()
    assert counters.standing(southpay) == {APPROVED: 4}
