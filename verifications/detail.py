"""One verification as a page, built before the template, in a fixed number of queries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import QuerySet

from accounts.models import Membership, Partner, Rank
from accounts.statements import Slot, Statement
from verifications import (
    beside,
    dossier,
    evidence,
    frame,
    glance,
    keeping,
    policy,
    telling,
    timeline,
    vault,
    waiting,
)
from verifications.models import (
    SEAT,
    CallbackBody,
    Decision,
    Note,
    Tag,
    TagKind,
    Verification,
    WebhookDelivery,
)
from verifications.statuses import Action

EARLIER = 10
DUPLICATES = 20


class Brief(NamedTuple):
    """Another verification in one line."""

    pk: int
    scan_ref: str
    name: str
    status: str
    suspected: bool
    started_at: datetime


def _same_client() -> QuerySet:
    rows = Verification.objects.visible_to(SEAT).filter(client_id=Slot("client"))
    return rows.order_by("-started_at", "-pk").values_list(*Brief._fields)[: EARLIER + 1]


SAME_CLIENT = Statement(_same_client)


@dataclass(frozen=True)
class Offer:
    """An action: a button where it is allowed, else every rule and what support needs to know."""

    action: Action
    objection: policy.Check | None
    checks: list[policy.Check]
    support_code: str

    @property
    def is_allowed(self) -> bool:
        return self.objection is None


@dataclass(frozen=True)
class Undoable:
    decision: Decision
    seconds_left: int
    is_own: bool
    telling: str


@dataclass(frozen=True)
class Duplicate:
    """A scan ref that the provider named, with its verification where that may be seen."""

    scan_ref: str
    verification: Verification | None


@dataclass(frozen=True)
class Said:
    """A note; `text` is None where it cannot be opened."""

    note: Note
    text: str | None


@dataclass(frozen=True)
class Detail:
    """`is_shut`: the body does not open, and nothing of it is shown."""

    verification: Verification
    body: Mapping[str, Any]
    is_shut: bool
    answers: list[glance.Answer]
    shots: list[evidence.Shot]
    turn_query: str
    dossier: dossier.Dossier
    duplicates: list[Duplicate]
    tags: list[Tag]
    offers: list[Offer]
    reads_only: bool
    may_remove_tags: bool
    may_note: bool
    may_take_report: bool
    disposal: Offer | None
    keeping: keeping.Keeping
    standing: Decision | None
    undoable: Undoable | None
    # Of the standing decision, as they were worded then.
    reason_labels: dict[str, str]
    events: list[timeline.Event]
    records: list[tuple[str, str]]
    told: telling.Told
    # Of a decision that may be made; empty: none.
    telling: str
    notes: list[Said]
    earlier: list[Brief]
    queue: waiting.Queue
    is_revealed: bool

    def sent(self, *path: str) -> Any:
        """What the provider's body says there; None: nothing."""
        value: Any = self.body
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    @property
    def was_expired(self) -> bool:
        """The document, when it was shown."""
        until = self.verification.document_expires_on
        return until is not None and until < self.verification.started_at.date()

    @property
    def pictures(self) -> list[evidence.Shot]:
        return [shot for shot in self.shots if not shot.is_unusable]

    @property
    def unusable(self) -> list[evidence.Shot]:
        return [shot for shot in self.shots if shot.is_unusable]

    @property
    def stored_kinds(self) -> list[str]:
        return [shot.photo.kind for shot in self.shots if shot.is_stored]


