"""What stays hidden until somebody asks: document number, personal code and address.

By its key, and by its value: a register or a machine-readable zone repeats it under other names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HIDDEN = "Hidden"
KEYS = re.compile(
    r"address|street|postal|^zip|^city$|mrz|ssn|id.?num"
    r"|(doc|document|personal|person).?(number|code)",
    re.IGNORECASE,
)
# What is said of a value is not the value.
VERDICTS = re.compile(r"(status|match|quality|accuracy)$", re.IGNORECASE)
SOURCES = (
    *("docNumber", "docPersonalCode", "address", "docTemporaryAddress"),
    *("orgAddress", "orgTemporaryAddress", "manualAddress"),
)
SHORTEST = 5


def _plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


@dataclass(frozen=True)
class Mask:
    values: frozenset[str]
    is_lifted: bool

    def hides(self, key: str, text: str, *, by_parent: bool = False) -> bool:
        if self.is_lifted or not text or VERDICTS.search(key):
            return False
        plain = _plain(text)
        named = by_parent or bool(KEYS.search(key))
        return named or any(value in plain for value in self.values)


def mask(body: Mapping[str, Any], *, is_lifted: bool) -> Mask:
    told = body.get("data") or {}
    texts = [place.get(key) for place in (told, body) for key in SOURCES]
    values = {_plain(text) for text in texts if isinstance(text, str)}
    return Mask(frozenset(value for value in values if len(value) >= SHORTEST), is_lifted)
