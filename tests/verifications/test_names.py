"""Names by fragment: the index finds what reading every name would find, in order, in pages."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import cache
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction

from accounts.models import Partner
from accounts.statements import Statement
from tests import factories
from tests.verifications import plans, rows
from verifications import search
from verifications.keyset import Position, Stretch, Turn, Walked
from verifications.models import NameSuffix, NameUse, NameWord, Verification
from verifications.names import finding, keeping, proof

# Signs of one to four bytes, some that fold to others, some that a pattern would understand.
SIGNS = "aabbbccßéøıΣ李王민ا%_\\'-😀"


def _name(rng: random.Random) -> str:
    return " ".join(
        "".join(rng.choices(SIGNS, k=rng.choice([1, 2, 3, 3, 4, 5, 6, 8, 8, 75])))
        for _ in range(rng.randint(0, 3))
    )


def _text(rng: random.Random, names: list[str]) -> str:
    """Pieces of a name, or of none."""
    words = rng.choice(names).split() or [_name(rng) or "a"]
    pieces = []
    for word in rng.choices(words, k=rng.randint(1, 2)):
        start = rng.randrange(len(word))
        pieces.append(word[start : start + rng.choice([1, 1, 2, 3, 35])])
    return " ".join(pieces)


def _holding(partner: Partner, text: str, newest_first: bool = True) -> list[int]:
    """By reading every name."""
    sign = "-" if newest_first else ""
    kept = partner.verifications.order_by(f"{sign}started_at", f"{sign}pk")
    words = search.folded(text).split()
    return [it.pk for it in kept if words and all(word in it.search_text for word in words)]


def _look(partner: Partner, text: str, size: int = 50) -> Walked | None:
    return finding.Search(partner.pk, text).look(Stretch(), size)


def _found(partner: Partner, text: str, newest_first: bool = True, size: int = 40) -> list[int]:
    """By the index, page after page."""
    found: list[Position] = []
    turn = Turn(newest_first=newest_first)
    for _ in range(1000):
        walked = finding.Search(partner.pk, text).look(turn.stretch, size)
        assert walked is not None
        found += walked.found
        if walked.end is None:
            break
        assert walked.end != turn.after
        turn = replace(turn, after=walked.end)
    numbers = [place.number for place in found]
    assert len(set(numbers)) == len(numbers)
    return numbers


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Other figures than those in `finding`, also in its statements that are written once."""

    def limit(**figures: object) -> None:
        for name, value in figures.items():
            monkeypatch.setattr(finding, name, value)
        monkeypatch.setattr(finding, "WORDS", Statement(finding._words))
        monkeypatch.setattr(finding, "_names", cache(finding._names.__wrapped__))
        monkeypatch.setattr(finding, "_uses", cache(finding._uses.__wrapped__))

    return limit


@pytest.fixture
def many_names(northbank: Partner, southpay: Partner) -> list[str]:
    """Many at Northbank, several of a moment, and as many at another partner."""
    rng = random.Random(7)
    names = [_name(rng) for _ in range(150)]
    moments = [
        rows.NOON - timedelta(seconds=rng.choice([1, 60, 9000]) * n // 4) for n in range(150)
    ]
    for partner in (northbank, southpay):
        made = Verification.objects.bulk_create(
            rows.row(partner, name, started_at=moment)
            for name, moment in zip(names, moments, strict=True)
        )
        keeping.fill(made)
    return [it.search_text for it in made]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"SAMPLED": 3, "MOST": 1, "NARROWEST": timedelta(microseconds=1)},
        {"SAMPLED": 10, "MOST": 9, "AIM": 3, "LOOKED_AT": 4, "WINDOWS": 2},
        {"SAMPLED": 20, "MOST": 5, "AIM": 50, "MOST_FRAGMENTS": 1},
    ],
)
def test_the_index_finds_what_the_names_hold(
    northbank: Partner,
    many_names: list[str],
    limits: dict[str, object],
    newest_first: bool,
    limit: Callable[..., None],
) -> None:
    limit(**limits)
    rng = random.Random(11)
    for text in [_text(rng, many_names) for _ in range(20)]:
        assert _found(northbank, text, newest_first) == _holding(northbank, text, newest_first)


def test_a_text_without_a_word_finds_nothing(northbank: Partner) -> None:
    rows.add(northbank)
    assert _look(northbank, " \u200b ") == Walked([], None)


def test_what_is_too_common_is_left_to_a_walk(
    northbank: Partner, limit: Callable[..., None]
) -> None:
    limit(MOST_WORDS=2, SAMPLED=2)
    for name in ("Anna Lind", "Annika Berg", "Hanna Falk"):
        rows.add(northbank, name)
    assert _look(northbank, "ann") is None
    assert _found(northbank, "ann fal") == _holding(northbank, "ann fal") != []


