"""A mark on every picture that leaves us, and the way back from the mark to the look."""

import contextlib
import io

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from accounts.models import AuditEntry, Kind, User
from tests import factories
from verifications import evidence, watermark
from verifications.models import Verification

NUMBERS = st.integers(min_value=1, max_value=2**63 - 1)


def drawn(colour: str, size: tuple[int, int] = (1200, 800)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "JPEG", quality=90)
    return written.getvalue()


def read(raw: bytes) -> Image.Image:
    return Image.open(io.BytesIO(raw), formats=("JPEG",)).convert("L")


@given(NUMBERS)
def test_a_mark_leads_back_to_its_number_however_it_is_typed(number: int) -> None:
    code = watermark.code_of(number)
    assert watermark.number_of(code) == number
    assert watermark.number_of(code.lower().replace("-", " ")) == number
    assert watermark.number_of(code[:-2].replace("0", "o").replace("1", "l") + code[-2:]) == number


@given(NUMBERS, st.data())
def test_one_wrong_letter_is_no_other_mark(number: int, data: st.DataObject) -> None:
    code = watermark.code_of(number).replace("-", "")
    place = data.draw(st.integers(0, len(code) - 2))
    other = data.draw(st.sampled_from([one for one in watermark.DIGITS if one != code[place]]))
    with pytest.raises(watermark.NoMark):
        watermark.number_of(code[:place] + other + code[place + 1 :])


@given(st.text(max_size=30))
def test_what_is_no_mark_is_refused_and_never_an_error(text: str) -> None:
    with contextlib.suppress(watermark.NoMark):
        assert watermark.number_of(text) >= 0


@pytest.mark.parametrize("colour", ["white", "black", "grey", "red", "navy"])
@pytest.mark.parametrize("size", [(1200, 800), (300, 200), (200, 1600), (1, 1)])
def test_the_mark_shows_on_any_ground_and_hides_nothing(colour: str, size: tuple[int, int]) -> None:
    raw = drawn(colour, size)
    marked = read(watermark.marked(raw, "ada@northbank.example 2026-11-26 07:40 UTC 3RJ0-R"))
    assert marked.size == size
    difference = ImageChops.difference(read(raw), marked)
    if min(size) < 100:
        return
    assert ImageStat.Stat(difference).extrema[0][1] > 30
    # Most of the picture is as it was.
    touched = difference.point(lambda value: 255 if value > 12 else 0)
    assert 0.005 < ImageStat.Stat(touched).mean[0] / 255 < 0.15


def test_every_part_of_a_picture_that_shows_a_face_holds_some_of_the_mark() -> None:
    raw = drawn("grey")
    marked = read(watermark.marked(raw, "ada@northbank.example 2026-11-26 07:40 UTC 3RJ0-R"))
    difference = ImageChops.difference(read(raw), marked)
    for left in range(0, 1200, 300):
        for top in range(0, 800, 200):
            part = difference.crop((left, top, left + 300, top + 200))
            assert ImageStat.Stat(part).extrema[0][1] > 20


@pytest.mark.parametrize("who", ["żaneta@northbank.example", "李@northbank.example", ""])
def test_any_name_can_be_written(who: str) -> None:
    assert watermark.marked(drawn("white"), f"{who} 3RJ0-R")


def test_no_comment_of_a_stored_copy_goes_out() -> None:
    stored = factories.jpeg(comment=b"<script>hit")
    assert b"hit" in stored
    assert b"hit" not in watermark.marked(stored, "ada@northbank.example 3RJ0-R")


def test_a_mark_tells_who_looked_at_what_and_when(
    ada: User, approved: Verification, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence.record_look(ada, approved, ["FRONT", "FACE"])
    look = AuditEntry.objects.get(kind=Kind.VIEWED)
    call_command("who_saw", mark=watermark.code_of(look.pk))
    said = capsys.readouterr().out
    assert said == (
        f"{look.at:%Y-%m-%d %H:%M:%S}  Ada Lind  verification:{approved.scan_ref}  FACE, FRONT\n"
    )


def test_a_mark_of_no_look_and_a_slip_are_told_apart(approved: Verification) -> None:
    other = AuditEntry.objects.get(kind=Kind.CREATED)
    with pytest.raises(CommandError, match="No look has the mark"):
        call_command("who_saw", mark=watermark.code_of(other.pk))
    with pytest.raises(CommandError, match="look again at each letter"):
        call_command("who_saw", mark="3RJ0-S")
    with pytest.raises(CommandError, match="Give a scan ref"):
        call_command("who_saw")
