"""The partner's audit log as a page and as a file, in a fixed number of queries."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts import memberships
from accounts.models import AuditCheckpoint, AuditEntry, Kind, Membership, names_of
from verifications import history, keyset, looks
from verifications.audit_forms import AuditFilterForm
from verifications.models import Verification

EXPORT_MOST = 50_000
COLUMNS = ("at", "kind", "who", "scan ref", "facts")


@dataclass(frozen=True)
class Line:
    at: datetime
    kind: str
    who: str
    scan_ref: str
    is_disposed: bool
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Log:
    form: AuditFilterForm
    lines: list[Line]
    newer: keyset.Position | None
    older: keyset.Position | None
    # Where the search broke off before the page was full, and where it goes on from there.
    searched_to: keyset.Position | None
    further: keyset.Position | None
    searched_back: bool
    checkpoint: AuditCheckpoint | None
    proven: dict[str, Any] | None


def question(membership: Membership, query: QueryDict) -> AuditFilterForm:
    people = memberships.people(membership.partner)
    mine = Verification.objects.filter(partner=membership.partner_id)
    return AuditFilterForm(query, kinds=Kind.choices, people=people, called=mine.called)


def build(membership: Membership, form: AuditFilterForm) -> Log:
    """Of a form that was checked; a question that cannot be understood gives no lines."""
    checkpoint = AuditCheckpoint.objects.order_by("-number").first()
    proven = cache.get(history.PROVEN)
    if not form.is_valid():
        return Log(form, [], None, None, None, None, False, checkpoint, proven)
    page = _page(membership, form)
    back = bool(form.cleaned_data["before"])
    newer, older, further = page.links(back=back)
    return Log(
        form=form,
        lines=_lines(page.rows, _disposed(membership, page.rows)),
        newer=newer,
        older=older,
        searched_to=page.searched_to,
        further=further,
        searched_back=not back,
        checkpoint=checkpoint,
        proven=proven,
    )


def _page(membership: Membership, form: AuditFilterForm) -> keyset.Page:
    """By subject or by kind there is an index; what else is asked for is looked at."""
    asked = form.cleaned_data
    entries = AuditEntry.objects.all()
    branches = [entries.filter(partner=membership.partner_id)]
    fits = Q(actor=int(asked["who"])) if asked["who"] else Q()
    if asked["scan_ref"]:
        branches = [it.filter(subject=subject) for it in branches for subject in _subjects(asked)]
        fits &= Q(kind=asked["kind"]) if asked["kind"] else Q()
    elif asked["kind"]:
        branches = [it.filter(kind=asked["kind"]) for it in branches]
    return keyset.sought(entries, branches, fits, "at", form.turn)


def _subjects(asked: dict[str, Any]) -> list[str]:
    called = asked["scan_ref"]
    return [f"verification:{ref}" for _, ref in called.found or [(0, called.text)]]


def _matching(membership: Membership, asked: dict[str, Any]) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(partner=membership.partner_id)
    if asked["kind"]:
        entries = entries.filter(kind=asked["kind"])
    if asked["who"]:
        entries = entries.filter(actor=int(asked["who"]))
    if asked["scan_ref"]:
        entries = entries.filter(subject__in=_subjects(asked))
    return entries


def _disposed(membership: Membership, entries: list[AuditEntry]) -> set[str]:
    """Scan refs on the page that have no page of their own any more."""
    refs = {entry.subject.removeprefix("verification:") for entry in entries}
    named = Verification.objects.filter(partner=membership.partner_id, scan_ref__in=refs)
    return {ref for ref, at in named.order_by().values_list("scan_ref", "disposed_at") if at}


PLACES = {"from": -3, "to": -2, "reasons": -1, "decision": 1, "undoes": 1}


def _lines(entries: list[AuditEntry], disposed: Collection[str]) -> list[Line]:
    numbers = {entry.actor for entry in entries if entry.actor}
    numbers |= {entry.facts.get("user", 0) for entry in entries}
    names = names_of(numbers)
    return [_line(entry, names, disposed) for entry in entries]


def _line(entry: AuditEntry, names: dict[int, str], disposed: Collection[str] = ()) -> Line:
    facts = dict(entry.facts)
    if "user" in facts:
        facts["user"] = names.get(facts["user"], facts["user"])
    kind, _, reference = entry.subject.partition(":")
    return Line(
        at=entry.at,
        kind=Kind(entry.kind).label,
        who=names.get(entry.actor or 0, "The system" if entry.actor is None else "Unknown"),
        scan_ref=reference if kind == "verification" else "",
        is_disposed=reference in disposed,
        facts=[(key.replace("_", " "), _worded(facts[key])) for key in _in_order(facts)],
    )


def _in_order(facts: dict[str, Any]) -> list[str]:
    """Those that there are: what changed first, long numbers last."""
    return sorted(filter(facts.get, facts), key=lambda key: PLACES.get(key, 0))


def _worded(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def export(membership: Membership, form: AuditFilterForm) -> Iterator[list[str]]:
    """The same rows as cells of a file, newest first, and a last line that says whether all fit."""
    whole = replace(form.turn, after=None, before=None).stretch
    entries = whole.of(_matching(membership, form.cleaned_data), "at")[: EXPORT_MOST + 1]
    known = {int(number): name for number, name in memberships.people(membership.partner)}
    number = 0
    for number, entry in enumerate(entries.iterator(chunk_size=2000), 1):
        if number > EXPORT_MOST:
            at = looks.exact(entry.at)
            yield [
                f"Stopped after {EXPORT_MOST:,} entries: more fit, from {at} UTC backwards."
                " Export again with To set to that day."
            ]
            return
        line = _line(entry, known)
        facts = "; ".join(f"{key}: {value}" for key, value in line.facts)
        yield [line.at.isoformat(), line.kind, line.who, line.scan_ref, facts]
    yield [f"End of the export: all that fit. Entries: {number:,}"]
