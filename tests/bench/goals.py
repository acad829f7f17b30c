"""The goals of the product, and whether what was measured reaches them.

A goal that is a ratio is missed only where both ratios, of the medians and of the least, miss it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.bench import cases, rounds
from tests.bench.rounds import FRAGMENT, Results
from tests.bench.writes import Rate


@dataclass
class Measured:
    """All that one engine gave."""

    engine: str
    results: Results
    decisions: list[Rate] = field(default_factory=list)
    statements: int = 0
    # By size.
    intake: dict[int, list[Rate]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return max(self.results.taken)

    def names(self, *prefixes: str) -> list[str]:
        return [name for name in self.results.taken[self.rows] if name.startswith(prefixes)]

    def of_group(self, group: str) -> list[str]:
        groups = self.results.groups
        return [name for name in self.results.taken[self.rows] if groups.get(name) == group]


@dataclass
class Verdict:
    goal: str
    is_reached: bool
    told: str

    def __str__(self) -> str:
        return f"{'reached' if self.is_reached else 'MISSED '}  {self.goal}: {self.told}"


def verdicts(measured: Measured) -> Iterator[Verdict]:
    """Only of what was measured."""
    at = f"{measured.engine} {measured.rows:,}"
    pages = (_list, _filters, _growth, _peers, _references, _fragments, _details, _home)
    for goal in (*pages, _decision, _intake):
        for verdict in goal(measured):
            verdict.goal = f"{at}, {verdict.goal}"
            yield verdict


def _within(measured: Measured, names: Iterable[str], goal: str, most: float) -> Iterator[Verdict]:
    """The worst of these cases, against its empty view."""
    names = list(names)
    if not names:
        return
    ratios = {name: measured.results.ratios(measured.rows, name) for name in names}
    worst = max(ratios, key=lambda name: min(ratios[name]))
    median, least = ratios[worst]
    failed = [name for name in names if measured.results.taken[measured.rows][name].failures]
    told = f"worst {median:.2f} ({least:.2f}), {worst}"
    told += f"; FAILED: {', '.join(failed)}" if failed else ""
    yield Verdict(f"{goal} ≤ {most} × empty", min(median, least) <= most and not failed, told)


def _slowest(measured: Measured, names: list[str]) -> tuple[float, str]:
    taken = measured.results.taken[measured.rows]
    name = max(names, key=lambda name: taken[name].median)
    return taken[name].median * 1e3, name


def _list(measured: Measured) -> Iterator[Verdict]:
    yield from _within(measured, measured.of_group("list"), "any page of the list", 1.5)


def _filters(measured: Measured) -> Iterator[Verdict]:
    names = measured.of_group("filters")
    for verdict in _within(measured, names, "filters and pairs, none over 50 ms,", 2):
        slowest, name = _slowest(measured, names)
        verdict.is_reached = verdict.is_reached and slowest <= 50
        verdict.told += f"; slowest {slowest:.1f} ms, {name}"
        yield verdict


def _growth(measured: Measured) -> Iterator[Verdict]:
    """Of pages that show as much at both sizes: a rare filter finds three rows among ten thousand,
    and of ten million a page. What the others grow is told beside it. Going on is to read more.
    """
    listed = [*measured.of_group("list"), *measured.of_group("filters")]
    names = [name for name in listed if not name.endswith(cases.FURTHER)]
    grown = {name: rounds.growth(measured.results, name) for name in names}
    known = {name: both for name, both in grown.items() if both}
    alike = {name: both for name, both in known.items() if _shows_as_much(measured, name)}
    if not alike:
        return
    first = min(measured.results.taken)
    worst = max(alike, key=lambda name: min(alike[name]))
    median, least = alike[worst]
    told = f"worst {median:.2f} ({least:.2f}), {worst}"
    if others := known.keys() - alike.keys():
        other = max(others, key=lambda name: min(known[name]))
        told += f"; of {len(others)} that show more rows {known[other][0]:.2f}, {other}"
    goal = f"growth from {first:,} of {len(alike)} pages that show as much ≤ 1.15"
    yield Verdict(goal, min(median, least) <= 1.15, told)


def _shows_as_much(measured: Measured, name: str) -> bool:
    """Within a tenth of the bytes."""
    sizes = [taken[name].bytes for taken in measured.results.taken.values()]
    return max(sizes) <= 1.1 * min(sizes)


def _peers(measured: Measured) -> Iterator[Verdict]:
    taken = measured.results.taken[measured.rows]
    for name, times in (("tuned", 15), ("stock", 80)):
        peer = f"{name} admin, page 1"
        if peer in taken and "list, page 1" in taken:
            median, least = measured.results.ratios(measured.rows, peer, "list, page 1")
            told = f"{median:.1f} ({least:.1f}) times as fast"
            yield Verdict(
                f"page 1 against {name} admin ≥ {times} ×", max(median, least) >= times, told
            )


def _references(measured: Measured) -> Iterator[Verdict]:
    yield from _within(measured, measured.names("by "), "search by a reference", 1.5)


def _fragments(measured: Measured) -> Iterator[Verdict]:
    if FRAGMENT not in measured.results.taken[measured.rows]:
        return
    for verdict in _within(measured, [FRAGMENT], "name fragments, worst ≤ 50 ms,", 3):
        text, seconds = rounds.worst_fragments(measured.results, measured.rows)[0]
        verdict.is_reached = verdict.is_reached and seconds <= 0.05
        verdict.told += f"; worst fragment {text}: {seconds * 1e3:.1f} ms"
        yield verdict


def _details(measured: Measured) -> Iterator[Verdict]:
    names = measured.of_group("details")
    taken = measured.results.taken[measured.rows]
    for verdict in _within(measured, names, "details, as many queries for 30 events as for 1,", 3):
        queries = [taken[name].queries for name in names]
        verdict.is_reached = verdict.is_reached and len(set(queries)) == 1
        verdict.told += f"; queries {queries}"
        yield verdict


def _decision(measured: Measured) -> Iterator[Verdict]:
    by_name = {(rate.name, rate.crowd): rate for rate in measured.decisions}
    if not by_name:
        return
    goal = "a decision takes ≤ 12 statements"
    yield Verdict(goal, measured.statements <= 12, f"{measured.statements} from POST to redirect")
    for crowd in sorted({rate.crowd for rate in measured.decisions}):
        ours = by_name["decision, POST to redirect", crowd]
        bare = by_name["bare transaction, POST to redirect", crowd]
        goal = f"decisions a second, {crowd} at once, ≥ 0.7 × the bare transaction"
        if ours.failures or bare.failures or not bare.middle:
            yield Verdict(goal, False, "some FAILED, see above")
            continue
        median, best = ours.middle / bare.middle, ours.best / bare.best
        told = f"{median:.2f} ({best:.2f}), {ours.middle:.0f} a second"
        yield Verdict(goal, max(median, best) >= 0.7, told)


def _home(measured: Measured) -> Iterator[Verdict]:
    names = measured.of_group("home")
    for verdict in _within(measured, names, "home and statistics, none over 20 ms,", 2):
        slowest, name = _slowest(measured, names)
        verdict.is_reached = verdict.is_reached and slowest <= 20
        verdict.told += f"; slowest {slowest:.1f} ms, {name}"
        yield verdict


def _intake(measured: Measured) -> Iterator[Verdict]:
    """How fast is a goal on PostgreSQL only; whether it slows down can be told of two sizes."""
    if not measured.intake:
        return
    first, last = (measured.intake[end(measured.intake)][-1] for end in (min, max))
    told = f"{last.middle:.0f} ({last.best:.0f}) a second"
    told += f"; {len(last.failures)} FAILED" if last.failures else ""
    if measured.engine == "postgresql":
        goal = f"intake, {last.crowd} at once, ≥ 300 a second"
        yield Verdict(goal, last.best >= 300 and not last.failures, told)
    if first is not last:
        slower = min(first.middle / max(last.middle, 1), first.best / max(last.best, 1))
        goal = f"intake, {last.crowd} at once, growth from {min(measured.intake):,} ≤ 1.15"
        yield Verdict(goal, slower <= 1.15 and not last.failures, f"{slower:.2f}, {told}")
