"""Every case at every size, interleaved and shuffled in one process, and what that took."""

import random
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench import browser, cases, fragments, names
from tests.bench.cases import Case
from tests.bench.figures import cut, say
from tests.bench.place import Place
from verifications.search import folded

# A case that has taken so many seconds is asked no more: what it has is printed with its n.
PATIENCE, PATIENCE_WITH_FRAGMENTS = 20, 120
REPEATED = 5
WORST = 5
FRAGMENT = "name fragment"
PEOPLE = 5000


@dataclass
class Taken:
    """One case at one size."""

    seconds: list[float] = field(default_factory=list)
    queries: int = 0
    bytes: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)


@dataclass
class Results:
    """By size and name; and of each fragment at each size, all that was measured."""

    taken: dict[int, dict[str, Taken]]
    fragments: dict[int, dict[str, list[float]]]
    floors: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def ratios(self, rows: int, name: str, to: str = "") -> tuple[float, float]:
        """Of the medians, and of the least."""
        one = self.taken[rows][name]
        floor = self.taken[rows][to or self.floors[name]]
        return one.median / floor.median, one.least / floor.least


def run(places: Sequence[Place], asked: Iterable[Case], rounds: int) -> Results:
    asked = list(asked)
    searched = _fragments() if any(case.group == "search" for case in asked) else []
    results = Results(
        {place.rows: {case.name: Taken() for case in asked} for place in places},
        {place.rows: {text: [] for text in searched} for place in places},
        {case.name: case.floor for case in asked},
        {case.name: case.group for case in asked},
    )
    for place in places:
        for case in asked:
            _look_first(place, case, results.taken[place.rows][case.name])
        if searched:
            results.taken[place.rows][FRAGMENT] = Taken()
            results.floors[FRAGMENT] = cases.EMPTY.name
    chance = random.Random(fragments.SEED)
    per_round = -(-len(searched) // rounds)
    for number in range(rounds):
        some = searched[number * per_round : (number + 1) * per_round]
        jobs = [(place, case, "") for place in places for case in asked]
        jobs += [(place, cases.fragment(text), text) for place in places for text in some]
        chance.shuffle(jobs)
        for place, case, text in jobs:
            _once(place, case, text, results)
    if searched:
        for place in places:
            _ask_the_worst_again(place, results)
    return results


def _fragments() -> list[str]:
    """The same at every size: parts of names of people as the builder draws them."""
    chance = random.Random(fragments.SEED)
    people = [names.drawn(chance) for _ in range(PEOPLE)]
    texts = [folded(f"{a.latin} {b.latin} {a.original} {b.original}") for a, b in people]
    return list(dict.fromkeys(fragments.drawn(texts)))


def _ask(place: Place, case: Case) -> browser.Answer:
    asking = place.ours if case.behind == "ours" else place.stock
    return asking.get(case.address(place))


def _look_first(place: Place, case: Case, taken: Taken) -> None:
    """Not timed: warms up, and counts what does not change."""
    with place.entered():
        _ask(place, case)
        with browser.counted() as statements:
            answer = _ask(place, case)
    taken.queries, taken.bytes = len(statements), len(answer.body)
    if answer.seconds > PATIENCE:
        taken.seconds.append(answer.seconds)


def _once(place: Place, case: Case, text: str, results: Results) -> None:
    taken = results.taken[place.rows][case.name]
    if sum(taken.seconds) > (PATIENCE_WITH_FRAGMENTS if text else PATIENCE):
        return
    with place.entered():
        answer = _ask(place, case)
    taken.seconds.append(answer.seconds)
    if answer.status != 200:
        taken.failures.append(f"{answer.status}{f' for {text}' if text else ''}")
    if text:
        taken.bytes = len(answer.body)
        results.fragments[place.rows][text].append(answer.seconds)


def _ask_the_worst_again(place: Place, results: Results) -> None:
    """One slow answer may be the machine's; the median of several is the fragment's."""
    measured = results.fragments[place.rows]
    worst = sorted(measured, key=lambda text: max(measured[text], default=0))[-2 * WORST :]
    taken = results.taken[place.rows][FRAGMENT]
    for text in worst:
        if sum(taken.seconds) > PATIENCE_WITH_FRAGMENTS:
            return
        with place.entered(), browser.counted() as statements:
            _ask(place, cases.fragment(text))
        taken.queries = max(taken.queries, len(statements))
        for _ in range(REPEATED):
            with place.entered():
                answer = _ask(place, cases.fragment(text))
            measured[text].append(answer.seconds)
            if answer.status != 200:
                taken.failures.append(f"{answer.status} for {text}")


def worst_fragments(results: Results, rows: int) -> list[tuple[str, float]]:
    asked = results.fragments[rows].items()
    measured = {text: statistics.median(seconds) for text, seconds in asked if seconds}
    return sorted(measured.items(), key=lambda pair: -pair[1])[:WORST]


def show(results: Results) -> None:
    for rows, taken in results.taken.items():
        say(
            f"\n{rows:,} verifications{'':<18}   n      min   median      p95  ms"
            "   x empty, median (min)  queries    bytes"
        )
        for name, one in taken.items():
            _show_one(results, rows, name, one)
        if results.fragments[rows]:
            number = len(results.fragments[rows])
            told = ", ".join(f"{t} {s * 1e3:.1f} ms" for t, s in worst_fragments(results, rows))
            say(f"    worst of {number} fragments (seed {fragments.SEED}): {told}")
    if len(results.taken) > 1:
        _show_growth(results)


def _show_one(results: Results, rows: int, name: str, one: Taken) -> None:
    if not one.seconds:
        say(f"  {name:<32} no sample  {_failed(one)}")
        return
    median, least = results.ratios(rows, name)
    say(
        f"  {name:<32}{len(one.seconds):>4}{'!' if len(one.seconds) < 10 else ' '}"
        f"{one.least * 1e3:>8.2f} {one.median * 1e3:>8.2f} {cut(one.seconds, 95) * 1e3:>8.2f}"
        f"    {median:>10.2f} ({least:.2f}){one.queries:>12}{one.bytes:>9,}  {_failed(one)}"
    )


def _failed(one: Taken) -> str:
    if not one.failures:
        return ""
    return f"{len(one.failures)} FAILED: {', '.join(sorted(set(one.failures))[:4])}"


def _show_growth(results: Results) -> None:
    first, last = min(results.taken), max(results.taken)
    say(f"\ngrowth from {first:,} to {last:,}: median (min)")
    for name in results.taken[last]:
        grown = growth(results, name)
        if grown:
            say(f"  {name:<32} {grown[0]:>6.2f} ({grown[1]:.2f})")


def growth(results: Results, name: str) -> tuple[float, float] | None:
    """Milliseconds at the largest size over those at the smallest: of the medians, of the least."""
    early, late = (results.taken[end(results.taken)][name] for end in (min, max))
    if early is late or not (early.seconds and late.seconds):
        return None
    return late.median / early.median, late.least / early.least
