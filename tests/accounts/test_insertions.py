"""Rows whose INSERT is written once: they are what save() and bulk_create() would have written."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Model
from django.db.transaction import TransactionManagementError

from accounts.insertions import insert, insert_missing
from accounts.models import AuditCheckpoint, Membership, Partner, User
from accounts.updates import update
from tests import factories
from verifications.models import CounterChange, Measure, Photo, Tag, Verification

AT = datetime(2026, 11, 20, 12, 0, 0, 500, tzinfo=UTC)


def change(partner: Partner, code: str, by: int = 1) -> CounterChange:
    day = date(2026, 11, 20)
    return CounterChange(partner=partner, day=day, measure=Measure.REASON, code=code, by=by)


def checkpoint(partner: Partner) -> AuditCheckpoint:
    told = {"number": 7, "upto": 1, "count": 2**40, "digest": "d" * 64, "signature": "s"}
    return AuditCheckpoint(at=AT, **told)


def verification(partner: Partner) -> Verification:
    return Verification(
        partner=partner,
        scan_ref="one",
        status="APPROVED",
        deny_reasons=["A", "b'%s"],
        started_at=AT,
        name="Žofie %s ' \\",
    )


def photo(partner: Partner) -> Photo:
    it = verification(partner)
    it.save()
    return Photo(verification=it, kind="FACE", sealed_source=b"\x00\xff%s")


ROWS: list[Callable[[Partner], Model]] = [
    lambda partner: change(partner, "%s'"),
    checkpoint,
    verification,
    photo,
]


def columns(row: Model) -> dict[str, Any]:
    fields = row._meta.concrete_fields
    told = {field.attname: getattr(row, field.attname) for field in fields}
    return {
        name: bytes(value) if isinstance(value, memoryview) else value
        for name, value in told.items()
    }


@pytest.mark.parametrize("made", ROWS, ids=["counted", "own key", "wide, with JSON", "bytes"])
def test_what_is_written_comes_back_the_same(
    northbank: Partner, made: Callable[[Partner], Model]
) -> None:
    row = made(northbank)
    insert(row)
    assert row.pk
    assert not row._state.adding
    found = type(row)._default_manager.get(pk=row.pk)
    assert columns(found) == columns(row)


def test_many_rows_are_one_statement_and_get_their_keys_in_order(
    northbank: Partner, django_assert_num_queries: Any
) -> None:
    rows = [change(northbank, f"CODE_{number}", 1 - number * 9000) for number in range(4)]
    with django_assert_num_queries(1):
        insert(*rows)
    assert {row.pk: row.code for row in rows} == dict(
        CounterChange.objects.values_list("pk", "code")
    )
    with django_assert_num_queries(0):
        insert()


def test_a_row_of_before_is_refused(northbank: Partner) -> None:
    row = change(northbank, "CODE")
    insert(row)
    with pytest.raises(TypeError):
        insert(row)


def test_what_it_belongs_to_may_have_got_its_key_since(northbank: Partner) -> None:
    it = verification(northbank)
    tag = Tag.of(it, kind="mismatch", code="NAME")
    insert(it)
    insert(tag)
    assert list(it.tags.all()) == [tag]


def test_what_is_not_there_yet_is_not_belonged_to(northbank: Partner) -> None:
    with pytest.raises(ValueError, match="unsaved related object"):
        insert(Tag.of(verification(northbank), kind="mismatch", code="NAME"))


def test_a_transaction_does_not_go_on_after_a_refusal(ada: User, northbank: Partner) -> None:
    again = Membership(user=ada, partner=northbank, role=factories.role(40))
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            insert(again)
        with pytest.raises(TransactionManagementError):
            Partner.objects.get(pk=northbank.pk)
        transaction.set_rollback(True)


@pytest.mark.parametrize("there", [0, 1, 3])
def test_what_is_missing_is_written_and_what_is_there_stays(northbank: Partner, there: int) -> None:
    it = verification(northbank)
    insert(it)
    rows = [Tag.of(it, kind="mismatch", code=f"CODE_{number}") for number in range(3)]
    insert(*(Tag.of(it, kind=row.kind, code=row.code) for row in rows[:there]))
    assert insert_missing(*rows) == (not there)
    assert set(it.tags.values_list("code", flat=True)) == {row.code for row in rows}
    assert {row.pk for row in rows} == (
        {None} if there else set(it.tags.values_list("pk", flat=True))
    )
    assert insert_missing()


def test_a_great_many_rows_come_in_portions(
    northbank: Partner, django_assert_num_queries: Any
) -> None:
    rows = [change(northbank, str(number)) for number in range(250)]
    with django_assert_num_queries(3):
        insert(*rows)
    assert CounterChange.objects.count() == len({row.pk for row in rows}) == 250


def test_what_is_updated_comes_back_the_same_and_nothing_else_does(northbank: Partner) -> None:
    it, other = verification(northbank), verification(northbank)
    other.scan_ref = "other"
    insert(it, other)
    it.name, it.deny_reasons, it.finished_at = "Otto %s ' \\", ["C"], AT
    it.overall = "left alone"
    update(it, "name", "deny_reasons", "finished_at")
    found, untouched = Verification.objects.order_by("pk")
    assert (found.name, found.deny_reasons, found.finished_at) == (it.name, ["C"], AT)
    assert (found.overall, untouched.name) == ("", other.name)


def test_a_row_that_is_gone_is_not_updated(northbank: Partner) -> None:
    row = change(northbank, "CODE")
    insert(row)
    CounterChange.objects.all().delete()
    with pytest.raises(DatabaseError, match="not there"), transaction.atomic():
        update(row, "code")
