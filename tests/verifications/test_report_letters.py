"""A report of whatever came in: in any script, of any length, and never an empty box."""

import io
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typst
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pypdf import PdfReader

from accounts.models import User
from tests import factories, hostile
from tests.verifications.test_detail import SAMPLES, decide
from verifications import detail
from verifications.models import Verification
from verifications.report import contents, fonts, press
from verifications.statuses import Action
from verifications.timeline import Event

Receive = Callable[..., Verification]
AT = datetime(2026, 11, 28, 4, 0, 0, 123456, tzinfo=UTC)
NOT_DRAWN = "Some signs are written by their numbers"
# In the fonts, each of them; in no font, all three.
NOT_TOGETHER = "\u0598\u2ff9\u0362"


def page_of(it: Verification, user: User, **changes: Any) -> detail.Detail:
    it = Verification.objects.select_related("partner", "callback__body", "decision").get(pk=it.pk)
    return replace(detail.build(factories.membership(user), it), **changes)


def made(it: Verification, user: User, **changes: Any) -> bytes:
    page = page_of(it, user, **changes)
    said = contents.of(page, contents.Taking(user, "Member", AT, "4K7-B"))
    return press.printed(said, country=it.document_country, at=AT)


def words(raw: bytes) -> str:
    read = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(raw)).pages)
    return re.sub(r"\s+", " ", read.replace("\u200b", ""))


def fonts_of(raw: bytes) -> set[str]:
    found = (page["/Resources"]["/Font"].values() for page in PdfReader(io.BytesIO(raw)).pages)
    return {str(font["/BaseFont"]).partition("+")[2] for page in found for font in page}


@pytest.fixture
def named(receive: Receive) -> Callable[..., Verification]:
    def named(original: str, **changes: Any) -> Verification:
        data = factories.body("01")["data"] | {"orgFirstName": original} | changes
        return receive("01", data=data)

    return named


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("Đặng Thị Ánh Šķirmantė", "SourceSans3-Regular"),
        ("Ελένη Παπαδοπούλου", "SourceSans3-Regular"),
        ("Наталя Їжакевич", "SourceSans3-Regular"),
        ("გიორგი", "KurintoSans-Rg"),
        ("Հայկ", "KurintoSans-Rg"),
        ("דוד", "KurintoSans-Rg"),
        ("محمد", "KurintoSans-Rg"),
        ("नरेन्द्र", "KurintoSans-Rg"),
        ("สมชาย", "KurintoSans-Rg"),
        ("王小明", "KurintoSansSC-Rg"),
        ("홍길동", "KurintoSansKR-Rg"),
    ],
)
def test_names_are_drawn_in_their_script(
    name: str, font: str, named: Callable[..., Verification], mia: User
) -> None:
    raw = made(named(name), mia)
    assert font in fonts_of(raw)
    assert NOT_DRAWN not in words(raw)
    assert fonts.spelled(name) == name


@pytest.mark.parametrize("name", ["Đặng Thị Ánh", "Ελένη", "Наталя", "王小明", "홍길동", "გიორგი"])
def test_a_name_can_be_copied_out_of_it(
    name: str, named: Callable[..., Verification], mia: User
) -> None:
    assert name in words(made(named(name), mia))


@pytest.mark.parametrize(
    ("country", "style"), [("JP", "JP"), ("TW", "TC"), ("CN", "SC"), ("KR", "KR"), ("LT", "SC")]
)
def test_chinese_signs_are_written_as_in_the_country_of_the_document(
    country: str, style: str, named: Callable[..., Verification], mia: User
) -> None:
    raw = made(named("直子", docIssuingCountry=country, docNationality=country), mia)
    assert f"KurintoSans{style}-Rg" in fonts_of(raw)


