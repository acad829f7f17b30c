"""The rows of the bench are what the program itself would have written."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Substr

from accounts import guards, proof
from accounts.models import Partner
from tests.bench import build, elsewhere
from verifications import folding, vault
from verifications.callbacks import effect, provider
from verifications.models import (
    CallbackBody,
    DataKey,
    Decision,
    DecisionReason,
    Tag,
    Verification,
)
from verifications.names import proof as names_proof

DRAWN, COPIED = 2000, 2003
ENGINE = connection.vendor
SCAN_REF = Substr(OuterRef("owner"), len(vault.SCAN) + 1)


@pytest.fixture(
    params=[
        DRAWN,
        pytest.param(
            COPIED,
            marks=pytest.mark.skipif(ENGINE == "sqlite", reason="copies are made by PostgreSQL"),
        ),
    ]
)
def built(
    request: pytest.FixtureRequest,
    db: None,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[int]:
    """How many stand there, all of them drawn or four in five copied."""
    if request.param == COPIED:
        monkeypatch.setattr(build, "DRAWN", 500)
    with django_db_blocker.unblock(), elsewhere.beside(request.param):
        yield request.param


def test_built_rows_are_what_the_intake_would_have_written(built: int) -> None:
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


def test_built_chains_hold_and_guards_stand(built: int) -> None:
    held = proof.verify()
    assert held.holds, held.problems[:3]
    assert held.streams == built
    assert not guards.missing(connection)


def test_built_sums_are_those_of_the_rows(built: int) -> None:
    assert not list(folding.check())


def test_numbers_grow_with_the_start(built: int) -> None:
    rows = list(Verification.objects.order_by("pk").values_list("pk", "started_at"))
    assert [pk for pk, _ in rows] == list(range(1, built + 1))
    by_number = [started_at for _, started_at in rows]
    assert by_number == sorted(by_number)


def test_neighbours_are_strangers(built: int) -> None:
    names = list(Verification.objects.order_by("pk").values_list("name", flat=True))
    alike = sum(one == other and one != "" for one, other in pairwise(names))
    assert alike < built / 100


def test_what_is_open_is_among_the_newest(built: int) -> None:
    reviewing = Verification.objects.filter(status="REVIEWING").values_list("pk", flat=True)
    assert reviewing
    assert min(reviewing) > 0.98 * built


def test_decisions_stand_for_their_verifications(built: int) -> None:
    assert Decision.objects.filter(standing_for=None).count() == 0
    for decision in Decision.objects.select_related("standing_for"):
        row = decision.standing_for
        assert row.pk == decision.verification_id
        assert (row.status, row.suspected) == (decision.to_status, decision.to_suspected)
        assert row.decided_by_id == decision.actor_id
        assert row.created_at < decision.decided_at


def test_partners_are_skewed(built: int) -> None:
    sizes = Counter(Verification.objects.values_list("partner__key", flat=True))
    assert Partner.objects.count() == build.PARTNERS
    assert 0.2 < sizes["bench-01"] / built < 0.3


def test_names_are_found_as_the_program_would_keep_them(built: int) -> None:
    found = names_proof.compare()
    assert found.holds
    assert found.names == built


def test_what_stands_beside_is_of_its_verification(built: int) -> None:
    of_it = {"partner": F("verification__partner"), "started_at": F("verification__started_at")}
    for model in (Tag, DecisionReason):
        assert model.objects.exists()
        assert not model.objects.exclude(**of_it).exists()
    assert not DecisionReason.objects.exclude(verification=F("decision__verification")).exists()
    assert not DataKey.objects.filter(owner__startswith=vault.SCAN).exclude(
        Exists(Verification.objects.filter(partner=OuterRef("partner"), scan_ref=SCAN_REF))
    )


def test_what_an_earlier_builder_left_is_kept_where_asked(built: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bench_mark SET fingerprint = 'earlier'")
        elsewhere.prepare(built, keep=True)
        cursor.execute("SELECT fingerprint FROM bench_mark")
        assert cursor.fetchone() == ("earlier",)
        cursor.execute("UPDATE bench_mark SET fingerprint = %s", [elsewhere.fingerprint(built)])
