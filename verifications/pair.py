"""Two pictures of a verification next to each other, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from verifications import beside, evidence
from verifications.models import Verification

SIDES = ("First picture", "Second picture")


@dataclass(frozen=True)
class Choice:
    label: str
    query: str
    is_shown: bool


@dataclass(frozen=True)
class Side:
    """`turn_query` turns its picture by a quarter; the rest of the page stays."""

    name: str
    shot: evidence.Shot
    choices: list[Choice]
    turn_query: str


@dataclass(frozen=True)
class Pair:
    """Fewer sides than two: there are no more pictures."""

    sides: list[Side]
    turn_query: str

    @property
    def stored_kinds(self) -> set[str]:
        return {side.shot.photo.kind for side in self.sides if side.shot.is_stored}


def build(verification: Verification, kinds: Sequence[str], turns: evidence.Turns) -> Pair:
    """Two kinds, or none: then the document beside the selfie. Raises BadTurn and NoSuchPicture."""
    shots = evidence.shots(beside.photos.of(verification), turns)
    found = {shot.photo.kind: shot for shot in shots}
    if kinds and (len(kinds) != len(SIDES) or not found.keys() >= set(kinds)):
        raise evidence.NoSuchPicture
    shown = [found[kind] for kind in kinds] or _usual(shots)
    turned = evidence.turn_query(turns)
    sides = [_side(place, shown, shots, turned) for place in range(len(shown))]
    return Pair(sides, turned)


def _usual(shots: list[evidence.Shot]) -> list[evidence.Shot]:
    ready = sorted(shots, key=lambda shot: not shot.is_stored)
    selfies = [shot for shot in ready if shot.is_selfie]
    others = [shot for shot in ready if not shot.is_selfie]
    return [*others[:1], *selfies, *others[1:]][: len(SIDES)]


def _side(place: int, shown: list[evidence.Shot], shots: list[evidence.Shot], turned: str) -> Side:
    kinds, shot = [one.photo.kind for one in shown], shown[place]
    if len(shown) < len(SIDES):
        return Side(SIDES[place], shot, [], shot.turn_query)
    choices = [
        Choice(
            one.label,
            _query([*kinds[:place], one.photo.kind, *kinds[place + 1 :]], turned),
            one is shot,
        )
        for one in shots
    ]
    return Side(SIDES[place], shot, choices, _query(kinds, shot.turn_query))


def _query(kinds: Sequence[str], turned: str) -> str:
    shown = urlencode([("show", kind) for kind in kinds])
    return f"{shown}&{turned}" if turned else shown