@pytest.mark.parametrize("country", ["JP", "KR", "CN", "TW", "LT"])
@pytest.mark.parametrize(
    ("sign", "styles"), [("\ufa19", {"JP", "KR"}), ("\uf9f3", {"KR"}), ("\U0002f825", {"TC"})]
)
def test_a_chinese_sign_is_never_another_way_to_write_it(
    sign: str, styles: set[str], country: str, named: Callable[..., Verification], mia: User
) -> None:
    raw = made(named(sign * 3, docIssuingCountry=country, docNationality=country), mia)
    assert sign * 3 in words(raw)
    drawn = {font[len("KurintoSans") :][:2] for font in fonts_of(raw) if "Kurinto" in font}
    assert drawn
    assert drawn <= styles
    assert NOT_DRAWN not in words(raw)


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("မောင်", "[U+1019][U+1031][U+102C][U+1004][U+103A]"),
        ("Kim 😀", "Kim [U+1F600]"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\ue000b", "a[U+E000]b"),
        ("a\u2028b", "a[U+2028]b"),
        ("a\x07b", "a[U+0007]b"),
        ("\U0003134f", "[U+3134F]"),
    ],
)
def test_what_no_font_has_is_written_by_its_number_and_said_so(name: str, drawn: str) -> None:
    copy = press.Copy(press.AS_IT_CAME)
    assert (copy.of({"name": [name]}), copy.is_spelled) == ({"name": [drawn]}, True)


def test_a_name_that_cannot_be_drawn_is_said_to_be_so(
    named: Callable[..., Verification], mia: User
) -> None:
    said = words(made(named("မောင်"), mia))
    assert "[U+1019][U+1031][U+102C][U+1004][U+103A]" in said
    assert NOT_DRAWN in said


def test_signs_that_combine_in_no_font_are_written_by_their_numbers(
    named: Callable[..., Verification], mia: User
) -> None:
    assert fonts.spelled(NOT_TOGETHER) == NOT_TOGETHER
    said = words(made(named(NOT_TOGETHER), mia))
    assert "[U+0598][U+2FF9][U+0362]" in said
    assert NOT_DRAWN in said


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_makes_a_report(sample: str, receive: Receive, mia: User) -> None:
    it = receive(sample)
    assert it.scan_ref in words(made(it, mia))


@pytest.mark.parametrize("start", range(0, len(hostile.PAYLOADS), 11))
def test_texts_that_try_to_become_more_stay_text(
    start: int, mia: User, receive: Receive, body: Callable[..., dict[str, Any]]
) -> None:
    told = iter(hostile.PAYLOADS[start:] * 500)
    event, _ = factories.sample("10")
    spread = hostile.spread(body("10"), event, lambda: next(told))
    del spread["scanRef"]
    raw = made(receive("10", **spread), mia)
    reader = PdfReader(io.BytesIO(raw))
    assert "9801547" not in words(raw)
    assert not reader.attachments
    assert not any(page.get("/Annots") for page in reader.pages)


@pytest.mark.parametrize(
    "text",
    ["x" * 4000, "word " * 800, "\n" * 3999, "王" * 4000, "محمد" * 999]
    + ['#let x = 1; #eval("1") $x$ <label> @ref \\ `code` // no /* no */ http://a.example'],
)
def test_a_long_or_strange_text_fits(text: str, suspected: Verification, mia: User) -> None:
    event = Event(AT, "tone-info", "", text[:200], [("Notice", text), ("", text)], who=text[:150])
    raw = made(suspected, mia, events=[event])
    for page in PdfReader(io.BytesIO(raw)).pages:
        assert max(map(len, page.extract_text().splitlines())) < 200
    assert "Some texts are longer" not in words(raw)


def test_marks_without_end_stop_nothing(suspected: Verification, mia: User) -> None:
    event = Event(AT, "tone-info", "", "Z" + "\u0337\u0322" * 1999, [])
    assert made(suspected, mia, events=[event]).startswith(b"%PDF")


def test_many_events_are_bounded_and_said_to_be(suspected: Verification, mia: User) -> None:
    lines = [("", "Received 2 times.")]
    events = [
        Event(AT + timedelta(seconds=number), "tone-info", "", f"Event {number}", lines)
        for number in range(5000)
    ]
    said = words(made(suspected, mia, events=events))
    assert f"{5000 - contents.MOST_EVENTS} earlier events are kept and not shown here." in said
    assert said.count("Received 2 times.") == contents.MOST_EVENTS


