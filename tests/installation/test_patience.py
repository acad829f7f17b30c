"""A migration may take as long as it takes; a page may not."""

import pytest
from django.db import connection

from accounts import patience, proof


def _limits() -> list[str]:
    with connection.cursor() as cursor:
        return [cursor.execute(f"SHOW {it}").fetchone()[0] for it in patience.LIMITS]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite breaks nothing off")
def test_nothing_breaks_a_migration_off_and_the_limits_come_back(db: None) -> None:
    before = _limits()
    assert "0" not in before
    patience.begin("default", plan=["a migration"])
    assert _limits() == ["0", "0"]
    patience.end("default")
    assert _limits() == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite breaks nothing off")
def test_nothing_breaks_a_proof_of_the_log_off(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before, meanwhile = _limits(), []
    monkeypatch.setattr(proof, "_verify_chains", lambda found: meanwhile.extend(_limits()))
    proof.verify()
    assert meanwhile == ["0", "0"]
    assert _limits() == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite breaks nothing off")
def test_where_nothing_is_migrated_the_limits_stay(db: None) -> None:
    before = _limits()
    patience.begin("default", plan=[])
    assert _limits() == before
