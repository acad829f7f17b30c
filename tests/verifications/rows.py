"""Verifications as rows, where a test needs many or odd ones; not through the intake."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Partner, User
from tests import factories
from verifications import counters, decisions, search
from verifications.models import Decision, RejectionReason, Tag, TagKind, TokenType, Verification
from verifications.names import keeping
from verifications.statuses import Action, Status

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
numbers = count(1)
# Budgets of a question so small that nearly each breaks off somewhere.
SMALL = {"SIZE": 3, "GLANCED": 9, "WALKED": 18, "CONTINUED": 27, "PROBED": 12, "COUNTED": 4}


def row(partner: Partner, name: str = "Alma Veske", **fields: Any) -> Verification:
    number = next(numbers)
    return Verification(
        **{
            "partner": partner,
            "scan_ref": f"scan-{number}",
            "client_id": f"client-{number}",
            "name": name,
            "search_text": search.folded(name),
            "status": Status.APPROVED,
            "token_type": TokenType.IDENTIFICATION,
            "started_at": NOON - timedelta(minutes=number),
        }
        | fields
    )


def add(partner: Partner, name: str = "Alma Veske", **fields: Any) -> Verification:
    made = row(partner, name, **fields)
    made.save()
    _count([made])
    keeping.keep(made)
    return made


def many(partner: Partner, how_many: int, **fields: Any) -> list[Verification]:
    made = Verification.objects.bulk_create(row(partner, **fields) for _ in range(how_many))
    _count(made)
    keeping.fill(made)
    return made


def _count(made: list[Verification]) -> None:
    counters.note(change for it in made for change in counters.moved(it, None, it.standing))


def tag(it: Verification, code: str, kind: str = TagKind.MISMATCH, **fields: Any) -> Tag:
    made = Tag.of(it, kind=kind, code=code, **fields)
    made.save()
    if made.removed_at is None:
        counters.note(counters.tags(it, [made], 1))
    return made


def deny(user: User, it: Verification, *codes: str) -> Decision:
    it.refresh_from_db()
    intent = decisions.Intent(
        action=Action.DENY,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=list(RejectionReason.objects.filter(code__in=codes)),
    )
    return decisions.decide(factories.membership(user), it.scan_ref, intent)
