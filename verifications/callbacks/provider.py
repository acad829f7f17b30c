"""The provider's dialect: how its bodies are signed, read and put into our words.

Knows no model. The checks and their order are those of the wire format's table of bad bodies.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import jsonschema_rs

from verifications.statuses import SUSPECTED, WORDS, Standing, Status

LARGEST_BODY = 2 * 1024 * 1024
DEEPEST = 32
SCAN_REF = re.compile(r"[A-Za-z0-9_-]{1,36}")
WIRE = Path(__file__).parent.parent / "wire"
EVENTS = (
    "IDENTIFICATION",
    "IDENTIFICATION_AUTO_FINISHED",
    "IDENTIFICATION_MANUAL_FINISHED",
    "IDENTIFICATION_EXPIRED",
    "IDENTIFICATION_CANCELLED",
    "IDENTIFICATION_RESUBMITTED",
)
EXPIRATION = "DOCUMENT_EXPIRATION"
RESUBMITTED = "IDENTIFICATION_RESUBMITTED"
OK_FACES = frozenset({"FACE_MATCH", "FACE_NOT_CHECKED"})
OK_DOCUMENTS = frozenset({"DOC_VALIDATED"})


def _schema(name: str) -> dict[str, Any]:
    return json.loads((WIRE / name).read_text(encoding="utf-8"))


_IDENTIFICATION = jsonschema_rs.validator_for(_schema("identification-webhook.lenient.schema.json"))
_expiration = _schema("document-expiration.schema.json")
_EXPIRATION = jsonschema_rs.validator_for(
    {**_expiration["$defs"]["received"], "$defs": _expiration["$defs"]}
)


class Unreadable(Exception):
    """A rightly signed body that we refuse: at which stage, and what was wrong, without values."""

    def __init__(self, stage: str, problem: str = "", scan_ref: str = "") -> None:
        super().__init__(f"{stage}: {problem}")
        self.stage, self.problem, self.scan_ref = stage, problem, scan_ref


def signature(key: str, raw: bytes) -> str:
    """Lowercase hex HMAC-SHA256 of the raw body, as the provider documents it."""
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()


def signature_matches(key: str, raw: bytes, given: str) -> bool:
    return hmac.compare_digest(signature(key, raw).encode(), given.encode())


def event_of(header: str) -> str:
    """The header is not signed: what we do not know counts as IDENTIFICATION."""
    return header if header in (*EVENTS, EXPIRATION) else "IDENTIFICATION"


def read(raw: bytes, event: str) -> dict[str, Any]:
    """The body as a dictionary. Raises Unreadable at the first stage that fails."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("decode", "not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Unreadable("decode", "byte-order mark")
    _refuse_depth(text)
    body = _parse(text)
    if _HALF.search(text):
        _refuse_unwritable(body)
    validator = _EXPIRATION if event == EXPIRATION else _IDENTIFICATION
    for error in validator.iter_errors(body):
        path = "/".join(_plain(step) for step in error.instance_path)
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        raise Unreadable("schema", f"{path or '(root)'}: {keyword}"[:200], _scan_ref(body))
    return body


def _scan_ref(body: Any) -> str:
    """Of a body that is not of the agreed form: where it can be one, it most likely is."""
    told = body.get("scanRef") if isinstance(body, dict) else None
    return told if isinstance(told, str) and SCAN_REF.fullmatch(told) else ""


def _plain(step: str | int) -> str:
    """A key of the body is anything, NUL too, which no column of PostgreSQL can hold."""
    return re.sub(r"[^A-Za-z0-9_.-]", "?", str(step))


