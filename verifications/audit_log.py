"""The partner's audit log as a page and as a file, in a fixed number of queries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts import memberships
from accounts.models import (
    OF_NO_PARTNER,
    AuditCheckpoint,
    AuditEntry,
    Kind,
    Membership,
    Role,
    names_of,
)
from verifications import audit_words, history, keyset, looks, reasons
from verifications.audit_forms import SUPPORT, SYSTEM, AuditFilterForm
from verifications.models import Verification, WebhookEndpoint

EXPORT_MOST = 50_000
EXPORT_BATCH = 2000
COLUMNS = ("when", "what", "who", "scan ref", "facts")


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
    kinds = [(it.value, it.label) for it in Kind if it not in OF_NO_PARTNER]
    return AuditFilterForm(
        query, kinds=kinds, people=people, others=(SUPPORT, SYSTEM), called=mine.called
    )


def build(membership: Membership, form: AuditFilterForm) -> Log:
    """Of a form that was checked; a question that cannot be understood gives no lines."""
    checkpoint = AuditCheckpoint.objects.order_by("-number").first()
    proven = cache.get(history.PROVEN)
    if not form.is_valid():
        return Log(form, [], None, None, None, None, False, checkpoint, proven)
    page, partner = _page(membership, form), membership.partner_id
    back = bool(form.cleaned_data["before"])
    newer, older, further = page.links(back=back)
    return Log(
        form=form,
        lines=lines(partner, page.rows, form.people, _disposed(membership, page.rows)),
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
    fits = form.by("actor")
    if asked["scan_ref"]:
        branches = [it.filter(subject=subject) for it in branches for subject in _subjects(asked)]
        fits &= Q(kind=asked["kind"]) if asked["kind"] else Q()
    elif asked["kind"]:
        branches = [it.filter(kind=asked["kind"]) for it in branches]
    return keyset.sought(entries, branches, fits, "at", form.turn)


def _subjects(asked: dict[str, Any]) -> list[str]:
    called = asked["scan_ref"]
    return [f"verification:{ref}" for _, ref in called.found or [(0, called.text)]]


def _matching(membership: Membership, form: AuditFilterForm) -> QuerySet[AuditEntry]:
    asked = form.cleaned_data
    entries = AuditEntry.objects.filter(form.by("actor"), partner=membership.partner_id)
    if asked["kind"]:
        entries = entries.filter(kind=asked["kind"])
    if asked["scan_ref"]:
        entries = entries.filter(subject__in=_subjects(asked))
    return entries


def _disposed(membership: Membership, entries: list[AuditEntry]) -> set[str]:
    """Scan refs on the page that have no page of their own any more."""
    refs = {entry.subject.removeprefix("verification:") for entry in entries}
    named = Verification.objects.filter(partner=membership.partner_id, scan_ref__in=refs)
    return {ref for ref, at in named.order_by().values_list("scan_ref", "disposed_at") if at}


def lines(
    partner: int | None,
    entries: Sequence[AuditEntry],
    people: Mapping[int, str] = MappingProxyType({}),
    disposed: Collection[str] = (),
) -> list[Line]:
    """Of people that are known already nobody is asked."""
    told = [(entry, entry.facts) for entry in entries]
    names = _names(partner, told, people)
    return [_line(entry, facts, names, disposed) for entry, facts in told]


def _names(
    partner: int | None,
    told: list[tuple[AuditEntry, dict[str, Any]]],
    people: Mapping[int, str],
) -> audit_words.Names:
    """Of what these tell of; each kind is asked for where it occurs."""
    facts = [facts for _, facts in told]
    users = {entry.actor for entry, _ in told}
    users |= {it.get(name) for it in facts for name in ("user", "proposer")}
    strangers = {user for user in users if user} - people.keys()
    codes = sorted({code for it in facts for code in it.get("reasons", ())})
    subjects = [entry.subject for entry, _ in told] + [it.get("endpoint", "") for it in facts]
    numbers = {it.partition(":")[2] for it in subjects if it.startswith("endpoint:")}
    endpoints = WebhookEndpoint.objects.filter(partner=partner, pk__in=numbers)
    has_roles = any("role_id" in it for it in facts)
    return audit_words.Names(
        people={**people, **names_of(strangers)} if strangers else people,
        roles=dict(Role.objects.values_list("pk", "name")) if has_roles else {},
        endpoints=dict(endpoints.values_list("pk", "name")) if numbers else {},
        reasons=reasons.labels(partner or 0, codes),
    )


def _line(
    entry: AuditEntry,
    facts: dict[str, Any],
    names: audit_words.Names,
    disposed: Collection[str] = (),
) -> Line:
    kind, _, reference = entry.subject.partition(":")
    system = "The system" if entry.actor is None else "Unknown"
    return Line(
        at=entry.at,
        kind=Kind(entry.kind).label,
        who=names.people.get(entry.actor or 0, system),
        scan_ref=reference if kind == "verification" else "",
        is_disposed=reference in disposed,
        facts=audit_words.told(entry, facts, names),
    )


def export(membership: Membership, form: AuditFilterForm) -> Iterator[list[str]]:
    """The same rows as cells of a file, newest first, and a last line that says whether all fit."""
    whole = replace(form.turn, after=None, before=None).stretch
    entries = whole.of(_matching(membership, form), "at")[: EXPORT_MOST + 1]
    rows, number = entries.iterator(chunk_size=EXPORT_BATCH), 0
    while batch := [*islice(rows, EXPORT_BATCH)]:
        for line in lines(membership.partner_id, batch, form.people):
            number += 1
            if number > EXPORT_MOST:
                at = looks.exact(line.at)
                yield [
                    f"Stopped after {EXPORT_MOST:,} entries: more fit, from {at} UTC backwards."
                    " Export again with To set to that day."
                ]
                return
            facts = "; ".join(f"{key}: {value}" for key, value in line.facts)
            yield [line.at.isoformat(), line.kind, line.who, line.scan_ref, facts]
    yield [f"End of the export: all that fit. Entries: {number:,}"]
