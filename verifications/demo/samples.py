"""The sample bodies of the wire format: by number or file name, with the event of each."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from verifications.callbacks import provider

FOLDER = provider.WIRE / "samples"
USUAL = "IDENTIFICATION_AUTO_FINISHED"
EVENTS = {
    "05": "IDENTIFICATION_EXPIRED",
    "06": "IDENTIFICATION_CANCELLED",
    "14": "IDENTIFICATION_MANUAL_FINISHED",
    "15": "IDENTIFICATION_MANUAL_FINISHED",
    "21": "IDENTIFICATION",
    "22": "IDENTIFICATION_RESUBMITTED",
    "24": provider.EXPIRATION,
}


def find(name: str) -> Path:
    """A file, or one of the samples by the start of its name. Raises FileNotFoundError."""
    path = Path(name)
    if path.is_file():
        return path
    matches = [sample for sample in sorted(FOLDER.glob("*.json")) if sample.name.startswith(name)]
    if not name or len(matches) != 1:
        raise FileNotFoundError(f"{name}: neither a file nor the start of one sample's name")
    return matches[0]


def event_of(path: Path) -> str:
    """What the provider would call it: known of samples; of other files the oldest event."""
    is_sample = (FOLDER / path.name).is_file()
    return EVENTS.get(path.name[:2], USUAL) if is_sample else "IDENTIFICATION"


def body(number: str) -> dict[str, Any]:
    """A copy of a sample, free to be changed."""
    return json.loads(_text(number))


@cache
def _text(number: str) -> str:
    return find(number).read_text(encoding="utf-8")