# One that never ends is taken to the end of the text; possessive, so that no text costs more than
# one walk through it.
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for sign in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if sign[0] in "[{" else -1
        if depth > DEEPEST:
            raise Unreadable("depth", f"more than {DEEPEST} levels")


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_not_json)
    except (ValueError, RecursionError):
        # The parser's own message quotes the text: personal data.
        raise Unreadable("parse", "not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unreadable("parse", "a key stands twice")
    return result


def _not_json(constant: str) -> NoReturn:
    raise Unreadable("parse", "NaN or Infinity")


# Only what is escaped can be one.
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_unwritable(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unreadable("text", "half of a surrogate pair") from None


@dataclass(frozen=True, kw_only=True)
class Received:
    """One IDENTIFICATION* body in our words: what the columns of a verification hold."""

    scan_ref: str
    client_id: str
    external_ref: str
    name: str
    original_name: str
    overall: str
    standing: Standing | None
    is_final: bool
    auto_face: str
    auto_document: str
    manual_face: str
    manual_document: str
    deny_reasons: list[str]
    mismatch_tags: list[str]
    fraud_tags: list[str]
    token_type: str
    platform: str
    document_type: str
    document_country: str
    document_number: str
    document_expires_on: date | None
    started_at: datetime | None
    finished_at: datetime | None
    photos: dict[str, str]


def identification(body: dict[str, Any]) -> Received:
    status, data = body["status"], body.get("data") or {}
    face, document = _text(status, "autoFace"), _text(status, "autoDocument")
    # Empty until a person has looked; shown and sent as the machine's, then.
    manual_face = _text(status, "manualFace") or face
    manual_document = _text(status, "manualDocument") or document
    files = {kind: url for kind, url in (body.get("fileUrls") or {}).items() if kind}
    document_only = face == "FACE_NOT_CHECKED"
    return Received(
        scan_ref=body["scanRef"],
        client_id=body["clientId"],
        external_ref=_text(body, "externalRef"),
        name=_name(data),
        original_name=" ".join(
            part for part in (_text(data, "orgFirstName"), _text(data, "orgLastName")) if part
        ),
        overall=status["overall"],
        standing=_standing(status["overall"], manual_face, manual_document),
        is_final=bool(body.get("final")),
        auto_face=face,
        auto_document=document,
        manual_face=manual_face,
        manual_document=manual_document,
        deny_reasons=_codes(status, "denyReasons"),
        mismatch_tags=_codes(status, "mismatchTags"),
        fraud_tags=_codes(status, "fraudTags"),
        token_type="DOCUMENT" if document_only else "IDENTIFICATION",  # noqa: S106
        platform=_text(body, "platform"),
        document_type=_text(data, "docType"),
        document_country=_text(data, "docIssuingCountry"),
        document_number=_text(data, "docNumber"),
        document_expires_on=_day(data.get("docExpiry")),
        started_at=_moment(body.get("startTime")),
        finished_at=_moment(body.get("finishTime")),
        photos={kind: url for kind, url in files.items() if url},
    )


def _standing(overall: str, face: str, document: str) -> Standing | None:
    """None for a word that we do not know: nothing is decided by a guess."""
    if overall == SUSPECTED:
        passed = face in OK_FACES and document in OK_DOCUMENTS
        return Standing(Status.APPROVED if passed else Status.DENIED, True)
    status = WORDS.get(overall)
    return Standing(status, False) if status else None


def _text(mapping: dict[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _codes(mapping: dict[str, Any], key: str) -> list[str]:
    return list(dict.fromkeys(code for code in mapping.get(key) or [] if code))


def _name(data: dict[str, Any]) -> str:
    parts = [_text(data, "docFirstName"), _text(data, "docLastName")]
    return (" ".join(part for part in parts if part) or _text(data, "fullName"))[:255]


def _moment(seconds: float | None) -> datetime | None:
    """Unix seconds; the last day of the calendar is left out, for no time zone can show it."""
    if seconds is None or seconds > 253_402_214_400:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None


def is_usable_link(address: str) -> bool:
    """Whether a link may be tried at all; where it leads is checked again when it is fetched."""
    try:
        parts = urlsplit(address)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        return False
