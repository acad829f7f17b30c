"""Several who begin a stream, or spend a budget, at the same moment."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from accounts import audit, budgets
from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    barrier = Barrier(len(works), timeout=30)

    def done(work: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(done, works))


def look(ada: User, partner: Partner, number: int) -> None:
    audit.record(
        Kind.VIEWED, actor=ada, partner=partner, subject=f"it:{number}", stream=f"u/{ada.pk}"
    )


def test_a_stream_is_begun_by_several_at_once() -> None:
    northbank = factories.NorthbankFactory()
    for round_ in range(10):
        new = factories.person(f"New{round_} Lind", northbank, 10)
        at_once(
            *(lambda number=number, new=new: look(new, northbank, number) for number in range(4))
        )
        entries = AuditEntry.objects.filter(stream=f"u/{new.pk}")
        assert sorted(entries.values_list("seq", flat=True)) == [1, 2, 3, 4]


def test_who_works_for_several_partners_has_one_budget(settings: Any) -> None:
    settings.EXPORTS_PER_DAY = 3
    partners = [factories.NorthbankFactory(), factories.SouthpayFactory()]
    for round_ in range(5):
        ada = factories.person(f"Ada{round_} Lind", partners[0], 40)

        def take(partner: Partner, ada: User = ada) -> str:
            try:
                budgets.spend_export(budgets.LIST_EXPORTS, actor=ada, partner=partner, filters=[])
            except budgets.Reached as reached:
                budgets.note(reached)
                return "reached"
            return "taken"

        answers = at_once(*(lambda it=it: take(it) for it in partners * 4))
        assert Counter(answers) == {"taken": 3, "reached": 5}
        noted = AuditEntry.objects.filter(actor=ada.pk, kind=Kind.BUDGET_REACHED)
        assert noted.count() == 1
