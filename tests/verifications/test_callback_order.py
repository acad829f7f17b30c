"""Callbacks in any order, several times, and at once: the end is what the newest one says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, NamedTuple

import pytest
from django.db import connections
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Partner
from tests import factories
from verifications import vault
from verifications.callbacks import effect, intake
from verifications.models import Outcome, ProviderCallback, Verification

AUTO = "IDENTIFICATION_AUTO_FINISHED"
BEGAN = 1_800_000_000
# What the provider may say of a verification that is not gone, and how it stands then.
WORDS = {
    "APPROVED": ("APPROVED", False),
    "DENIED": ("DENIED", False),
    "SUSPECTED": ("APPROVED", True),
    "REVIEWING": ("REVIEWING", False),
    "EXPIRED": ("EXPIRED", False),
}


class Told(NamedTuple):
    """One callback, sorted as its rule of order sorts it."""

    is_final: bool
    second: int
    word: str
    tags: list[str]

    def raw(self, scan_ref: str) -> bytes:
        return factories.sample(
            "07",
            scanRef=scan_ref,
            final=self.is_final,
            finishTime=BEGAN + self.second,
            status={"overall": self.word, "mismatchTags": self.tags},
            data={"docFirstName": f"At {self.second}", "docLastName": str(self.is_final)},
        )[1]


TAGS = st.lists(st.sampled_from(["NAME", "FULL_NAME", "UNDER_AGE", "NEW"]), unique=True)
CALLBACK = st.builds(Told, st.booleans(), st.integers(0, 5), st.sampled_from([*WORDS]), TAGS)
SETS = st.lists(CALLBACK, min_size=1, max_size=5, unique_by=lambda told: told[:2])


def repeated(sets: list[Told]) -> Any:
    """In any order, some of them twice."""
    return st.tuples(st.permutations(sets), st.lists(st.sampled_from(sets), max_size=2)).map(
        lambda drawn: [*drawn[0], *drawn[1]]
    )


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=SETS.flatmap(repeated))
def test_in_any_order_the_newest_callback_is_right(northbank: Partner, order: list[Told]) -> None:
    scan_ref = f"order-{Verification.objects.count()}"
    for told in order:
        intake.receive(northbank, AUTO, told.raw(scan_ref))
    newest = max(order)
    it = Verification.objects.get(scan_ref=scan_ref)
    assert (it.status, it.suspected) == WORDS[newest.word]
    assert it.overall == newest.word
    assert it.is_final == newest.is_final
    assert it.finished_at == datetime.fromtimestamp(BEGAN + newest.second, UTC)
    assert it.name == f"At {newest.second} {newest.is_final}"
    assert set(it.tags.values_list("code", flat=True)) == set(newest.tags)
    assert vault.opened(it.callback.body) == newest.raw(scan_ref)
    assert it.callbacks.count() == len({told[:2] for told in order})
    assert set(it.callbacks.values_list("outcome", flat=True)) <= {Outcome.APPLIED, Outcome.LATE}


def test_of_two_of_the_same_second_the_later_one_counts(northbank: Partner) -> None:
    for word in ("APPROVED", "DENIED"):
        intake.receive(northbank, AUTO, Told(True, 1, word, []).raw("same"))
    assert Verification.objects.get().status == "DENIED"


def test_a_callback_without_a_time_is_older_than_any(northbank: Partner) -> None:
    intake.receive(northbank, AUTO, Told(True, 1, "APPROVED", []).raw("no-time"))
    _, raw = factories.sample(
        "07", scanRef="no-time", finishTime=None, status={"overall": "DENIED"}
    )
    receipt = intake.receive(northbank, AUTO, raw)
    assert receipt.callback.outcome == Outcome.LATE
    assert Verification.objects.get().status == "APPROVED"


def test_one_that_came_to_begin_too_late_follows(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once see no verification yet; the second finds out when it is written."""
    intake.receive(northbank, AUTO, Told(False, 1, "REVIEWING", []).raw("at-once"))
    answers = [lambda *_: None, effect.locked]
    monkeypatch.setattr(effect, "locked", lambda *given: answers.pop(0)(*given))
    receipt = intake.receive(northbank, AUTO, Told(True, 2, "APPROVED", []).raw("at-once"))
    assert receipt.callback.outcome == Outcome.APPLIED
    assert Verification.objects.get().status == "APPROVED"


def test_applying_does_not_forget_how_often_it_came(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: Any) -> None:
        ProviderCallback.objects.update(times_received=F("times_received") + 1)
        real(*given)

    real: Callable[..., None] = effect.apply
    monkeypatch.setattr(effect, "apply", meanwhile)
    intake.receive(northbank, AUTO, Told(True, 1, "APPROVED", []).raw("counted"))
    assert ProviderCallback.objects.get().times_received == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_results_at_once_end_as_the_newer_one_says() -> None:
    northbank, rounds, together = factories.NorthbankFactory(), 50, Barrier(2)

    def send(told: Told) -> None:
        try:
            for number in range(rounds):
                raw = told.raw(f"race-{number}")
                together.wait()
                intake.receive(northbank, AUTO, raw)
        finally:
            connections.close_all()

    both = [Told(False, 1, "REVIEWING", []), Told(True, 2, "APPROVED", [])]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, both))
    assert set(Verification.objects.values_list("status", flat=True)) == {"APPROVED"}
    assert Verification.objects.count() == rounds
    assert not ProviderCallback.objects.filter(outcome=Outcome.WAITING).exists()
