"""What a partner is told: a body of the strict schema, made from the one that came in.

Knows no model. The schema itself decides what may go out: what it refuses is mapped where the
contract has a word for it, else emptied, else left out, and each such change is listed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

from verifications.statuses import SUSPECTED, WIRE, Standing, Status

SCHEMA = Path(__file__).parent.parent / "wire" / "identification-webhook.strict.schema.json"
_schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
_STRICT = jsonschema_rs.validator_for(_schema, validate_formats=True)
_ORDER = list(_schema["properties"])
MOST_CHANGES = 500

Path_ = tuple[str | int, ...]

# The contract's own word for "something else", by place.
MAPPED: dict[Path_, str] = {
    ("platform",): "OTHER",
    ("data", "docType"): "OTHER",
    ("status", "autoFace"): "FACE_NOT_ANALYSED",
    ("status", "autoDocument"): "DOC_NOT_ANALYSED",
    ("status", "manualFace"): "FACE_NOT_ANALYSED",
    ("status", "manualDocument"): "DOC_NOT_ANALYSED",
}
# An approval rests on a passed document and face: what stands there where none was told.
PASSED = {"manualFace": "FACE_NOT_CHECKED", "manualDocument": "DOC_VALIDATED"}
EMPTY: tuple[Any, ...] = (None, "", [], {}, False, 0)
UNTOLD_SUSPICION = "AUTO_UNVERIFIABLE"


class LeftOut(NamedTuple):
    """One thing of the received body that does not go out as it came; `value` only of codes."""

    path: str
    why: str
    value: str = ""


class Unsendable(Exception):
    """No body of the contract can be made from what came in."""


class Outcome(NamedTuple):
    """What is true of the verification now, whatever the received body said."""

    standing: Standing
    is_final: bool
    auto_face: str
    auto_document: str
    manual_face: str
    manual_document: str
    deny_reasons: Sequence[str]
    mismatch_tags: Sequence[str]
    fraud_tags: Sequence[str]


def identification(
    received: Mapping[str, Any], outcome: Outcome, message_to_applicant: str = ""
) -> tuple[dict[str, Any], list[LeftOut]]:
    """The body, valid under the strict schema, and what was left out of it. Raises Unsendable."""
    body = json.loads(json.dumps(received))
    left_out: list[LeftOut] = []
    body["final"] = outcome.is_final and outcome.standing.status not in _OPEN
    body["status"] = _status(body.get("status") or {}, outcome, left_out)
    body["data"] = body.get("data") or {}
    if body.get("fileUrls"):
        left_out.append(LeftOut("fileUrls", "photos are not sent; their links have run out"))
    body["fileUrls"] = {}
    if message_to_applicant:
        body["messageToApplicant"] = message_to_applicant
    _fit(body, left_out)
    return {key: body[key] for key in _ORDER if key in body}, left_out


_OPEN = (Status.ACTIVE, Status.REVIEWING)


def _status(received: dict[str, Any], outcome: Outcome, left_out: list[LeftOut]) -> dict[str, Any]:
    status, suspected = outcome.standing
    word = WIRE.get(status, status.value)
    overall = SUSPECTED if suspected and status == Status.APPROVED else word
    told = received | {
        "overall": overall,
        "autoFace": outcome.auto_face,
        "autoDocument": outcome.auto_document,
        "manualFace": outcome.manual_face,
        "manualDocument": outcome.manual_document,
        "mismatchTags": _known(outcome.mismatch_tags, "mismatchTags", left_out),
        "fraudTags": _known(outcome.fraud_tags, "fraudTags", left_out),
    }
    told.pop("denyReasons", None)
    if status == Status.DENIED and outcome.deny_reasons:
        told["denyReasons"] = list(outcome.deny_reasons)
    if overall == SUSPECTED and not told["mismatchTags"] and not told["fraudTags"]:
        told["fraudTags"] = [UNTOLD_SUSPICION]
    if overall in (SUSPECTED, Status.APPROVED):
        told |= {key: code for key, code in PASSED.items() if not _passes(key, told[key])}
    return told


def _passes(key: str, code: str) -> bool:
    return code in {"manualFace": ("FACE_MATCH", "FACE_NOT_CHECKED")}.get(key, ("DOC_VALIDATED",))


_TAGS = {
    "mismatchTags": frozenset(_schema["$defs"]["InfoMismatchEnum"]["enum"]),
    "fraudTags": frozenset(_schema["$defs"]["FraudTagsEnum"]["enum"]),
}


def _known(tags: Sequence[str], key: str, left_out: list[LeftOut]) -> list[str]:
    for tag in tags:
        if tag not in _TAGS[key]:
            left_out.append(LeftOut(f"status/{key}", "a tag that the contract does not know", tag))
    return [tag for tag in tags if tag in _TAGS[key]]


def _fit(body: dict[str, Any], left_out: list[LeftOut]) -> None:
    for _ in range(MOST_CHANGES):
        error = next(iter(_STRICT.iter_errors(body)), None)
        if error is None:
            return
        _mend(body, error, left_out)
    raise Unsendable("no body of the contract can be made from what came in")


def _mend(body: dict[str, Any], error: Any, left_out: list[LeftOut]) -> None:
    path: Path_ = tuple(error.instance_path)
    here = _at(body, path)
    if error.kind.name == "additionalProperties":
        for key in error.kind.unexpected:
            del here[key]
            left_out.append(LeftOut(_name((*path, key)), "a key that the contract does not know"))
    elif error.kind.name == "required":
        key = error.kind.as_dict()["property"]
        here[key] = None
        _replace(body, (*path, key))
    elif not path:
        raise Unsendable("the body as a whole does not fit")
    else:
        if here not in EMPTY:
            left_out.append(_told(path, error, here))
        _replace(body, path)


def _told(path: Path_, error: Any, value: Any) -> LeftOut:
    is_code = error.kind.name in ("enum", "anyOf") and isinstance(value, str)
    shown = value if is_code and re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", value) else ""
    mapped = MAPPED.get(path)
    why = f"sent as {mapped}" if mapped else "not of the contract's form"
    return LeftOut(_name(path), why, shown)


def _replace(body: dict[str, Any], path: Path_) -> None:
    """The first empty value that fits there; else the place itself goes."""
    parent, last = _at(body, path[:-1]), path[-1]
    if isinstance(parent, list):
        del parent[last]  # type: ignore[arg-type]
        return
    for value in (MAPPED[path],) if path in MAPPED else EMPTY:
        parent[last] = value
        if not any(tuple(e.instance_path)[: len(path)] == path for e in _STRICT.iter_errors(body)):
            return
    if len(path) > 1:
        _replace(body, path[:-1])
    else:
        del parent[last]


def _at(body: Any, path: Path_) -> Any:
    for step in path:
        body = body[step]
    return body


def _name(path: Path_) -> str:
    return "/".join(str(step) for step in path)
