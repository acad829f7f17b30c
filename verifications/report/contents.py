"""What a report says of one verification: what its page says, less what stays in the house.

Pictures, internal notes, and hidden values stay. A file that was handed on is out of reach of every
rule here: it cannot be masked, disposed of, or told from a copy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from verifications import looks, timeline
from verifications.detail import Detail
from verifications.dossier import blocks, fields, groups
from verifications.models import PhotoState, ReviewType, Tag, Verification
from verifications.statuses import Action

# Of a list, before it says how many more there are.
MOST_EVENTS, MOST_FACTS, MOST_ROWS = 300, 500, 100
ORIGINALS = ("docFirstName", "docLastName")
# Said of the applicant with the request, in the body.
SENT = {
    "company_id": ("companyId",),
    "beneficiary_id": ("beneficiaryId",),
    "ip": ("clientIp",),
    "location": ("clientLocation",),
    "ip_country": ("clientIpCountry",),
}

Content = dict[str, Any]


@dataclass(frozen=True)
class Taking:
    """`mark` is the letters that lead back to its entry in the audit log."""

    user: User
    role: str
    at: datetime
    mark: str


def of(page: Detail, taking: Taking) -> Content:
    it = page.verification
    return {
        "taking": _taking(taking),
        "it": _head(page),
        "answers": [
            {"label": one.label, "text": one.text, "tone": one.tone} for one in page.answers
        ],
        "findings": list(_findings(page)),
        "reasons": [_coded(page.reason_labels.get(code), code) for code in it.deny_reasons],
        "duplicates": [one.scan_ref for one in page.duplicates],
        **_most("tags", [_tag(tag) for tag in page.tags], MOST_ROWS),
        "decisions": [_decision(event) for event in page.events if event.decision],
        "fields": [_field(page, field) for field in page.dossier.fields],
        "difference": page.dossier.difference,
        "was_corrected": page.dossier.was_corrected,
        "differs_somewhere": page.dossier.differs_somewhere,
        **_most("photos", [_photo(shot.label, shot.photo) for shot in page.shots], MOST_ROWS),
        "about": _about(page),
        **_most("events", [_event(event) for event in page.events], MOST_EVENTS),
        "notes": len(page.notes),
        "keeping": _keeping(page),
        # Last, so that whatever came in is cut before all else.
        **_blocks(page.dossier.blocks),
    }


def _most(name: str, rows: Sequence[Any], most: int) -> Content:
    return {name: list(rows[:most]), f"{name}_left_out": max(0, len(rows) - most)}


def _taking(taking: Taking) -> Content:
    return {
        "who": str(taking.user),
        "email": taking.user.email,
        "role": taking.role,
        "at": _moment(taking.at),
        "mark": taking.mark,
    }


def _head(page: Detail) -> Content:
    it = page.verification
    originals = [one.original for one in page.dossier.fields if one.key in ORIGINALS]
    original = " ".join(filter(None, originals))
    return {
        "partner": it.partner.name,
        "name": it.name,
        "original": original if original.casefold() != it.name.casefold() else "",
        "scan_ref": it.scan_ref,
        "client_id": it.client_id,
        "external_ref": it.external_ref,
        "status": str(it.get_status_display()),
        "tone": looks.tone(it.status),
        "suspected": it.suspected,
        "final": it.is_final,
        "revision": str(it.revision),
        "started": _moment(it.started_at),
        "finished": _moment(it.finished_at) if it.finished_at else "",
        "has_new_data": it.has_new_data,
        "is_shut": page.is_shut,
        "hides": page.dossier.hides,
    }


def _moment(at: datetime) -> str:
    return f"{looks.exact(at)} UTC"


def _coded(label: str | None, code: str, family: str = "") -> Content:
    """In words, and the code where it says something else."""
    words = label or looks.label(code, family)
    return {"label": words, "code": code if code != words else ""}


def _found(code: str, family: str) -> Content:
    return {
        **_coded(None, code, family),
        "meaning": looks.meaning(code, family) if code else "",
        "tone": looks.finding_tone(code, family),
    }


def _findings(page: Detail) -> Iterator[Content]:
    it = page.verification
    is_manual = it.review_type == ReviewType.MANUAL
    for check, automatic, manual in (
        ("document", it.auto_document, it.manual_document),
        ("face", it.auto_face, it.manual_face),
    ):
        yield {
            "check": check,
            "automatic": _found(automatic, check),
            "manual": _found(manual, check) if is_manual else None,
        }
    if steps := page.sent("status", "additionalSteps"):
        found = _found(str(steps), "additional_step_result")
        yield {"check": "steps", "automatic": found, "manual": None}


def _tag(tag: Tag) -> Content:
    return {
        **_coded(None, tag.code, tag.wire_family),
        "meaning": looks.meaning(tag.code, tag.wire_family),
        "kind": tag.kind,
        "removed_by": str(tag.removed_by) if tag.removed_at else "",
        "removed_at": _moment(tag.removed_at) if tag.removed_at else "",
    }


def _event(event: timeline.Event) -> Content:
    """What was written for the house is told to be there, and left where it is."""
    return {
        "at": _moment(event.at),
        "tone": event.tone,
        "title": event.title,
        "who": event.who,
        "lines": [list(line) for line in event.lines if line[0] != timeline.INTERNAL],
        "keeps_back": any(label == timeline.INTERNAL for label, _ in event.lines),
        "decides": event.decision is not None,
    }


def _decision(event: timeline.Event) -> Content:
    assert event.decision  # noqa: S101
    return {
        **_event(event),
        "undone": timeline.is_undone(event.decision),
        "undoes": event.decision.action == Action.UNDO,
    }


def _field(page: Detail, field: fields.Field) -> Content:
    return {
        "label": field.label,
        "read": field.read,
        "code": field.code,
        "provided": field.provided,
        "original": field.original,
        "differs": field.differs,
        "compared": field.is_compared,
        "masked": field.is_masked,
        "expired": field.key == "docExpiry" and page.was_expired,
    }


def _photo(label: str, photo: Any) -> Content:
    is_stored = photo.state == PhotoState.STORED
    return {
        "label": label,
        "state": photo.why or str(PhotoState(photo.state).label),
        "size": f"{photo.width} × {photo.height}" if is_stored else "",
        "stored_at": _moment(photo.fetched_at) if is_stored and photo.fetched_at else "",
    }


def _blocks(read: Sequence[blocks.Block]) -> Content:
    """Of all of them together no more facts than fit."""
    room, left_out, told = MOST_FACTS, 0, []
    for block in read:
        left_out += block.left_out
        shown = []
        for group in block.groups:
            facts = [_fact(fact) for fact in group.facts[:room]]
            left_out += len(group.facts) - len(facts)
            room -= len(facts)
            if facts or room:
                shown.append({"title": group.title, "said": _said(group.said), "facts": facts})
        if shown:
            told.append({"title": block.title, "said": _said(block.said), "groups": shown})
    return {"blocks": told, "facts_left_out": left_out}


def _fact(fact: groups.Fact) -> Content:
    return {
        "label": fact.label,
        "value": fact.value,
        "code": fact.code,
        "masked": fact.is_masked,
        "said": _said(fact.said),
    }


def _said(said: groups.Said | None) -> Content | None:
    if said is None:
        return None
    return {
        "text": said.text,
        "tone": said.tone,
        "code": "" if said.code == said.text else said.code,
    }


def _about(page: Detail) -> Content:
    it = page.verification
    sent = {name: str(page.sent(*path) or "") for name, path in SENT.items()}
    proxy, risk = (
        page.sent("data", "clientIpProxyRiskLevel"),
        page.sent("riskAssessment", "riskLevel"),
    )
    score = page.sent("riskAssessment", "riskScore")
    return {
        **sent,
        "standing": str(it.standing),
        "word": _word(it),
        "told": page.told.text,
        "token": str(it.get_token_type_display()),
        "review": str(it.get_review_type_display()),
        "pricing": str(it.partner.get_pricing_model_display()),
        "plan": str(it.partner.get_plan_display()),
        "platform": looks.label(it.platform, "platform") if it.platform else "",
        "proxy": looks.label(str(proxy), "risk_level") if proxy else "",
        "risk": looks.label(str(risk), "risk_level") if risk else "",
        "score": "" if score is None else str(score),
    }


def _word(it: Verification) -> str:
    """The provider's, where it is another than ours."""
    return it.overall if it.overall not in (it.status, "SUSPECTED") else ""


def _keeping(page: Detail) -> Content:
    hold = page.keeping.hold
    return {
        "until": looks.full_day(page.keeping.until.date()),
        "hold": str(hold.get_reason_display()) if hold else "",
        "case": hold.reference if hold else "",
        "held_by": str(hold.placed_by) if hold else "",
        "held_at": _moment(hold.placed_at) if hold else "",
    }
