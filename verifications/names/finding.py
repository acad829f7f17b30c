"""Where a text may be found among names: places in the order of a list, along a stretch of it.

A fragment is a range of suffixes. That gives words, and words give their uses, which are read in
windows of time that widen along the way. So the cost is that of the words, whatever their
frequency. What is found may still lack a word of the text: whoever asks tests it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from accounts.statements import OneOf
from verifications.keyset import Position, Stretch, Walked
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
FIRST_WINDOW, WIDER, NARROWEST = 1000, 8, timedelta(minutes=1)
# Uses of two words together that one answer looks through for those that hold both.
BUDGET = 10_000
HIGHEST_KEY = 10**18 - 1


@dataclass(frozen=True, order=True)
class Fragment:
    """With the words that hold it."""

    words: list[int]
    text: str

    def uses(self, stretch: Stretch) -> QuerySet[Any]:
        rows = NameUse.objects.filter(OneOf(F("word_id"), self.words))
        return stretch.of(rows, "started_at", "verification")

    def count(self, stretch: Stretch, most: int) -> int:
        """Up to one more than `most`."""
        # By word: that is the order of the index, and keeps a planner from reading whole tables.
        return self.uses(stretch).order_by("word")[: most + 1].count()


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
    suffixes = NameSuffix.objects.filter(partner=partner, suffix__gte=start)
    suffixes = suffixes.filter(suffix__lt=start + b"\xff")
    words = list(suffixes.values_list("word", flat=True)[: MOST_WORDS + 1])
    return Fragment(sorted(set(words)), text) if len(words) <= MOST_WORDS else None


def _in_windows(partner: int, rare: list[Fragment], stretch: Stretch, size: int) -> Walked:
    """Of several words the two rarest are looked for together, as far as that is cheap."""
    walked = Walked([], None)
    verifications = Verification.objects.filter(partner=partner, disposed_at=None)
    for place, window in enumerate(_windows(verifications, stretch)):
        if len(rare) > 1:
            counted = sorted((it.count(window, BUDGET), it) for it in rare)[:2]
            if place and sum(count for count, _ in counted) > BUDGET:
                break
            rare = [it for _, it in counted]
        elif place == 0 and window != stretch and len(rare[0].words) > MANY_WORDS:
            names = verifications.filter(search_text__contains=rare[0].text)
            walked = _cut(window.of(names, "started_at"), "pk", window, stretch, size)
            if len(walked.found) == size:
                break
            continue
        walked = _within(rare, window, stretch, size)
        if len(walked.found) == size:
            break
    return walked


def _windows(rows: QuerySet[Verification], stretch: Stretch) -> Iterator[Stretch]:
    """Each wider than the one before; the last is the stretch itself."""
    moments = stretch.of(rows, "started_at").values_list("started_at", flat=True)
    first, near = moments.first(), list(moments[FIRST_WINDOW : FIRST_WINDOW + 1])
    if first is not None and near:
        width = max(abs(first - near[0]), NARROWEST)
        yield _up_to(stretch, first, width)
        last = moments.last()
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
    first, *others = (it.uses(window) for it in rare)
    for other in others:
        first = first.filter(verification__in=other.values("verification"))
    return _cut(first, "verification", window, stretch, size)


def _cut(rows: QuerySet[Any], key: str, window: Stretch, stretch: Stretch, size: int) -> Walked:
    keys = rows.values_list("started_at", key).distinct()[: size + 1]
    found = [Position(*it) for it in keys]
    if len(found) > size:
        return Walked(found[:size], found[size - 1])
    edge = window.above if stretch.falling else window.below
    return Walked(found, None if window == stretch else edge)
