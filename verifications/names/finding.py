"""Where a text stands in names: places in the order of a list, along a stretch of it.

A fragment is a range of suffixes. That gives words, and words give their uses. The first names of
the stretch tell how common a fragment is. From there on all uses of a rare one are read, and those
of a common one in windows of time, as wide as a page needs. However many names there are, no more
is read than the figures below allow.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property

from django.db.models import F, QuerySet

from accounts.statements import Numbers, OneOf, Slot, Statement
from verifications.keyset import Bounds, Position, Stretch, Walked
from verifications.models import NameSuffix, NameUse, Verification
from verifications.search import LONGEST_SUFFIX, folded

# A fragment of more words than this is so common that walking the list finds a page soonest.
MOST_WORDS = 2000
# The longest words of a text that are looked for here; the others are looked for in what is found.
MOST_FRAGMENTS = 2
# The first names; uses that are read at once; uses whose names are looked at for other words.
SAMPLED, MOST, LOOKED_AT = 200, 300, 300
# Uses that a window should hold, how much wider than all before it one may be, and how many may be.
AIM, WIDER, WINDOWS = 100, 64, 6
# How much narrower than one that holds too many.
NARROWER = 3
NARROWEST, WIDEST = timedelta(minutes=1), timedelta(days=36_500)
HIGHEST_KEY = 10**18 - 1


Name = tuple[Position, str]


@dataclass(frozen=True)
class Fragment:
    """With the words that hold it."""

    text: str
    words: list[int]

    def uses(self, stretch: Stretch) -> list[Position]:
        """All of them, or more than MOST."""
        rows = _uses(stretch.bounds).rows(words=self.words, **stretch.places)
        return [Position(*it) for it in rows]


class Search:
    """A text that is looked for among a partner's names."""

    def __init__(self, partner: int, text: str) -> None:
        self.partner = partner
        self.texts = sorted(set(folded(text).split()), key=len, reverse=True)

    @cached_property
    def fragments(self) -> list[Fragment | None]:
        return [_fragment(self.partner, it) for it in self.texts[:MOST_FRAGMENTS]]

    def look(self, stretch: Stretch, size: int) -> Walked | None:
        """All that is there up to where it ends; it hardly goes on after so many.

        None: every word is too common to be looked for here.
        """
        if not self.texts:
            return Walked([], None)
        rows = _names(stretch.bounds).rows(partner=self.partner, **stretch.places)
        names = [(Position(at, key), name) for at, key, name in rows]
        found = [place for place, name in names if self._is_held(name)]
        if len(names) < SAMPLED:
            return Walked(found, None)
        if len(found) > size:
            return Walked(found, names[-1][0])
        known = [it for it in self.fragments if it]
        if not all(it.words for it in known):
            return Walked([], None)
        if not known:
            return None
        further = self._further(known, names, stretch, size - len(found))
        return Walked(found + further.found, further.end)

    def _further(
        self, known: list[Fragment], names: list[Name], stretch: Stretch, size: int
    ) -> Walked:
        """Beyond the first names, by the fragment that is rarest among them."""
        (begin, _), (place, _) = names[0], names[-1]
        met = {it.text: sum(it.text in name for _, name in names) for it in known}
        for it in known:
            if not met[it.text]:
                uses = it.uses(stretch.onwards(place))
                if len(uses) <= MOST:
                    return Walked(self._holding(uses, stretch), None)
        rarest = min(known, key=lambda it: (met[it.text], len(it.words)))
        passed = max(abs(begin.moment - place.moment), NARROWEST)
        found: list[Position] = []
        end: Position | None = place
        looked = 0
        ends = _last(stretch.bounds).rows(partner=self.partner, **stretch.places)
        last = ends[0][0] if ends else place.moment
        for uses, edge in _windows(rarest, met[rarest.text], stretch, place, passed, last):
            found, looked, end = found + self._holding(uses, stretch), looked + len(uses), edge
            if len(found) > size or (looked > LOOKED_AT and not self._is_whole):
                break
        return Walked(found, end)

    @property
    def _is_whole(self) -> bool:
        """Whether each use of the text is a name that holds it."""
        return len(self.texts) == 1 and len(self.texts[0].encode()) <= LONGEST_SUFFIX

    def _is_held(self, name: str) -> bool:
        return all(text in name for text in self.texts)

    def _holding(self, uses: list[Position], stretch: Stretch) -> list[Position]:
        """Of these uses of one fragment those in whose names all texts are, in order."""
        places = sorted(set(uses), reverse=stretch.falling)
        if self._is_whole or not places:
            return places
        names = NAMES.rows(keys=[place.number for place in places])
        holding = {key for key, name in names if self._is_held(name)}
        return [place for place in places if place.number in holding]


