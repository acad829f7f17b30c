"""The wire's codes in words. Codes never seen before stand for themselves."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "wire" / "codes.json"
COUNTRIES = Path(__file__).parent / "countries.json"


class Code(NamedTuple):
    code: str
    label: str
    meaning: str
    group: str


@cache
def families() -> dict[str, dict[str, Code]]:
    """By family ("face", "document", "fraud_tag", "country" …) and code."""
    countries = json.loads(COUNTRIES.read_text(encoding="utf-8"))
    return {
        "country": {code: Code(code, name, "", "") for code, name in countries.items()},
        **{
            name: {
                entry["code"]: Code(
                    entry["code"], entry["label"], entry["meaning"], entry.get("group", "")
                )
                for entry in family["codes"]
            }
            for name, family in json.loads(FILE.read_text(encoding="utf-8"))["families"].items()
        },
    }


@cache
def _all() -> dict[str, Code]:
    return {code.code: code for family in families().values() for code in family.values()}


def find(code: str, family: str = "") -> Code:
    """In its family first: AUTO_UNVERIFIABLE means something in several."""
    known = families().get(family, {}).get(code) or _all().get(code)
    return known or Code(code, code, "", "")
