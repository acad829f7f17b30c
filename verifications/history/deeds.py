"""What was done to verifications, read from the audit log and, in the same words, from the rows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import F, Model, QuerySet

from accounts import checkpoints
from accounts.models import AuditEntry, Kind
from accounts.statements import Numbers, OneOf, Statement, Texts
from verifications.models import (
    Decision,
    DecisionReason,
    Disposal,
    Hold,
    Note,
    Tag,
    Verification,
)
from verifications.statuses import Action, Standing, Status

KINDS: dict[str, str] = {
    Action.APPROVE: Kind.APPROVED,
    Action.DENY: Kind.DENIED,
    Action.UNDO: Kind.UNDONE,
}
DECIDED = ("decision", "revision", "from", "to", "reasons", "role")
# Of which facts an entry makes a claim that a row must repeat.
CLAIMED = {
    Kind.APPROVED: DECIDED,
    Kind.DENIED: DECIDED,
    Kind.UNDONE: ("decision", "revision", "from", "to", "undoes"),
    Kind.TAG_REMOVED: ("tag",),
    Kind.NOTED: ("note",),
    Kind.HELD: ("reason",),
    Kind.RELEASED: ("reason",),
    Kind.DISPOSED: ("disposal", "from"),
}
# What a disposal erases the rows of.
ERASED = {Kind.TAG_REMOVED, Kind.NOTED, Kind.HELD, Kind.RELEASED}
MOVING = {Kind.CREATED, Kind.UPDATED, Kind.KEPT, *CLAIMED}
STANDS = "where it stands"
# Row and entry are written in one transaction, by the clocks of database and program.
APART = checkpoints.SETTLED


class Deed(NamedTuple):
    of: int  # the verification's key
    kind: str
    actor: int | None
    partner: int | None
    subject: str
    facts: tuple[Any, ...]

    @property
    def is_disposal(self) -> bool:
        return self.kind == Kind.DISPOSED

    def __str__(self) -> str:
        return f"{self.kind} {self.facts[0]}"


Told = dict[Deed, list[datetime]]


def differences(log: Told, rows: Told) -> list[tuple[int, str]]:
    return [
        (deed.of, f"{deed}{wrong}")
        for deed in sorted(log.keys() | rows.keys(), key=repr)
        if (wrong := _wrong(log.get(deed, []), rows.get(deed, [])))
    ]


def _wrong(log: list[datetime], rows: list[datetime]) -> str:
    if len(log) > len(rows):
        return ": in the audit log, and not so among the rows"
    if len(log) < len(rows):
        return ": among the rows, and not so in the audit log"
    if any(abs(one - other) > APART for one, other in zip(sorted(log), sorted(rows), strict=True)):
        return ": not at the time that the audit log says"
    return ""


# Of millions of verifications, by the portion: each statement is written once, and brings no more
# than is compared.


def _entries() -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(OneOf(F("stream"), Texts("streams")), kind__in=sorted(MOVING))
    return rows.order_by("stream", "seq").defer("prev", "digest")


def _verifications() -> QuerySet[Verification]:
    rows = Verification.objects.filter(OneOf(F("pk"), KEYS)).order_by()
    return rows.only("partner", "scan_ref", "status", "suspected", "revision")


def _beside(model: type[Model], way: str = "verification_id") -> QuerySet:
    return model._default_manager.filter(OneOf(F(way), KEYS))


KEYS = Numbers("keys")
ENTRIES, VERIFICATIONS = Statement(_entries), Statement(_verifications)
DECISIONS = Statement(partial(_beside, Decision))
# Through their decisions, by whose index they are found.
REASONS = Statement(partial(_beside, DecisionReason, "decision__verification_id"))
DISPOSALS, HOLDS = (Statement(partial(_beside, it)) for it in (Disposal, Hold))
REMOVED_TAGS = Statement(lambda: _beside(Tag).filter(removed_at__isnull=False))
NOTES = Statement(lambda: _beside(Note).defer("sealed"))


def of_log(keys: Iterable[int]) -> Told:
    streams = {f"v/{key}": key for key in keys}
    told: Told = defaultdict(list)
    entries = ENTRIES.instances(streams=list(streams))
    for stream, chain in groupby(entries, key=attrgetter("stream")):
        _tell(told, streams[stream], list(chain))
    return told


def _tell(told: Told, key: int, chain: list[AuditEntry]) -> None:
    is_disposed = any(entry.kind == Kind.DISPOSED for entry in chain)
    last = None
    for entry in chain:
        facts = _facts(entry.body)
        if "revision" in facts:
            last = entry, facts
        if entry.kind in CLAIMED and not (is_disposed and entry.kind in ERASED):
            claimed = (facts.get(name) for name in CLAIMED[Kind(entry.kind)])
            told[_of_entry(key, entry, entry.kind, claimed)].append(entry.at)
    if last:
        entry, facts = last
        standing = facts.get("to"), facts["revision"]
        deed = _of_entry(key, entry, STANDS, standing)._replace(actor=None)
        told[deed].append(datetime.min)


def _of_entry(key: int, entry: AuditEntry, kind: str, facts: Iterable[Any]) -> Deed:
    told = (tuple(fact) if isinstance(fact, list) else fact for fact in facts)
    return Deed(key, kind, entry.actor, entry.partner, entry.subject, tuple(told))


def _facts(body: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(body)["facts"]
    except (ValueError, KeyError):
        return {}
    return facts


def of_rows(keys: list[int]) -> Told:
    told: Told = defaultdict(list)
    of_these = {it.pk: it for it in VERIFICATIONS.instances(keys=keys)}
    for it in of_these.values():
        standing = _standing(it.status, it.suspected), it.revision
        told[_of_row(it, STANDS, None, *standing)].append(datetime.min)
    for source in (_decisions, _disposals, _holds, _tags, _notes):
        for deed, at in source(of_these):
            told[deed].append(at)
    return told


Rows = dict[int, Verification]
Source = Iterator[tuple[Deed, datetime]]


def _of_row(it: Verification, kind: str, actor: int | None, *facts: Any) -> Deed:
    return Deed(it.pk, kind, actor, it.partner_id, it.audit_subject, facts)


def _decisions(rows: Rows) -> Source:
    codes: dict[Any, list[str]] = defaultdict(list)
    for reason in REASONS.instances(keys=list(rows)):
        codes[reason.decision_id].append(reason.code)
    for row in DECISIONS.instances(keys=list(rows)):
        came_from = _standing(row.from_status, row.from_suspected)
        facts = [str(row.pk), row.revision, came_from, _standing(row.to_status, row.to_suspected)]
        if row.action == Action.UNDO:
            facts.append(str(row.undoes_id))
        else:
            facts += [tuple(codes[row.pk]), row.role_name]
        kind = KINDS.get(row.action, row.action)
        deed = _of_row(rows[row.verification_id], kind, row.actor_id, *facts)
        yield deed._replace(partner=row.partner_id), row.decided_at


def _disposals(rows: Rows) -> Source:
    for row in DISPOSALS.instances(keys=list(rows)):
        it = rows[row.verification_id]
        facts = row.kind, _standing(row.status, row.suspected)
        deed = _of_row(it, Kind.DISPOSED, row.actor_id, *facts)._replace(partner=row.partner_id)
        yield deed, row.disposed_at


def _holds(rows: Rows) -> Source:
    for row in HOLDS.instances(keys=list(rows)):
        it = rows[row.verification_id]
        yield _of_row(it, Kind.HELD, row.placed_by_id, row.reason), row.placed_at
        if row.released_at:
            deed = _of_row(it, Kind.RELEASED, row.released_by_id, row.release_reason)
            yield deed, row.released_at


def _tags(rows: Rows) -> Source:
    for row in REMOVED_TAGS.instances(keys=list(rows)):
        it = rows[row.verification_id]
        yield _of_row(it, Kind.TAG_REMOVED, row.removed_by_id, row.code), row.removed_at


def _notes(rows: Rows) -> Source:
    for row in NOTES.instances(keys=list(rows)):
        deed = _of_row(rows[row.verification_id], Kind.NOTED, row.author_id, row.pk)
        yield deed, row.written_at


def _standing(status: str, suspected: bool) -> str:
    """As the log words it; a status that nobody knows, as it stands."""
    return str(Standing(Status(status), suspected)) if status in Status.values else status
