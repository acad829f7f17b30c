"""The contract with receivers: what of a body may go out, as the strict schema says.

Knows no model and no meaning. A value that does not fit gives way to the contract's own word for
"something else", else to an empty one, else it is left out; findings are never invented to fill a
gap: a block that lacks one is left out whole. Each loss is listed, without personal data.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

SCHEMA = Path(__file__).parent.parent / "wire" / "identification-webhook.strict.schema.json"
_STRICT: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
_DEFS = _STRICT["$defs"]
_WHOLE = jsonschema_rs.validator_for(_STRICT, validate_formats=True)

Steps = tuple[str, ...]

# The contract's own word for "something else", by place.
WORDS: dict[Steps, Any] = {
    ("platform",): "OTHER",
    ("startTime",): 0,
    ("finishTime",): 0,
    ("data", "docType"): "OTHER",
    ("status", "autoFace"): "FACE_NOT_ANALYSED",
    ("status", "autoDocument"): "DOC_NOT_ANALYSED",
    ("status", "manualFace"): "FACE_NOT_ANALYSED",
    ("status", "manualDocument"): "DOC_NOT_ANALYSED",
}
EMPTY: tuple[Any, ...] = (None, "", [], {})
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class LeftOut(NamedTuple):
    """One loss on the way from the received body to the sent one; `value` only of codes."""

    path: str
    why: str
    value: str = ""


class Misfit(Exception):
    """Nothing that the contract allows can stand in this place."""


class Fitting:
    """One body on its way through the schema, and what it lost."""

    def __init__(self) -> None:
        # A dictionary for its keys: the same loss in a hundred rows is told once.
        self._losses: dict[LeftOut, None] = {}

    @property
    def left_out(self) -> list[LeftOut]:
        return list(self._losses)

    def lose(self, path: Steps, why: str, value: Any = "") -> None:
        shown = [step if step == "*" or _KEY.fullmatch(step) else "…" for step in path]
        is_code = isinstance(value, str) and _CODE.fullmatch(value)
        self._losses[LeftOut("/".join(shown), why, value if is_code else "")] = None

    def body(self, received: dict[str, Any]) -> dict[str, Any]:
        """Valid but for the house rules. Raises Misfit."""
        # A number too large for a float comes back as a word that is not JSON.
        received = json.loads(json.dumps(received), parse_constant=lambda word: None)
        fitted = self._fit_object(received, _STRICT, ())
        return {key: fitted[key] for key in _STRICT["properties"] if key in fitted}

    def _fit(self, value: Any, schema: dict[str, Any], path: Steps) -> Any:
        form = _form(schema, value)
        if isinstance(value, dict) and _takes(form, "object"):
            try:
                return self._fit_object(value, form, path)
            except Misfit:
                return self._instead(value, schema, path, "lacks what the contract demands")
        if isinstance(value, list) and _takes(form, "array"):
            return self._fit_list(value, form, path)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if _is_valid(schema, value):
            return value
        is_unknown = "enum" in form and value not in EMPTY
        why = "a code that the contract does not know" if is_unknown else "not of the agreed form"
        return self._instead(value, schema, path, why, code=value if is_unknown else "")

    def _instead(
        self, value: Any, schema: dict[str, Any], path: Steps, why: str, code: Any = ""
    ) -> Any:
        """What stands in the place of a value that does not fit."""
        if value in EMPTY:
            return _filling(schema, path)
        if path in WORDS:
            self.lose(path, f"{why}: sent as {WORDS[path]}", code)
            return WORDS[path]
        self.lose(path, why, code)
        return _filling(schema, path)

    def _fit_object(
        self, value: dict[str, Any], schema: dict[str, Any], path: Steps
    ) -> dict[str, Any]:
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        result = {}
        for key, item in value.items():
            place = (*path, key)
            try:
                if key in known:
                    result[key] = self._fit(item, known[key], place)
                else:
                    result[key] = self._fit_other(key, item, schema, others, place)
            except Misfit:
                continue
        for key in schema.get("required", ()):
            if key not in result:
                result[key] = _filling(known[key], (*path, key))
        return result

    def _fit_other(
        self, key: str, item: Any, schema: dict[str, Any], others: Any, path: Steps
    ) -> Any:
        """A key without a name in the contract: refused, welcome, or of one form for all."""
        if others is True:
            return item
        if others is False or not _is_valid(schema.get("propertyNames", {}), key):
            self.lose(path, "a key that the contract does not know")
            raise Misfit
        if not _is_valid(others, item):
            code = item if "sentUrl" not in json.dumps(others) else ""
            self.lose(path, "not of the agreed form", code)
            raise Misfit
        return item

    def _fit_list(self, value: list[Any], schema: dict[str, Any], path: Steps) -> list[Any]:
        result: list[Any] = []
        for item in value:
            try:
                fitted = self._fit_item(item, schema["items"], (*path, "*"))
            except Misfit:
                continue
            if not (schema.get("uniqueItems") and fitted in result):
                result.append(fitted)
        most = schema.get("maxItems")
        if most and len(result) > most:
            self.lose(path, f"more than {most}")
        return result[:most]

    def _fit_item(self, item: Any, schema: dict[str, Any], path: Steps) -> Any:
        """Nothing stands in for an item: a list can do without it."""
        form = _form(schema, item)
        if isinstance(item, dict) and _takes(form, "object"):
            try:
                return self._fit_object(item, form, path)
            except Misfit:
                self.lose(path, "lacks what the contract demands")
                raise
        if not _is_valid(schema, item):
            if item not in EMPTY:
                is_unknown = "enum" in form
                why = "a code that the contract does not know"
                self.lose(path, why if is_unknown else "not of the agreed form", item)
            raise Misfit
        return item


def objection(body: dict[str, Any]) -> str:
    """Where and why a body is not of the contract, without values; empty: it is."""
    for error in _WHOLE.iter_errors(body):
        return f"{'/'.join(str(step) for step in error.instance_path)}: {error.kind.name}"
    return ""


def _form(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """The schema that speaks about this value, behind references and choices."""
    if "then" in schema and isinstance(value, dict):
        return _form(schema["then"], value)
    if "anyOf" in schema:
        return _form(schema["anyOf"][0], value)
    if "$ref" in schema and "type" not in schema:
        return _form(_DEFS[schema["$ref"].rpartition("/")[2]], value)
    for branch in schema.get("allOf", ()):
        if "then" in branch and _is_valid(branch["if"], value):
            return _form(branch["then"], value)
    return schema


def _takes(schema: dict[str, Any], kind: str) -> bool:
    kinds = schema.get("type", ())
    return kind in ([kinds] if isinstance(kinds, str) else kinds)


def _filling(schema: dict[str, Any], path: Steps) -> Any:
    """The first empty value that may stand here. Raises Misfit."""
    for value in (*EMPTY, *([WORDS[path]] if path in WORDS else [])):
        if _is_valid(schema, value):
            return json.loads(json.dumps(value))
    raise Misfit


def _is_valid(schema: dict[str, Any], value: Any) -> bool:
    return _validator(json.dumps(schema)).is_valid(value)


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(
        {**json.loads(schema), "$defs": _DEFS}, validate_formats=True
    )
