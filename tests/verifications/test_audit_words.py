"""The audit log says what it knows in words; the table of them leaves nothing out."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin

from accounts import partners, rights
from accounts.models import AuditEntry, Kind, Membership, Role, User
from tests.test_architecture import MODULES
from verifications import audit_words, evidence, policy
from verifications.audit_words import Names
from verifications.models import RejectionReason, WebhookEndpoint

NOT_FACTS = {"kind", "actor", "partner", "subject", "stream", "last", "facts"}
WRITERS = {"record", "_record", "spend", "spend_export", "Move"}
NAMES = Names(
    people={5: "Mo Salim"},
    roles={2: "Member", 4: "Admin"},
    endpoints={7: "Core bank"},
    reasons={"UNDER_AGE": "The applicant is too young"},
)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Of what writes entries, by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in WRITERS:
                yield node


def _keys(tree: ast.AST) -> Iterator[str]:
    """Texts that are keys of dictionaries, written whole or one by one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys: list[Any] = node.keys
            yield from (key.value for key in keys if isinstance(key, ast.Constant))


def _written(tree: ast.Module) -> Iterator[str]:
    functions = {it.name: it for it in ast.walk(tree) if isinstance(it, ast.FunctionDef)}
    for call in _calls(tree):
        is_move = getattr(call.func, "attr", "") == "Move"
        for keyword in call.keywords:
            if keyword.arg == "facts" or keyword.arg is None:
                yield from _keys(keyword.value)
                if isinstance(keyword.value, ast.Call):
                    yield from _keys(functions.get(getattr(keyword.value.func, "id", ""), tree))
            elif not is_move:
                yield keyword.arg
        for argument in call.args:
            yield from _keys(argument)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.Assign) and "facts" in ast.unparse(
            node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        ):
            yield from _keys(node)
            yield from (it.value for it in _subscripts(node) if isinstance(it.value, str))


def _subscripts(node: ast.AST) -> Iterator[ast.Constant]:
    for it in ast.walk(node):
        if isinstance(it, ast.Subscript) and isinstance(it.slice, ast.Constant):
            yield it.slice


# Whose forms write what they change; partners and the rights of support's own go another way.
ADMINS = [
    admin.site._registry[it] for it in (User, Membership, Role, RejectionReason, WebhookEndpoint)
]


def _of_forms() -> set[str]:
    written: set[str] = set()
    for one in ADMINS:
        known = {field.name: field for field in one.model._meta.get_fields()}
        asked = {name for name in (*(one.fields or ()), "role") if name in known}
        written |= {getattr(known[it], "attname", it) for it in asked - {*one.readonly_fields}}
    return written


WRITTEN = {
    name
    for module, tree in MODULES.items()
    if not module.startswith(("verifications.audit_words", "verifications.demo"))
    for name in _written(tree)
} - NOT_FACTS


def test_the_writers_are_found() -> None:
    assert {
        "reasons",
        "disposal",
        "operator",
        "host",
        "means",
        "rule",
        "callback",
        "why",
    } <= WRITTEN


@pytest.mark.parametrize("name", sorted(WRITTEN | set(partners.FIELDS) | _of_forms()))
def test_every_fact_has_a_name(name: str) -> None:
    assert name in audit_words.FACTS or name in audit_words.UNSAID


def test_no_name_is_left_of_a_fact_that_nobody_writes() -> None:
    written = WRITTEN | set(partners.FIELDS) | _of_forms()
    assert audit_words.FACTS.keys() - written == set()


def test_every_kind_has_words_of_its_own() -> None:
    automatic = {it for it in Kind if it.label == it.name.replace("_", " ").title()}
    assert automatic == {Kind.APPROVED, Kind.DENIED}


def test_every_rule_that_refuses_has_words() -> None:
    rules = {rule.__name__ for rules in policy.RULES.values() for rule in rules}
    assert audit_words.RULES.keys() == rules


def test_every_right_and_every_picture_has_words() -> None:
    assert audit_words.RIGHTS.keys() == set(rights.Rights.__dataclass_fields__)
    assert audit_words.PICTURES.keys() == evidence.LABELS.keys()


def told(kind: Kind, subject: str = "verification:x", **facts: Any) -> list[tuple[str, str]]:
    return audit_words.told(AuditEntry(kind=kind, subject=subject), facts, NAMES)


