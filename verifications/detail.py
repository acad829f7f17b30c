"""One verification as a page, built before the template, in a fixed number of queries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from accounts import audit
from accounts.models import Kind, Membership, Rank, User
from verifications import codes, dossier, policy, timeline
from verifications.models import (
    Decision,
    Note,
    Photo,
    PhotoState,
    ReviewType,
    Tag,
    Verification,
)
from verifications.statuses import Action

EARLIER = 10
PHOTO_LABELS = {"FRONT": "Document front", "BACK": "Document back", "FACE": "Selfie"}


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
class Shot:
    photo: Photo
    label: str
    turn: int

    @property
    def next_turn(self) -> int:
        return (self.turn + 90) % 360

    @property
    def is_stored(self) -> bool:
        return self.photo.state == PhotoState.STORED


@dataclass(frozen=True)
class Answer:
    """One of the four cells under the name: what is wrong, and where to read on."""

    label: str
    text: str
    tone: str
    anchor: str


@dataclass(frozen=True)
class Undoable:
    decision: Decision
    seconds_left: int
    is_own: bool


@dataclass(frozen=True)
class Detail:
    verification: Verification
    body: Mapping[str, Any]
    answers: list[Answer]
    shots: list[Shot]
    dossier: dossier.Dossier
    tags: list[Tag]
    offers: list[Offer]
    reads_only: bool
    may_remove_tags: bool
    may_note: bool
    undoable: Undoable | None
    events: list[timeline.Event]
    notes: list[Note]
    earlier: list[Verification]
    waiting: int
    next_waiting: Verification | None
    is_revealed: bool


def build(
    membership: Membership,
    verification: Verification,
    *,
    is_revealed: bool = False,
    turns: Mapping[str, int] | None = None,
) -> Detail:
    tags = list(verification.tags.select_related("removed_by"))
    photos = list(verification.photos.all())
    body = _body(verification)
    mismatches = [tag.code for tag in tags if tag.kind == "mismatch"]
    told = dossier.build(body, mismatches, is_revealed=is_revealed)
    rank = membership.role.rank
    queue = Verification.objects.visible_to(membership).needs_decision()
    return Detail(
        verification=verification,
        body=body,
        answers=_answers(verification, told, tags),
        shots=[_shot(photo, turns or {}) for photo in photos],
        dossier=told,
        tags=tags,
        offers=[_offer(membership, action, verification) for action in _OFFERED],
        reads_only=rank < Rank.ADMIN,
        may_remove_tags=policy.objection(membership, Action.REMOVE_TAG, verification) is None,
        may_note=rank >= Rank.MEMBER,
        undoable=_undoable(membership, verification),
        events=timeline.build(verification, tags),
        notes=list(verification.notes.select_related("author")),
        earlier=_earlier(membership, verification),
        waiting=queue.order_by()[:100].count(),
        next_waiting=queue.exclude(pk=verification.pk).order_by("started_at", "pk").first(),
        is_revealed=is_revealed,
    )


_OFFERED = (Action.DENY, Action.APPROVE)


def record_view(actor: User, verification: Verification, *, is_revealed: bool) -> None:
    """Before anything is shown: where this cannot be written, nothing is shown."""
    kinds = verification.photos.filter(state=PhotoState.STORED).values_list("kind", flat=True)
    audit.record(
        Kind.VIEWED,
        actor=actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=f"w/{actor.pk}",
        photos=sorted(kinds),
        revealed=is_revealed,
        revision=verification.revision,
    )


def _body(verification: Verification) -> dict[str, Any]:
    callback = verification.callback
    return json.loads(bytes(callback.body.raw)) if callback else {}


def _shot(photo: Photo, turns: Mapping[str, int]) -> Shot:
    label = PHOTO_LABELS.get(photo.kind, photo.kind.replace("_", " ").capitalize())
    return Shot(photo, label, turns.get(photo.kind, 0))


def _offer(membership: Membership, action: Action, verification: Verification) -> Offer:
    checks = policy.explain(membership, action, verification)
    objection = next((check for check in checks if not check.passed), None)
    code = policy.support_code(objection, action, verification) if objection else ""
    return Offer(action, objection, checks, code)


def _undoable(membership: Membership, verification: Verification) -> Undoable | None:
    """The standing decision while its time to be taken back runs, by the database's clock."""
    if verification.decision_id is None:
        return None
    if policy.objection(membership, Action.UNDO, verification):
        return None
    running = Decision.objects.filter(pk=verification.decision_id, undoable_until__gt=Now())
    decision = running.select_related("actor").annotate(now=Now()).first()
    if decision is None or decision.undoable_until is None:
        return None
    left: datetime = decision.now
    seconds = (decision.undoable_until - left).total_seconds()
    return Undoable(decision, max(1, int(seconds)), decision.actor_id == membership.user_id)


def _earlier(membership: Membership, verification: Verification) -> list[Verification]:
    same = Verification.objects.visible_to(membership).filter(client_id=verification.client_id)
    others = same.exclude(pk=verification.pk)
    return list(others.order_by("-started_at", "-pk")[:EARLIER])


def _answers(it: Verification, told: dossier.Dossier, tags: list[Tag]) -> list[Answer]:
    standing = [tag for tag in tags if not tag.removed_at]
    return [
        _finding("Document", _spoken(it, it.auto_document, it.manual_document), "document"),
        _finding("Face", _spoken(it, it.auto_face, it.manual_face), "face"),
        Answer(
            "Data",
            f"{told.differing} of {len(told.fields)} fields differ"
            if told.differing
            else "No difference reported",
            "tone-warn" if told.differing else "tone-good",
            "data",
        ),
        Answer(
            "Tags",
            ", ".join(codes.find(tag.code, tag.wire_family).label for tag in standing[:2])
            + (f" and {len(standing) - 2} more" if len(standing) > 2 else "")
            or "None",
            "tone-warn" if standing else "tone-good",
            "tags",
        ),
    ]


def _spoken(it: Verification, automatic: str, manual: str) -> str:
    return manual if it.review_type == ReviewType.MANUAL else automatic


def _finding(label: str, code: str, family: str) -> Answer:
    found = codes.find(code, family)
    tone = {"ok": "tone-good", "process": "tone-idle", "": "tone-idle"}.get(found.group, "tone-bad")
    return Answer(label, found.label or "Not told", tone, "findings")