def test_endless_texts_are_cut_and_said_to_be(suspected: Verification, mia: User) -> None:
    events = [Event(AT, "tone-info", "", "Long", [("", "word " * 2000)]) for _ in range(200)]
    raw = made(suspected, mia, events=events)
    assert len(words(raw)) < press.AS_IT_CAME.most * 2
    assert "Some texts are longer than fits" in words(raw)


def test_a_long_key_that_no_font_has_makes_a_report(receive: Receive, mia: User) -> None:
    said = words(made(receive("01", **{"က" * 4000: "value", "😀" * 4000: {"a": "b"}}), mia))
    assert "Some texts are longer than fits" in said
    assert "[U+1000]" in said


def test_no_number_of_a_sign_is_cut_apart() -> None:
    copy = press.Copy(press.AS_IT_CAME)
    assert copy.of({"title": "ab" + "😀" * 99}) == {"title": "ab" + "[U+1F600]" * 33 + "…"}
    assert copy.is_cut


def test_keys_without_end_are_bounded_and_leave_the_rest_whole(
    receive: Receive, mia: User, ada: User
) -> None:
    keys = {f"{number}" + "က" * 100: "က" * 100 for number in range(400)}
    it = receive("07", **keys)
    decide(ada, it, Action.APPROVE, internal_note="Seen.")
    content = contents.of(page_of(it, mia), contents.Taking(mia, "Member", AT, "4K7-B"))
    copy = press.Copy(press.AS_IT_CAME)
    said = copy.of(content)
    assert press.AS_IT_CAME.most - copy.left < press.AS_IT_CAME.most * 2.1
    assert said["events"] == content["events"]
    assert said["about"] == content["about"]
    assert copy.is_cut


def test_blocks_of_which_no_fact_fits_are_only_counted(
    receive: Receive, mia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_FACTS", 20)
    it = receive("01", **{f"key{number}": "value" for number in range(60)})
    content = contents.of(page_of(it, mia), contents.Taking(mia, "Member", AT, "4K7-B"))
    assert len(content["blocks"]) <= contents.MOST_FACTS
    assert content["facts_left_out"] >= 40


def test_the_same_makes_the_same_bytes(suspected: Verification, mia: User) -> None:
    assert made(suspected, mia) == made(suspected, mia)


def test_no_text_stops_a_report(suspected: Verification, mia: User) -> None:
    taking = contents.Taking(mia, "Member", AT, "4K7-B")
    content = contents.of(page_of(suspected, mia), taking)

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
    def prints(name: str, line: str, who: str) -> None:
        event = {**content["events"][0], "title": name, "lines": [["", line]], "who": who}
        told = {**content, "it": {**content["it"], "name": name}, "events": [event]}
        assert press.printed(told, country="", at=AT).startswith(b"%PDF")

    prints()


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        ("ஸ்ரீவெங்கடநரசிம்மராஜுவாரிபேட்டை", 1),
        ("ரி" * 30, 2),
        ("नि" * 30, 2),
        ("ที่" * 30, 2),
        ("x" * 60, 3),
    ],
)
def test_a_long_word_breaks_between_letters_never_inside_one(
    word: str, lines: int, tmp_path: Path
) -> None:
    parts = press.TEMPLATE.with_name("report_parts.typ")
    asked = tmp_path / "asked.typ"
    asked.write_text(f'#import "{parts}": apart\n#metadata(apart(sys.inputs.word)) <it>')
    told = {"word": word, "content": json.dumps({"families": []})}
    found = json.loads(typst.query(asked, "<it>", field="value", root="/", sys_inputs=told))
    pieces = found[0].split("\u200b")
    assert ("".join(pieces), len(pieces)) == (word, lines)
    assert not any(unicodedata.category(piece[0]).startswith("M") for piece in pieces)
