"""What is wrong with a verification, in four cells under its name."""

from dataclasses import dataclass

from verifications import codes, dossier
from verifications.models import ReviewType, Tag, Verification


@dataclass(frozen=True)
class Answer:
    """One of the four cells under the name: what is wrong, and where to read on."""

    label: str
    text: str
    tone: str
    anchor: str


def answers(it: Verification, told: dossier.Dossier, tags: list[Tag]) -> list[Answer]:
    document = _finding("Document", _spoken(it, it.auto_document, it.manual_document), "document")
    face = _finding("Face", _spoken(it, it.auto_face, it.manual_face), "face")
    # Where nothing was checked, that nothing was found says nothing good.
    fine = "tone-idle" if document.tone == face.tone == "tone-idle" else "tone-good"
    return [document, face, _data(told, fine), _raised(it, tags, fine)]


def _data(told: dossier.Dossier, fine: str) -> Answer:
    tone = fine if told.fields else "tone-idle"
    differs = told.differing or told.differs_somewhere
    return Answer("Data", told.difference, "tone-warn" if differs else tone, "data")


def _raised(it: Verification, tags: list[Tag], fine: str) -> Answer:
    standing = [tag for tag in tags if not tag.removed_at]
    labels = [codes.find(tag.code, tag.wire_family).label for tag in standing]
    more = f" and {len(labels) - 2} more" if len(labels) > 2 else ""
    nothing = "Suspected without a tag" if it.suspected else "None"
    tone = "tone-warn" if labels or it.suspected else fine
    return Answer("Tags", (", ".join(labels[:2]) + more) or nothing, tone, "tags")


def _spoken(it: Verification, automatic: str, manual: str) -> str:
    return manual if it.review_type == ReviewType.MANUAL else automatic


def _finding(label: str, code: str, family: str) -> Answer:
    found = codes.find(code, family)
    tone = {"ok": "tone-good", "process": "tone-idle", "": "tone-idle"}.get(found.group, "tone-bad")
    return Answer(label, found.label or "Not told", tone, "findings")
