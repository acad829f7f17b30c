"""Pages by position: every row once, in either direction, whatever happens between two pages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Partner
from tests.verifications import rows
from verifications import keyset
from verifications.keyset import BadPosition, Page, Position, Turn
from verifications.models import Verification

Ask = Callable[..., Page]


@pytest.fixture
def turn(northbank: Partner) -> Ask:
    """Seven rows, of which five began at the same moment; pages of three."""
    for minutes in (0, 5, 5, 5, 5, 5, 9):
        rows.add(northbank, started_at=rows.NOON - timedelta(minutes=minutes))

    def turn(**where: object) -> Page:
        return keyset.page(Verification.objects.all(), "started_at", Turn(**where), size=3)

    return turn


def _expected(newest_first: bool = True) -> list[int]:
    sign = "-" if newest_first else ""
    ordered = Verification.objects.order_by(f"{sign}started_at", f"{sign}pk")
    return list(ordered.values_list("pk", flat=True))


def _keys(page: Page) -> list[int]:
    return [row.pk for row in page.rows]


@pytest.mark.parametrize("newest_first", [True, False])
def test_walking_on_shows_every_row_once(turn: Ask, newest_first: bool) -> None:
    page = turn(newest_first=newest_first)
    seen = _keys(page)
    while page.older:
        page = turn(after=page.older, newest_first=newest_first)
        seen += _keys(page)
    assert seen == _expected(newest_first)


@pytest.mark.parametrize("newest_first", [True, False])
def test_walking_back_shows_the_same_pages(turn: Ask, newest_first: bool) -> None:
    pages = [turn(newest_first=newest_first)]
    while pages[-1].older:
        pages.append(turn(after=pages[-1].older, newest_first=newest_first))
    page, seen = pages[-1], [_keys(pages[-1])]
    while page.newer:
        page = turn(before=page.newer, newest_first=newest_first)
        seen.insert(0, _keys(page))
    assert seen == [_keys(page) for page in pages]


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_after(turn: Ask) -> None:
    first = turn()
    last = turn(after=turn(after=first.older).older)
    assert first.newer is None
    assert last.older is None
    assert len(last.rows) == 1


def test_a_page_that_ends_with_the_last_row_offers_no_next(northbank: Partner) -> None:
    rows.many(northbank, 3)
    assert keyset.page(Verification.objects.all(), "started_at", Turn(), size=3).older is None


def test_new_rows_move_no_page(turn: Ask, northbank: Partner) -> None:
    position = turn().older
    before = _keys(turn(after=position))
    rows.add(northbank, started_at=rows.NOON + timedelta(days=1))
    assert _keys(turn(after=position)) == before


def test_a_position_outlives_its_row(turn: Ask) -> None:
    first = turn()
    rest = _expected()[3:]
    Verification.objects.filter(pk=first.rows[-1].pk).delete()
    assert _keys(turn(after=first.older)) == rest[:3]


def test_beyond_the_end_there_is_an_empty_page(turn: Ask) -> None:
    assert turn(after=Position(rows.NOON - timedelta(days=9), 1)) == Page([], None, None)


def test_a_page_is_one_query_without_offset_or_count(
    turn: Ask, django_assert_num_queries: Callable
) -> None:
    first = turn()
    with django_assert_num_queries(1) as seen:
        turn(after=first.older)
    sql = seen.captured_queries[0]["sql"].upper()
    assert "OFFSET" not in sql
    assert "COUNT(" not in sql
    assert "LIMIT 4" in sql


def test_a_position_reads_as_it_was_written() -> None:
    position = Position(datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC), 42)
    assert keyset.read(str(position)) == position
    assert str(position) == "1795176000123456-42"


@pytest.mark.parametrize(
    "text",
    ["", "x", "1-", "-1", "1-2-3", "1.5-2", " 1-2", "1-2\n", "١-٢", "{}", "NaN-1", "1-" + "9" * 19]
    + ["9" * 18 + "-1", "A" * 8192],
)
def test_garbage_is_no_position(text: str) -> None:
    with pytest.raises(BadPosition):
        keyset.read(text)
