"""The rows of the bench are what the program itself would have written."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts import guards, proof
from accounts.models import Partner
from tests.bench import build, elsewhere
from verifications import folding, vault
from verifications.callbacks import effect, provider
from verifications.models import CallbackBody, Decision, Verification
from verifications.names import proof as names_proof

ROWS = 2000


@pytest.fixture
def built(db: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), elsewhere.beside(ROWS):
        yield


def test_built_rows_are_what_the_intake_would_have_written(built: None) -> None:
    undecided = CallbackBody.objects.filter(callback__verification__decision=None)
    bodies = undecided.select_related("callback__verification")
    assert bodies
    for body in bodies:
        callback, row = body.callback, body.callback.verification
        received = provider.identification(provider.read(vault.opened(body), callback.event))
        told = effect.data_fields(received) | effect.result_fields(received, callback.event)
        number = received.document_number
        told["number_hash"] = vault.number_hash(row.partner_id, number)
        assert {name: getattr(row, name) for name in told} == told
        assert row.standing == received.standing


def test_built_chains_hold_and_guards_stand(built: None) -> None:
    held = proof.verify()
    assert held.holds, held.problems[:3]
    assert held.streams == ROWS
    assert not guards.missing(connection)


def test_built_sums_are_those_of_the_rows(built: None) -> None:
    assert not list(folding.check())


def test_numbers_grow_with_the_start(built: None) -> None:
    by_number = list(Verification.objects.order_by("pk").values_list("started_at", flat=True))
    assert by_number == sorted(by_number)


def test_decisions_stand_for_their_verifications(built: None) -> None:
    assert Decision.objects.filter(standing_for=None).count() == 0
    for decision in Decision.objects.select_related("standing_for"):
        row = decision.standing_for
        assert (row.status, row.suspected) == (decision.to_status, decision.to_suspected)


def test_partners_are_skewed(built: None) -> None:
    sizes = Counter(Verification.objects.values_list("partner__key", flat=True))
    assert Partner.objects.count() == build.PARTNERS
    assert 0.2 < sizes["bench-01"] / ROWS < 0.3


def test_names_are_found_as_the_program_would_keep_them(built: None) -> None:
    found = names_proof.compare()
    assert found.holds
    assert found.names == ROWS