def build(
    membership: Membership,
    verification: Verification,
    *,
    is_revealed: bool = False,
    turns: evidence.Turns | None = None,
) -> Detail:
    """Raises evidence.BadTurn."""
    tags = beside.tags.of(verification)
    deliveries = beside.deliveries.of(verification)
    decisions = beside.decisions.of(verification)
    holds = beside.holds.of(verification)
    reasons = beside.reasons.of(verification)
    standing = next((one for one in decisions if one.pk == verification.decision_id), None)
    body, is_shut = _body(verification)
    mismatches = [tag.code for tag in tags if tag.kind == TagKind.MISMATCH]
    offers = [_offer(membership, action, verification) for action in _OFFERED]
    told = dossier.build(body, mismatches, is_revealed=is_revealed)
    return Detail(
        verification=verification,
        body=body,
        is_shut=is_shut,
        answers=glance.answers(verification, told, tags),
        shots=evidence.shots(beside.photos.of(verification), turns or {}),
        turn_query=evidence.turn_query(turns or {}),
        dossier=told,
        duplicates=_duplicates(membership, told.duplicates[:DUPLICATES]),
        tags=tags,
        offers=offers,
        reads_only=membership.role.rank < Rank.ADMIN,
        may_remove_tags=policy.objection(membership, Action.REMOVE_TAG, verification) is None,
        may_note=policy.may_note(membership),
        may_take_report=policy.may_take_report(membership),
        disposal=_disposal(membership, verification),
        keeping=keeping.build(membership, verification, holds),
        standing=standing,
        undoable=_undoable(membership, verification, standing, deliveries),
        reason_labels={
            it.code: it.label for it in reasons if it.decision_id == verification.decision_id
        },
        events=timeline.build(verification, decisions, reasons, tags, deliveries, holds),
        records=_records(membership, verification),
        told=telling.told(deliveries),
        telling=_ahead(verification.partner) if any(it.is_allowed for it in offers) else "",
        notes=[_said(note) for note in beside.notes.of(verification)],
        earlier=_earlier(membership, verification),
        queue=waiting.queue(membership, verification),
        is_revealed=is_revealed,
    )


def _ahead(partner: Partner) -> str:
    return telling.ahead(partner, telling.open_endpoints(partner))


_OFFERED = (Action.DENY, Action.APPROVE)
# Lists that hold more of it, who may see them, and what they call a scan ref.
RECORDS = (
    ("Deliveries", "delivery_list", Rank.MODERATOR, "q"),
    ("Audit log", "audit_log", Rank.ADMIN, "scan_ref"),
)


def _records(membership: Membership, verification: Verification) -> list[tuple[str, str]]:
    asked = ((label, key, frame.url_for(membership, name, it)) for label, name, it, key in RECORDS)
    ref = verification.scan_ref
    return [(label, f"{url}?{urlencode({key: ref})}") for label, key, url in asked if url]


def _body(verification: Verification) -> tuple[dict[str, Any], bool]:
    """The provider's body, and whether there is one that does not open."""
    callback = verification.callback
    if callback is None:
        return {}, False
    try:
        return json.loads(vault.opened(callback.body, of=verification)), False
    except (vault.DoesNotOpen, CallbackBody.DoesNotExist):
        return {}, True


def _said(note: Note) -> Said:
    try:
        return Said(note, vault.opened(note).decode())
    except vault.DoesNotOpen:
        return Said(note, None)


def _offer(membership: Membership, action: Action, verification: Verification) -> Offer:
    checks = policy.explain(membership, action, verification)
    objection = next((check for check in checks if not check.passed), None)
    code = policy.support_code(objection, action, verification) if objection else ""
    return Offer(action, objection, checks, code)


def _disposal(membership: Membership, verification: Verification) -> Offer | None:
    """Only those who may decide are told of it."""
    is_admin = membership.role.rank == Rank.ADMIN
    return _offer(membership, Action.DISPOSE, verification) if is_admin else None


def _undoable(
    membership: Membership,
    verification: Verification,
    decision: Decision | None,
    deliveries: list[WebhookDelivery],
) -> Undoable | None:
    """The standing decision while its time to be taken back runs, by the database's clock."""
    if decision is None or policy.objection(membership, Action.UNDO, verification):
        return None
    if not decision.is_undoable(decision.now):
        return None
    assert decision.undoable_until  # noqa: S101
    seconds = (decision.undoable_until - decision.now).total_seconds()
    is_own = decision.actor_id == membership.user_id
    said = telling.after(verification.partner, decision, deliveries)
    return Undoable(decision, max(1, int(seconds)), is_own, said)


def _duplicates(membership: Membership, refs: list[str]) -> list[Duplicate]:
    if not refs:
        return []
    seen = Verification.objects.visible_to(membership).filter(scan_ref__in=refs)
    known = {verification.scan_ref: verification for verification in seen}
    return [Duplicate(ref, known.get(ref)) for ref in refs]


def _earlier(membership: Membership, verification: Verification) -> list[Brief]:
    asked = {"partner": membership.partner_id, "client": verification.client_id}
    found = map(Brief._make, SAME_CLIENT.rows(**asked))
    return [one for one in found if one.pk != verification.pk][:EARLIER]
