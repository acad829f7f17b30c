"""Where a text may be found among names: places in the order of a list, along a stretch of it.

A fragment is a range of suffixes. That gives words, and words give their uses, which are read in
windows of time that widen along the way. So the cost is that of the words, whatever their
frequency. What is found may still lack a word of the text: whoever asks tests it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import BinaryField, F, QuerySet

from accounts.statements import Numbers, OneOf, Slot, Statement
from verifications.keyset import Bounds, Position, Stretch, Walked
from verifications.models import NameSuffix, NameUse, Verification
from verifications.search import LONGEST_SUFFIX, folded

# A fragment of more words than this is so common that walking the list finds a page soonest.
MOST_WORDS = 2000
# The names of a first window are read sooner than so many words are looked for one by one.
MANY_WORDS = 300
# The longest words of a text that are looked for here; the rest is left to the test.
MOST_FRAGMENTS = 4
# Uses that are read and sorted without looking at their time.
FEW = 500
# Verifications in the first window; how much wider the next one is; the narrowest there is.
FIRST_WINDOW, WIDER, NARROWEST = 1000, 16, timedelta(minutes=1)
# Uses of two words together that one answer looks through for those that hold both.
BUDGET = 4_000
HIGHEST_KEY = 10**18 - 1


@dataclass(frozen=True, order=True)
class Fragment:
    """With the words that hold it."""

    words: list[int]
    text: str

    def count(self, stretch: Stretch, most: int) -> int:
        """Up to one more than `most`."""
        counted = _counted(stretch.bounds, most)
        return len(counted.rows(words=self.words, **stretch.places))


def look(partner: int, text: str, stretch: Stretch, size: int) -> Walked | None:
    """At most `size` places; None: every word is too common to be looked for here."""
    texts = sorted(set(folded(text).split()), key=len, reverse=True)[:MOST_FRAGMENTS]
    found = [_fragment(partner, text) for text in texts]
    if not all(it is None or it.words for it in found) or not found:
        return Walked([], None)
    rare = [it for it in found if it]
    if not rare:
        return None
    count, rarest = min((it.count(stretch, FEW), it) for it in rare)
    if count <= FEW:
        return _within([rarest], stretch, stretch, size)
    return _in_windows(partner, rare, stretch, size)


def is_exact(text: str) -> bool:
    """Whether what is found holds the text, so that nobody needs to test it again."""
    texts = folded(text).split()
    return len(texts) == 1 and len(texts[0].encode()) <= LONGEST_SUFFIX


def _fragment(partner: int, text: str) -> Fragment | None:
    """None: of more words than can be looked for one by one."""
    start = text.encode()[:LONGEST_SUFFIX]
    # No byte of UTF-8 is as high as the end of the range.
    words = [word for (word,) in WORDS.rows(partner=partner, start=start, end=start + b"\xff")]
    return Fragment(sorted(set(words)), text) if len(words) <= MOST_WORDS else None


def _in_windows(partner: int, rare: list[Fragment], stretch: Stretch, size: int) -> Walked:
    """Of several words the two rarest are looked for together, as far as that is cheap."""
    walked = Walked([], None)
    for place, window in enumerate(_windows(partner, stretch)):
        if len(rare) > 1:
            counted = sorted((it.count(window, BUDGET), it) for it in rare)[:2]
            if place and sum(count for count, _ in counted) > BUDGET:
                break
            rare = [it for _, it in counted]
        elif place == 0 and window != stretch and len(rare[0].words) > MANY_WORDS:
            named = _naming(window.bounds, size)
            rows = named.rows(partner=partner, text=rare[0].text, **window.places)
            walked = _cut(rows, window, stretch, size)
            if len(walked.found) == size:
                break
            continue
        walked = _within(rare, window, stretch, size)
        if len(walked.found) == size:
            break
    return walked


def _windows(partner: int, stretch: Stretch) -> Iterator[Stretch]:
    """Each wider than the one before; the last is the stretch itself."""

    def moment(*which: Any) -> datetime | None:
        rows = _moment(stretch.bounds, *which).rows(partner=partner, **stretch.places)
        return rows[0][0] if rows else None

    first, near = moment(0), moment(FIRST_WINDOW)
    if first is not None and near is not None:
        width = max(abs(first - near), NARROWEST)
        yield _up_to(stretch, first, width)
        last = moment(0, True)
        while last is not None and (width := width * WIDER) < abs(first - last):
            yield _up_to(stretch, first, width)
    yield stretch


def _up_to(stretch: Stretch, first: datetime, width: timedelta) -> Stretch:
    """All that began by then, in the order of the stretch."""
    if stretch.falling:
        edges = filter(None, (stretch.above, Position(first - width, 0)))
        return replace(stretch, above=max(edges))
    edges = filter(None, (stretch.below, Position(first + width, HIGHEST_KEY)))
    return replace(stretch, below=min(edges))


def _within(rare: list[Fragment], window: Stretch, stretch: Stretch, size: int) -> Walked:
    """The uses of the first words that are, in the same window, uses of the others too."""
    words = {f"words_{place}": it.words for place, it in enumerate(rare)}
    rows = _holding(window.bounds, len(rare), size).rows(**words, **window.places)
    return _cut(rows, window, stretch, size)


def _cut(rows: Sequence[Sequence[Any]], window: Stretch, stretch: Stretch, size: int) -> Walked:
    found = [Position(*it) for it in rows]
    if len(found) > size:
        return Walked(found[:size], found[size - 1])
    edge = window.above if stretch.falling else window.below
    return Walked(found, None if window == stretch else edge)


# What is asked, written once for each shape of a stretch


def _suffixes() -> QuerySet:
    suffixes = NameSuffix.objects.filter(
        partner=Slot("partner"),
        suffix__gte=Slot("start", BinaryField()),
        suffix__lt=Slot("end", BinaryField()),
    )
    return suffixes.values_list("word")[: MOST_WORDS + 1]


WORDS = Statement(_suffixes)


def _uses(bounds: Bounds, words: str = "words") -> QuerySet:
    rows = NameUse.objects.filter(OneOf(F("word_id"), Numbers(words)))
    return bounds.stretch.of(rows, "started_at", "verification")


@cache
def _counted(bounds: Bounds, most: int) -> Statement:
    # By word: that is the order of the index, and keeps a planner from reading whole tables.
    return Statement(lambda: _uses(bounds).order_by("word").values_list("word")[: most + 1])


@cache
def _holding(bounds: Bounds, fragments: int, size: int) -> Statement:
    """Verifications that use a word of each fragment."""

    def queryset() -> QuerySet:
        first, *others = (_uses(bounds, f"words_{place}") for place in range(fragments))
        for other in others:
            first = first.filter(verification__in=other.values("verification"))
        return first.values_list("started_at", "verification").distinct()[: size + 1]

    return Statement(queryset)


def _standing() -> QuerySet[Verification]:
    return Verification.objects.filter(partner=Slot("partner"), disposed_at=None)


@cache
def _naming(bounds: Bounds, size: int) -> Statement:
    """Verifications whose names hold the text, read one by one."""

    def queryset() -> QuerySet:
        names = _standing().filter(search_text__contains=Slot("text"))
        return bounds.stretch.of(names, "started_at").values_list("started_at", "pk")[: size + 1]

    return Statement(queryset)


@cache
def _moment(bounds: Bounds, place: int, from_the_end: bool = False) -> Statement:
    """When the verification at this place began."""

    def queryset() -> QuerySet:
        rows = bounds.stretch.of(_standing(), "started_at")
        rows = rows.reverse() if from_the_end else rows
        return rows.values_list("started_at")[place : place + 1]

    return Statement(queryset)
