"""The one door through which a status changes, and the one through which a verification begins.

Four callers of move(): decisions (and their undo), tag removal, intake, disposal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.db.models.functions import Now
from django.http import Http404

from accounts import audit
from accounts.models import Kind, Membership, User
from accounts.statements import Slot, Statement
from verifications import counters, policy, vault
from verifications.models import CounterChange, Decision, Tag, Verification
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


def locked(membership: Membership, verification: Verification) -> tuple[Membership, Verification]:
    """Both as the database has them now; the verification cannot be moved by others meanwhile.

    With what a partner could be told of it, read once. `verification.now` is the database's clock,
    by which the time to undo runs. Raises Gone.
    """
    (row,) = LOCKED.instances(pk=verification.pk)
    if row.disposed_at:
        raise Gone
    prefetch_related_objects([row], "tags")
    (fresh,) = FRESH.instances(pk=membership.pk)
    return fresh, row


def _locked() -> QuerySet[Verification]:
    rows = Verification.objects.filter(pk=Slot("pk")).select_for_update(of=("self",))
    told = ("partner", "decision__text", "decision__supersedes", "callback__body")
    return vault.with_keys(rows.annotate(now=Now()).select_related(*told))  # type: ignore[no-redef]


LOCKED = Statement(_locked, one_plan=True)
FRESH = Statement(
    lambda: Membership.objects.filter(pk=Slot("pk")).select_related("user", "role", "partner"),
    one_plan=True,
)


def begin(verification: Verification, at: Standing, tags: Sequence[Tag], event: str = "") -> None:
    """The first row of a verification that the provider told of, in the caller's transaction."""
    verification.status, verification.suspected = at
    verification.save(force_insert=True)
    Tag.objects.bulk_create(tags)
    audit.record(
        Kind.CREATED,
        actor=None,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=verification.audit_stream,
        to=str(at),
        revision=verification.revision,
    )
    counters.note([*counters.moved(verification, None, at), *counters.tags(verification, tags, 1)])
    # After tags and data: the partner is told of the whole.
    if event:
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
    audit.record(
        move.kind,
        actor=move.actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=verification.audit_stream,
        **(facts | move.facts),
    )
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
