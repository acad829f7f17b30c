"""The one door through which a status changes, and the one through which a verification begins.

Four callers of move(): decisions (and their undo), tag removal, callbacks, disposal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet
from django.db.models.functions import Now
from django.http import Http404

from accounts import audit
from accounts.insertions import insert
from accounts.models import Kind, Membership, User
from accounts.statements import Slot, Statement, gathered, prefetched
from verifications import counters, policy, vault
from verifications.models import (
    SEAT,
    CounterChange,
    Decision,
    Tag,
    Verification,
    VerificationQuerySet,
)
from verifications.names import keeping
from verifications.statuses import Standing
from verifications.webhooks import outbox

Facts = dict[str, str | int | bool | list[str] | None]


class Stale(Exception):
    """The page was drawn from an older revision, or its request was sent with other content."""


class Refused(Exception):
    """The policy says no; carries its objection."""

    def __init__(self, check: policy.Check) -> None:
        super().__init__(check.sentence)
        self.check = check


class Gone(Http404):
    """It was disposed of meanwhile: whoever asks is answered as for what never existed."""


class Overtaken(Exception):
    """Somebody changed the verification since it was read: nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """Where a verification goes, by whom, and which fields go with it."""

    to: Standing
    kind: Kind
    actor: User | None
    fields: dict[str, Any]
    facts: Facts
    event: str = ""
    decision: Decision | None = None
    message_to_applicant: str = ""
    # What else is counted with it, beside where it stands.
    counted: Sequence[CounterChange] = ()


def locked(membership: Membership, scan_ref: str) -> tuple[Membership, Verification]:
    """Both as the database has them now; the verification cannot be moved by others meanwhile.

    With all that a decision needs, read at one moment. `verification.now` is the database's clock,
    by which the time to undo runs. Raises Gone.
    """
    asked = {"membership": membership.pk, "partner": membership.partner_id, "scan_ref": scan_ref}
    # What is read while one waits for a lock is as old as the wait: whoever finds it taken waits
    # first, and then reads.
    rows = LOCKED.instances(**asked)
    if not rows and WAIT.rows(**asked):
        rows = LOCKED.instances(**asked)
    if not rows:
        raise Gone
    row = rows[0]
    row.last_link = audit.Link(row.last_seq, row.last_digest)
    row.open_endpoints = outbox.brought(rows)
    prefetched(row, "tags", gathered(rows, "tag"))
    row.seat.partner = row.partner
    return row.seat, row


def _visible() -> VerificationQuerySet:
    rows = Verification.objects.visible_to(SEAT).filter(scan_ref=Slot("scan_ref"))
    return rows.order_by()


def _locked() -> QuerySet[Verification]:
    """One row for each pair of a tag and an endpoint: mostly one."""
    rows = _visible().select_for_update(of=("self",), skip_locked=True).with_last_link()
    mine = Q(partner__memberships__pk=Slot("membership"))
    seat = FilteredRelation("partner__memberships", condition=mine)
    rows = rows.annotate(now=Now(), seat=seat, tag=FilteredRelation("tags"))  # type: ignore[no-redef]
    rows = rows.filter(seat__isnull=False).select_related("seat__user", "seat__role", "tag")  # type: ignore[misc]
    told = ("partner", "decision__text", "decision__supersedes", "callback__body")
    rows = rows.select_related(*told)
    return outbox.with_endpoints(vault.with_keys(rows))


LOCKED = Statement(_locked)
WAIT = Statement(lambda: _visible().select_for_update().values_list("pk"))


def begin(verification: Verification, at: Standing, tags: Sequence[Tag], event: str = "") -> None:
    """The first row of a verification that the provider told of, in the caller's transaction."""
    verification.status, verification.suspected = at
    insert(verification)
    verification.last_link = audit.START
    insert(*tags)
    _record(verification, Kind.CREATED, None, {"to": str(at), "revision": verification.revision})
    counters.note([*counters.moved(verification, None, at), *counters.tags(verification, tags, 1)])
    # After tags and data: the partner is told of the whole.
    if event:
        outbox.untold(verification)
        outbox.queue(verification, event)
    keeping.keep(verification)


def move(verification: Verification, move: Move) -> None:
    """Sets status, suspicion, revision and fields, writes the audit entry, what it changes in the
    counters, and the outbox rows.

    Names are found by the new one. Runs in the caller's transaction. The update is conditional on
    the revision that was read: the lock that guards it is a wish on SQLite, this is the guarantee
    on both engines. Raises Overtaken.
    """
    former, seen = verification.standing, verification.revision
    former_text = verification.search_text
    for name, value in move.fields.items():
        setattr(verification, name, value)
    verification.status = move.to.status
    verification.suspected = move.to.suspected
    verification.revision = seen + 1
    changed = {name: getattr(verification, name) for name in move.fields}
    changed |= {"status": move.to.status, "suspected": move.to.suspected, "revision": seen + 1}
    same = Verification.objects.filter(pk=verification.pk, revision=seen)
    if same.update(**changed) != 1:
        raise Overtaken
    facts: Facts = {"from": str(former), "to": str(move.to), "revision": seen + 1}
    _record(verification, move.kind, move.actor, facts | move.facts)
    to = None if verification.disposed_at else move.to
    counters.note([*counters.moved(verification, former, to), *move.counted])
    if move.event:
        outbox.queue(
            verification,
            move.event,
            decision=move.decision,
            message_to_applicant=move.message_to_applicant,
        )
    keeping.keep(verification, former_text)


def _record(verification: Verification, kind: Kind, actor: User | None, facts: Facts) -> None:
    entry = audit.record(
        kind,
        vars(verification).get("last_link"),
        actor=actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=verification.audit_stream,
        **facts,
    )
    verification.last_link = audit.Link(entry.seq, entry.digest)
