"""Whatever JSON the provider puts into a block, as groups of facts to read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from verifications import codes
from verifications.dossier import fields
from verifications.dossier.masking import HIDDEN, Mask

Families = tuple[str, ...]

# Which codes a key holds. What is found in none of its families is shown as it came.
FAMILIES: dict[str, Families] = {
    "overallStatus": ("screening_result", "aml_class"),
    "serviceName": ("aml_service", "lid_service"),
    "serviceGroupType": ("screening_group",),
    "suspicion": ("aml_suspicion",),
    "documentType": ("doc_type",),
    "gender": ("sex",),
    "riskLevel": ("risk_level",),
    "quality": ("address_quality",),
    "country": ("country",),
    "resourceType": ("registry_type",),
    "noMatchReason": ("bank_card_reason",),
    "suspicionReasons": ("suspicion_reason",),
    **dict.fromkeys(
        ("amlResultClass", "pepsStatus", "sanctionsStatus", "adverseMediaStatus"), ("aml_class",)
    ),
    "status": ("registry_match", "address_status", "bank_card_status", "additional_step_result"),
}
TONES = {"ok": "tone-good", "clear": "tone-good", "bad": "tone-bad", "hit": "tone-bad"}
TONES |= {"partial": "tone-warn"}
EMPTY: tuple[Any, ...] = (None, "", [], {})


class Said(NamedTuple):
    """What a check said of something: words, tone, and the code behind them."""

    text: str
    tone: str
    code: str = ""


@dataclass(frozen=True)
class Fact:
    label: str
    value: str
    code: str = ""
    is_masked: bool = False
    said: Said | None = None


@dataclass
class Group:
    title: str = ""
    said: Said | None = None
    facts: list[Fact] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """Reads the JSON of one block; `families` are the codes that all its values may be of."""

    mask: Mask
    families: Families = ()

    def groups(self, value: Any, title: str = "", *, hides: bool = False) -> Iterator[Group]:
        """One for each mapping that holds facts. `hides`: by the key above, all of it is hidden."""
        if isinstance(value, list):
            for number, item in enumerate(value, 1):
                name = f"{title} {number}".strip() if len(value) > 1 else title
                yield from self.groups(item, _service(item) or name, hides=hides)
        elif isinstance(value, dict):
            yield from self._of_mapping(value, title, hides)
        elif value not in EMPTY:
            yield Group(facts=[self.fact(title or "Value", value, hides=hides)])

    def _of_mapping(self, value: dict[str, Any], title: str, hides: bool) -> Iterator[Group]:
        here = Group(title, _overall(value))
        inner: list[Group] = []
        for key, item in value.items():
            if item in EMPTY or _tells_of_another(key, value):
                continue
            if key == "status" and isinstance(item, dict):
                flags = {name: flag for name, flag in item.items() if name != "overallStatus"}
                here.facts += [fact for group in self.groups(flags) for fact in group.facts]
            elif _is_judged(item):
                said = _verdict(item.get("status"))
                here.facts.append(self.fact(key, item.get("value"), said, hides=hides))
            elif _is_nested(item):
                below = hides or self.mask.hides(key, "…")
                name = f"{title}, {spaced(key).lower()}" if title else spaced(key)
                inner += self.groups(item, name, hides=below)
            else:
                said = _verdict(value.get(f"{key}Status", value.get(f"{key}Match")))
                here.facts.append(self.fact(key, item, said, hides=hides))
        if here.facts or here.said:
            yield here
        yield from inner

    def fact(self, key: str, item: Any, said: Said | None = None, *, hides: bool = False) -> Fact:
        text = _text(item)
        if self.mask.hides(key, text, by_parent=hides):
            return Fact(spaced(key), HIDDEN, is_masked=True, said=said)
        families = self.families or FAMILIES.get(key, ())
        is_words = isinstance(item, str | list)
        words = (
            ", ".join(_code(part, families).label for part in _parts(item)) if is_words else text
        )
        has_code = bool(families) and words != text
        return Fact(spaced(key), words, code=text if has_code else "", said=said)


def _is_nested(item: Any) -> bool:
    if isinstance(item, list):
        return any(isinstance(part, dict | list) for part in item)
    return isinstance(item, dict)


def _is_judged(item: Any) -> bool:
    """A value with what was said of it: {"value": …, "status": "MATCH"}."""
    return isinstance(item, dict) and item.keys() == {"value", "status"}


def _service(item: Any) -> str:
    name = item.get("serviceName") if isinstance(item, dict) else None
    return _code(name, FAMILIES["serviceName"]).label if isinstance(name, str) else ""


def _overall(value: Mapping[str, Any]) -> Said | None:
    status = value.get("status")
    if not isinstance(status, dict):
        return None
    return _verdict(status.get("overallStatus"), "overallStatus")


def _tells_of_another(key: str, value: Mapping[str, Any]) -> bool:
    """`nameMatch` and `zipStatus` say something of `name` and `zip`: shown with them."""
    about = re.sub(r"(Status|Match)$", "", key)
    return about != key and value.get(about) not in EMPTY


def _verdict(verdict: Any, key: str = "status") -> Said | None:
    if isinstance(verdict, bool):
        return Said("Match", "tone-good") if verdict else Said("No match", "tone-bad")
    if not isinstance(verdict, str) or not verdict:
        return None
    known = _code(verdict, FAMILIES[key])
    return Said(known.label, TONES.get(known.group, "tone-idle"), verdict)


def _code(code: str, families: Families) -> codes.Code:
    """Of these families only: an answer that looks like a code of another stays an answer."""
    found = (codes.families().get(family, {}).get(code) for family in families)
    return next((one for one in found if one), codes.Code(code, fields.day(code), "", ""))


def _parts(item: str | list[Any]) -> list[str]:
    return [item] if isinstance(item, str) else [_text(part) for part in item if part is not None]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_parts(value))
    return "" if value is None else str(value)


def spaced(key: str) -> str:
    """riskScore → Risk score, UTILITY_BILL → Utility bill; sentences and numbers stay."""
    if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[A-Z]{5,}", key):
        return key.replace("_", " ").capitalize()
    if not re.fullmatch(r"[a-z][A-Za-z0-9]*", key):
        return key
    words = re.sub(r"(?<=[a-z0-9])([A-Z])", r" \1", key).lower()
    return words[:1].upper() + words[1:]
