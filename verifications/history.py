"""Whether decisions and the audit log tell the same story, each decision in exactly one entry."""

import json
from collections.abc import Iterator

from accounts.models import AuditEntry, Kind
from verifications.models import Decision
from verifications.statuses import Action

# Where the last proof's answer is kept.
PROVEN = "audit-proven"
KINDS = {Action.APPROVE: Kind.APPROVED, Action.DENY: Kind.DENIED, Action.UNDO: Kind.UNDONE}


def problems() -> Iterator[str]:
    told = _told()
    decisions = Decision.objects.select_related("verification").prefetch_related("reasons")
    for decision in decisions.iterator(chunk_size=1000):
        expected = {
            "kind": KINDS[Action(decision.action)],
            "actor": decision.actor_id,
            "subject": decision.verification.audit_subject,
            "revision": decision.revision,
            "reasons": [reason.code for reason in decision.reasons.all()],
        }
        if told.pop(str(decision.pk), None) != expected:
            yield f"decision {decision.pk}: the audit log does not tell of it as it stands"
    for key in told:
        yield f"decision {key}: in the audit log, and gone from its table"


def _told() -> dict[str, dict[str, object]]:
    entries = AuditEntry.objects.filter(kind__in=KINDS.values()).order_by("pk")
    told: dict[str, dict[str, object]] = {}
    for entry in entries.iterator(chunk_size=2000):
        facts = _facts(entry.body)
        told[str(facts.get("decision"))] = {
            "kind": entry.kind,
            "actor": entry.actor,
            "subject": entry.subject,
            "revision": facts.get("revision"),
            "reasons": facts.get("reasons", []),
        }
    return told


def _facts(body: str) -> dict[str, object]:
    try:
        return json.loads(body)["facts"]
    except (ValueError, KeyError):
        return {}