SAID: list[tuple[Kind, dict[str, Any], list[tuple[str, str]]]] = [
    (Kind.DISPOSED, {"disposal": "partner_request"}, [("why", "The partner asked for it")]),
    (Kind.DISPOSED, {"operator": "root"}, [("by command on the server, as", "root")]),
    (
        Kind.DENIED,
        {"reasons": ["UNDER_AGE"]},
        [("reasons", "The applicant is too young (UNDER_AGE)")],
    ),
    (Kind.DENIED, {"reasons": ["OURS"]}, [("reasons", "OURS")]),
    (Kind.HELD, {"reason": "dispute"}, [("reason", "A dispute or a complaint")]),
    (Kind.RELEASED, {"reason": "closed"}, [("reason", "The matter is closed")]),
    (Kind.PARTNER_CHANGED, {"reason": "investigation"}, [("reason", "investigation")]),
    (Kind.PARTNER_CHANGED, {"may_deny": ["True", "False"]}, [("denying by hand", "on → off")]),
    (
        Kind.PARTNER_CHANGED,
        {"pricing_model": ["CHARGE_PER_COMPLETED", "CHARGE_PER_APPROVED"]},
        [("pricing model", "Charge Per Completed → Charge Per Approved")],
    ),
    (Kind.MEMBERSHIP_CHANGED, {"role_id": ["2", "4"]}, [("role", "Member → Admin")]),
    (Kind.MEMBERSHIP_CHANGED, {"role_id": ["", "9"]}, [("role", "none → number 9")]),
    (Kind.MEMBERSHIP_CHANGED, {"partner_id": ["", "1"], "user": 5}, [("user", "Mo Salim")]),
    (Kind.MEMBER_ROLE_CHANGED, {"role": ["Member", "Viewer"]}, [("role", "Member → Viewer")]),
    (Kind.ENDPOINT_CHANGED, {"is_active": ["True", "False"]}, [("active", "yes → no")]),
    (Kind.ENDPOINT_CHANGED, {"what": "key rotated"}, [("was", "given a new key")]),
    (Kind.ENDPOINT_CHANGED, {"changed": ["name", "address"]}, [("what is new", "name, address")]),
    (
        Kind.ENDPOINT_CHANGED,
        {"former_key_until": "2026-11-29T07:40:50+00:00"},
        [("former key signs along until", "29 Nov 2026, 07:40:50 UTC")],
    ),
    (Kind.TAG_REMOVED, {"tag": "NAME"}, [("tag", "First name differs (NAME)")]),
    (Kind.VIEWED, {"photos": ["FRONT", "UTILITY"]}, [("photos", "document front, UTILITY")]),
    (Kind.VIEWED, {"photos": [], "revealed": False}, []),
    (Kind.VIEWED, {"revealed": True}, [("hidden values shown", "yes")]),
    (
        Kind.REFUSED,
        {"action": "deny", "rule": "role_is_admin"},
        [("action", "Deny"), ("because", "is no Admin (role_is_admin)")],
    ),
    (Kind.DELIVERY_RESENT, {"endpoint": "endpoint:7"}, [("endpoint", "Core bank")]),
    (Kind.REPORT_FAILED, {"entry": 12345}, []),
    (
        Kind.LIST_EXPORTED,
        {"filters": ["status=DENIED", "decided_by=5", "q"]},
        [("filtered by", "status Denied, decided by Mo Salim, search")],
    ),
    (Kind.LOG_EXPORTED, {"filters": ["from_"]}, [("filtered by", "from")]),
    (
        Kind.RIGHTS_PROPOSED,
        {"rights": ["is_staff"], "proposer": 5},
        [("rights", "support"), ("proposed by", "Mo Salim")],
    ),
    (Kind.NOTED, {"never_seen": "as_it_is"}, [("never seen", "as_it_is")]),
]


@pytest.mark.parametrize(("kind", "facts", "said"), SAID)
def test_facts_are_said_in_words(kind: Kind, facts: dict, said: list) -> None:
    assert told(kind, **facts) == said


def test_what_changed_comes_first_and_long_numbers_last() -> None:
    facts = {"decision": "82d9", "from": "Approved", "reasons": [], "revision": 5, "to": "Denied"}
    names = [name for name, _ in told(Kind.DENIED, **facts)]
    assert names == ["from", "to", "revision", "decision"]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("endpoint:7", [("endpoint", "Core bank")]),
        ("endpoint:8", [("endpoint", "number 8")]),
        ("invitation:3", [("invitation number", "3")]),
        ("partner:northbank", []),
    ],
)
def test_it_says_what_it_is_about(subject: str, said: list) -> None:
    assert told(Kind.ENDPOINT_CHANGED, subject) == said