def test_a_rare_answer_says_how_far_was_searched(
    northbank: Partner, limit: Callable[..., None]
) -> None:
    """Both words are common and hardly ever meet: the page ends before the search does."""
    limit(SAMPLED=10, MOST=4, AIM=2, LOOKED_AT=4)
    lind = rows.add(northbank, "Alma Lind")
    for _ in range(40):
        rows.add(northbank, "Alma Berg")
        rows.add(northbank, "Otto Lind")
    both = rows.add(northbank, "Lind Alma")
    walked = _look(northbank, "alma lind")
    assert walked
    assert [place.number for place in walked.found] == [lind.pk]
    assert walked.end is not None
    assert _found(northbank, "alma lind") == [lind.pk, both.pk]


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_search_that_comes_to_the_last_name_says_so(
    northbank: Partner, limit: Callable[..., None], newest_first: bool
) -> None:
    limit(SAMPLED=3)
    made = [rows.add(northbank, name) for name in ["Alma Lind", *["Otto Berg"] * 8, "Alma Falk"]]
    walked = finding.Search(northbank.pk, "alma").look(Stretch(falling=newest_first), 50)
    assert walked
    assert {place.number for place in walked.found} == {made[0].pk, made[-1].pk}
    assert walked.end is None


def test_no_other_partner_is_searched(northbank: Partner, southpay: Partner) -> None:
    rows.add(southpay, "Alma Veske")
    assert _look(northbank, "veske") == Walked([], None)


def test_a_callback_that_renames_is_found_by_the_new_name_only(
    receive: Callable[..., Verification], body: Callable[..., dict]
) -> None:
    it = receive("01")
    former = it.search_text
    told = dict(body("01")["data"], docFirstName="Zephyrine", docLastName="Quoll")
    renamed = receive("01", data=told, finishTime=1_999_999_999)
    assert renamed.pk == it.pk
    assert _found(it.partner, "zephyr quoll") == [it.pk]
    gone = search.words(former) - search.words(renamed.search_text)
    assert not NameWord.objects.filter(word__in=gone).exists()
    assert proof.compare().holds


def test_a_name_that_others_bear_stays(northbank: Partner) -> None:
    it, other = rows.add(northbank, "Alma Veske"), rows.add(northbank, "Otto Veske")
    former, it.search_text = it.search_text, ""
    it.save()
    keeping.keep(it, former)
    assert _found(northbank, "veske") == [other.pk]
    assert set(NameWord.objects.values_list("word", flat=True)) == {"otto", "veske"}
    assert NameSuffix.objects.count() == len("ottoveske")


def test_known_words_cost_three_statements_at_most(
    northbank: Partner, django_assert_num_queries: Callable
) -> None:
    rows.add(northbank, "Alma Veske")
    it = rows.row(northbank, "Veske Alma")
    it.save()
    with django_assert_num_queries(2 + (connection.vendor == "postgresql")):
        keeping.keep(it)
    with django_assert_num_queries(0):
        keeping.keep(it, it.search_text)


def test_a_use_stands_beside_its_verification(northbank: Partner, southpay: Partner) -> None:
    rows.add(northbank, "Alma")
    it = rows.add(southpay, "Otto")
    alma, otto = NameWord.objects.order_by("word")
    for word, moment in ((alma, it.started_at), (otto, rows.NOON)):
        with pytest.raises(IntegrityError, match="of the verification"), transaction.atomic():
            NameUse.objects.create(word=word, started_at=moment, verification=it)


def test_what_is_wrong_is_told_and_repaired(
    northbank: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [rows.add(northbank, name) for name in ("Alma Veske", "Otto Lind", "Sue Park")]
    Verification.objects.filter(pk=made[0].pk).update(search_text="zoe veske")
    NameUse.objects.filter(verification=made[1], word__word="lind").delete()
    NameSuffix.objects.filter(word__word="park").first().delete()
    with pytest.raises(SystemExit) as ended:
        call_command("check_names")
    told = capsys.readouterr().out
    assert ended.value.code == 1
    assert [f"Verification {it.pk} " in told for it in made] == [True, True, False]
    assert told.count("Word ") == 2
    assert "veske" not in told.casefold()
    call_command("check_names", "--repair")
    assert "Repaired." in capsys.readouterr().out
    call_command("check_names")
    assert "agree" in capsys.readouterr().out
    assert [_found(northbank, text) for text in ("zoe", "alma", "lind", "ark")] == [
        [made[0].pk], [], [made[1].pk], [made[2].pk],
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("text", ["alm", "alm esk", "zzz"])
def test_no_table_of_the_index_is_read_whole(northbank: Partner, text: str) -> None:
    names = [f"Alma{n % 40} Veske{n % 50}" for n in range(3000)]
    made = Verification.objects.bulk_create(rows.row(northbank, name) for name in names)
    keeping.fill(made)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # So few rows it reads sooner: here it tells whether there is another way.
            cursor.execute("SET LOCAL enable_seqscan = off")
    explained = plans.Explained(most_rows=10_000, most_sorted=10_000)
    explained.large = set(connection.introspection.table_names())
    assert explained.objections(text, lambda: _look(northbank, text)) == []
    assert explained.told


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_new_words_at_once_are_words_once() -> None:
    """Four write and rename with the same new words, in any order; none fails, none is lost."""
    northbank = factories.NorthbankFactory()
    barrier = Barrier(4, timeout=30)

    def write(place: int) -> None:
        rng = random.Random(place)
        try:
            for turn in range(25):
                barrier.wait()
                words = [f"new{turn}", f"word{turn}", f"old{turn - 1}", "alma"]
                with transaction.atomic():
                    it = rows.add(northbank, " ".join(rng.sample(words, 4)))
                with transaction.atomic():
                    former, it.search_text = it.search_text, f"old{turn} alma"
                    it.save(update_fields=["search_text"])
                    keeping.keep(it, former)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    found = proof.compare()
    assert found.holds, found
    assert found.names == 100
    assert found.words == 26
