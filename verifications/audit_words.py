"""The audit log in words: what a fact is called, and what its codes mean. Knows rows by the names
that are handed in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import TextChoices

from accounts.models import AuditEntry, Kind, Plan, PricingModel
from verifications import codes, looks
from verifications.models import DisposalKind, HoldReason, Outcome, ReleaseReason, Stage
from verifications.statuses import Action


@dataclass(frozen=True)
class Names:
    """What is called how now, by number; reasons by code."""

    people: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    endpoints: Mapping[int, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


Word = Callable[[str, Names], str]


class Fact(NamedTuple):
    label: str
    word: Word = lambda text, names: text


def _known(words: Mapping[str, str]) -> Word:
    return lambda text, names: words.get(text, text)


def _chosen(choices: type[TextChoices]) -> Word:
    return _known({it.value: str(it.label) for it in choices})


def _beside(text: str, word: str) -> str:
    """Whoever compares it with a webhook needs the code too."""
    return text if word == text else f"{word} ({text})"


def _code(family: str) -> Word:
    return lambda text, names: _beside(text, codes.find(text, family).label)


def _row(kind: str) -> Word:
    """By its number, or a reference that ends in it."""

    def word(text: str, names: Names) -> str:
        number = text.rpartition(":")[2]
        known: Mapping[int, str] = getattr(names, kind)
        return known.get(int(number), f"number {number}") if number.isdecimal() else text

    return word


def _moment(text: str, names: Names) -> str:
    return f"{looks.exact(datetime.fromisoformat(text))} UTC"


def _filter(text: str, names: Names) -> str:
    """key=value,value as an export writes it; of what was typed the key alone."""
    key, _, given = text.strip("_").partition("=")
    word = FILTERS.get(key, _any_code)
    words = ", ".join(word(it, names) for it in given.split(",") if it)
    return f"{ASKED.get(key, key).replace('_', ' ')} {words}".strip()


def _any_code(text: str, names: Names) -> str:
    return codes.find(text).label


# Fields that a page calls otherwise than its address does.
ASKED = {"q": "search", "kind": "what"}
FILTERS: dict[str, Word] = {
    "kind": _chosen(Kind),
    "who": _row("people"),
    "decided_by": _row("people"),
    "reason": lambda text, names: names.reasons.get(text, text),
    "document_type": lambda text, names: codes.find(text, "doc_type").label,
    "country": lambda text, names: codes.find(text, "country").label,
}
YES = _known({"True": "yes", "False": "no"})
ON = _known({"True": "on", "False": "off"})
RIGHTS = {"is_staff": "support", "is_superuser": "superuser", "in_group": "Support group"}
MEANS = {
    "password": "password",
    "totp": "code of an app",
    "recovery_codes": "recovery code",
    "webauthn": "passkey",
}
PICTURES = {"FRONT": "document front", "BACK": "document back", "FACE": "selfie"}
# Why something was refused: the rule that said no.
RULES = {
    "membership_is_active": "does not work for this partner",
    "role_is_admin": "is no Admin",
    "partner_may_approve": "approving by hand is switched off",
    "partner_may_deny": "denying by hand is switched off",
    "pricing_permits_denial": "the pricing model has no Deny",
    "no_hold_stands": "a hold stands",
    "decision_is_settled": "a decision could still be taken back",
    "partner_is_told": "the partner was still being told",
    "status_permits": "its status does not permit it",
}

# What changed comes first, long numbers come last.
FACTS = {
    "from": Fact("from"),
    "to": Fact("to"),
    "reasons": Fact("reasons", lambda text, names: _beside(text, names.reasons.get(text, text))),
    "action": Fact("action", _chosen(Action)),
    "rule": Fact("because", lambda text, names: _beside(text, RULES.get(text, text))),
    "disposal": Fact("why", _chosen(DisposalKind)),
    "operator": Fact("by command on the server, as"),
    "tag": Fact("tag", _code("mismatch_tag")),
    "event": Fact("event", _code("event_type")),
    "photos": Fact("photos", _known(PICTURES)),
    "revealed": Fact("hidden values shown", YES),
    "note": Fact("note number"),
    "callback": Fact("callback number"),
    "stage": Fact("read", _chosen(Stage)),
    "outcome": Fact("outcome", _chosen(Outcome)),
    "user": Fact("user", _row("people")),
    "role": Fact("role"),
    "role_id": Fact("role", _row("roles")),
    "is_active": Fact("active", YES),
    "means": Fact("by", _known(MEANS)),
    "what": Fact("what"),
    "how": Fact("change"),
    "sessions": Fact("sessions ended"),
    "by_link": Fact("by a link sent by e-mail", YES),
    "by_command": Fact("by command on the server", YES),
    "email": Fact("e-mail"),
    "name": Fact("name"),
    "is_staff": Fact("support", YES),
    "is_superuser": Fact("superuser", YES),
    "groups": Fact("groups by number"),
    "rights": Fact("rights", _known(RIGHTS)),
    "proposer": Fact("proposed by", _row("people")),
    "rank": Fact("rank"),
    "created": Fact("new", YES),
    "deleted": Fact("deleted", YES),
    "plan": Fact("plan", _chosen(Plan)),
    "pricing_model": Fact("pricing model", _chosen(PricingModel)),
    "may_approve": Fact("approving by hand", ON),
    "may_deny": Fact("denying by hand", ON),
    "retention_days": Fact("days that data is kept"),
    "undo_seconds": Fact("seconds to undo"),
    "callback_key": Fact("callback key"),
    "reason": Fact("reason"),
    "why": Fact("why"),
    "endpoint": Fact("endpoint", _row("endpoints")),
    "active": Fact("active", YES),
    "changed": Fact("what is new"),
    "host": Fact("sent to"),
    "events": Fact("events", _code("event_type")),
    "headers": Fact("own headers"),
    "former_key_until": Fact("former key signs along until", _moment),
    "waiting": Fact("messages that waited"),
    "switched_off_why": Fact("switched off because"),
    "code": Fact("code"),
    "label": Fact("wording"),
    "group": Fact("group"),
    "sets": Fact("sets"),
    "needs_note": Fact("needs a note", YES),
    "order": Fact("place in the list"),
    "budget": Fact("limit"),
    "filters": Fact("filtered by", _filter),
    "revision": Fact("revision"),
    "delivery": Fact("webhook-id"),
    "decision": Fact("decision"),
    "undoes": Fact("takes back"),
    "digest": Fact("SHA-256 of the body"),
}
OF_KIND = {
    (Kind.HELD, "reason"): Fact("reason", _chosen(HoldReason)),
    (Kind.RELEASED, "reason"): Fact("reason", _chosen(ReleaseReason)),
    (Kind.ENDPOINT_CHANGED, "what"): Fact("was", _known({"key rotated": "given a new key"})),
    (Kind.DELIVERY_RESENT, "what"): Fact("sent"),
    (Kind.SECOND_FACTOR_CHANGED, "what"): Fact("second step"),
}
# Repeat what the line says without them; an entry's number would tell how much others do.
UNSAID = {"entry", "membership", "partner_id", "user_id"}
# A list of two is what was and what is, not two things.
CHANGES = {
    Kind.PARTNER_CHANGED,
    Kind.USER_CHANGED,
    Kind.MEMBERSHIP_CHANGED,
    Kind.MEMBER_ROLE_CHANGED,
    Kind.ROLE_CHANGED,
    Kind.REASON_CHANGED,
}
# Of support's form; its own pages write lists of these.
CHANGED_BY_SUPPORT = {"is_active", "switched_off_why"}
SUBJECTS = {
    "endpoint": Fact("endpoint", _row("endpoints")),
    "invitation": Fact("invitation number"),
    "callback": Fact("callback number"),
    "rejectionreason": Fact("rejection reason number"),
}
PLACES = {name: place for place, name in enumerate(FACTS)}


def told(entry: AuditEntry, facts: Mapping[str, Any], names: Names) -> list[tuple[str, str]]:
    """What the entry is about, where that is no verification, and its facts; those that there are,
    and those that nobody has words for yet as they stand.
    """
    kind = Kind(entry.kind)
    shown = sorted(filter(facts.get, facts.keys() - UNSAID), key=_place)
    return [*_subject(entry, names), *(_fact(kind, name, facts[name], names) for name in shown)]


def _place(name: str) -> tuple[int, str]:
    return PLACES.get(name, len(PLACES)), name


def _subject(entry: AuditEntry, names: Names) -> Iterator[tuple[str, str]]:
    about, _, number = entry.subject.partition(":")
    if fact := SUBJECTS.get(about):
        yield fact.label, fact.word(number, names)


def _fact(kind: Kind, name: str, value: Any, names: Names) -> tuple[str, str]:
    fact = OF_KIND.get((kind, name)) or FACTS.get(name) or Fact(name.replace("_", " "))
    values = value if isinstance(value, list) else [value]
    words = [fact.word(str(it), names) for it in values]
    is_change = kind in CHANGES or name in CHANGED_BY_SUPPORT
    if is_change and isinstance(value, list) and len(value) == 2:
        return fact.label, " → ".join(word or "none" for word in words)
    return fact.label, ", ".join(words)