def _fragment(partner: int, text: str) -> Fragment | None:
    """None: of more words than can be looked for one by one."""
    start = text.encode()[:LONGEST_SUFFIX]
    words = WORDS.rows(partner=partner, start=start, end=start + b"\xff")
    return Fragment(text, sorted({word for (word,) in words})) if len(words) <= MOST_WORDS else None


def _windows(
    rarest: Fragment,
    met: int,
    stretch: Stretch,
    place: Position,
    passed: timedelta,
    last: datetime,
) -> Iterator[tuple[list[Position], Position | None]]:
    """The uses of each from this place on, and where it ends; None: with the stretch."""
    width = _width(met, passed)
    for _ in range(WINDOWS):
        window, edge = _window(stretch, place, width, last)
        uses = rarest.uses(window)
        if len(uses) > MOST:
            width /= NARROWER
            continue
        yield uses, edge
        if not edge:
            return
        place, met, passed = edge, met + len(uses), passed + width
        width = _width(met, passed)


def _width(met: int, passed: timedelta) -> timedelta:
    """Of a window, after so many uses in so long a time."""
    return min(passed * min(WIDER, AIM / max(met, 1)), WIDEST)


def _window(
    stretch: Stretch, place: Position, width: timedelta, last: datetime
) -> tuple[Stretch, Position | None]:
    onwards = stretch.onwards(place)
    if abs(place.moment - last) <= width:
        return onwards, None
    if stretch.falling:
        edge = Position(place.moment - width, 0)
        return replace(onwards, above=edge), edge
    edge = Position(place.moment + width, HIGHEST_KEY)
    return replace(onwards, below=edge), edge


# Statements


def _words() -> QuerySet:
    # No byte of UTF-8 is as high as the end of the range.
    suffixes = NameSuffix.objects.filter(partner=Slot("partner"), suffix__gte=Slot("start"))
    return suffixes.filter(suffix__lt=Slot("end")).values_list("word")[: MOST_WORDS + 1]


def _by_key() -> QuerySet:
    rows = Verification.objects.filter(OneOf(F("pk"), Numbers("keys"))).order_by()
    return rows.values_list("pk", "search_text")


WORDS, NAMES = Statement(_words), Statement(_by_key)


def _standing(bounds: Bounds) -> QuerySet:
    standing = Verification.objects.filter(partner=Slot("partner"), disposed_at=None)
    return bounds.stretch.of(standing, "started_at")


@cache
def _names(bounds: Bounds) -> Statement:
    fields = ("started_at", "pk", "search_text")
    return Statement(lambda: _standing(bounds).values_list(*fields)[:SAMPLED])


@cache
def _last(bounds: Bounds) -> Statement:
    """When the last verification of the stretch began."""
    return Statement(lambda: _standing(bounds).reverse().values_list("started_at")[:1])


@cache
def _uses(bounds: Bounds) -> Statement:
    def queryset() -> QuerySet:
        rows = NameUse.objects.filter(OneOf(F("word_id"), Numbers("words")))
        # By word: that is the order of the index, and keeps a planner from reading whole tables.
        within = bounds.stretch.of(rows, "started_at", "verification").order_by("word")
        return within.values_list("started_at", "verification")[: MOST + 1]

    return Statement(queryset)
