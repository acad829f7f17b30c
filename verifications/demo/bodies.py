"""What the provider would have sent about an invented applicant: a sample with another person."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from verifications.demo import samples
from verifications.demo.applicants import Applicant

NAMESPACE = uuid.UUID("6b6a4c1e-51d4-5d0c-9a53-0d6f1f2c7e10")
# Other pictures of the samples have no drawing, and their links lead nowhere.
KINDS = ("FRONT", "BACK", "FACE")
YEAR = timedelta(days=365)
# The steps in which the provider guesses an age.
AGES = (8, 13, 16, 18, 21, 22, 25, 30)
EXPIRED_DOCUMENT = ("15",)
# Samples whose other blocks were compared with the address on the document.
OWN_ADDRESS = ("16", "19")


@dataclass(frozen=True)
class Attempt:
    """One verification to be: whose, after which sample, and how that is changed."""

    partner: str
    number: int
    sample: str
    applicant: Applicant
    started_at: datetime
    seconds: int
    status: dict[str, Any] = field(default_factory=dict)
    is_named: bool = False

    @property
    def scan_ref(self) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{self.partner}/{self.number}"))

    @property
    def finished_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def event(self) -> str:
        return samples.EVENTS.get(self.sample, samples.USUAL)

    @property
    def is_under_age(self) -> bool:
        return self.sample == "08"


def raw(attempt: Attempt) -> bytes:
    """The bytes that come in."""
    template = samples.body(attempt.sample)
    new = _data(attempt, template["data"])
    told = _renamed(template, _renaming(template["data"], new))
    told["data"] = new
    told["status"] = {**template["status"], **attempt.status}
    told |= _frame(attempt, template)
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return text.replace(template["scanRef"], attempt.scan_ref).encode()


def _frame(attempt: Attempt, template: dict[str, Any]) -> dict[str, Any]:
    """All that is not about the applicant; `scanRef` is replaced in the text, links included."""
    links = template.get("fileUrls") or {}
    wanted = {kind: link for kind, link in links.items() if kind in KINDS and link}
    frame = {
        "clientId": attempt.applicant.client_id,
        "startTime": int(attempt.started_at.timestamp()),
        "finishTime": int(attempt.finished_at.timestamp()),
        "fileUrls": wanted,
        "platform": template["platform"] or "PC",
    }
    if template.get("externalRef"):
        frame["externalRef"] = f"order-2026-{attempt.number:06}"
    if template.get("clientIp"):
        frame["clientIp"] = f"192.0.2.{attempt.number % 254 + 1}"
        frame["clientIpCountry"] = attempt.applicant.country
        frame["clientLocation"] = attempt.applicant.city
    return frame


def _data(attempt: Attempt, former: dict[str, Any]) -> dict[str, Any]:
    """The sample's data about the new person; what it left empty stays empty."""
    has_data = former.get("docType") is not None
    if not (has_data or attempt.is_named):
        return former
    keys = _person(attempt) | (_document(attempt, former) if has_data else {})
    if attempt.sample in OWN_ADDRESS:
        keys = {key: value for key, value in keys.items() if "Address" not in key.title()}
    return former | {
        key: value
        for key, value in keys.items()
        if former.get(key) is not None or (attempt.is_named and key in _NAMES)
    }


_NAMES = ("docFirstName", "docLastName", "fullName")


def _person(attempt: Attempt) -> dict[str, Any]:
    it = attempt.applicant
    # Some documents have no line in Latin letters: then the provider tells only what it read.
    untranslated = not attempt.is_named and it.seed % 4 == 0
    given, family = (
        name.original if untranslated else name.latin for name in (it.given, it.family)
    )
    city = it.city.partition(",")[0]
    return {
        "docFirstName": given,
        "docLastName": family,
        "fullName": f"{given} {family}",
        "orgFirstName": it.given.original,
        "orgLastName": it.family.original,
        "docBirthName": family,
        "orgBirthName": it.family.original,
        "docSex": it.sex,
        "docDob": born_on(attempt).isoformat(),
        "ageEstimate": _age_estimate(attempt),
        "docNationality": it.country,
        "orgNationality": None,
        "docPatronymic": None,
        "orgPatronymic": None,
        "address": f"Specimen Street {it.seed % 90 + 1}, {city}",
        "orgAddress": f"Specimen Street {it.seed % 90 + 1}, {city}",
        "birthPlace": city,
        "orgBirthPlace": city,
        "authority": f"Specimen office {city}",
        "orgAuthority": f"Specimen office {city}",
    }


def born_on(attempt: Attempt) -> date:
    if attempt.is_under_age:
        return (attempt.started_at - 15 * YEAR).date()
    return attempt.applicant.born_on


def _age_estimate(attempt: Attempt) -> str:
    age = (attempt.started_at.date() - born_on(attempt)) // YEAR
    return f"OVER_{max(step for step in AGES if step <= age)}"


def _document(attempt: Attempt, former: dict[str, Any]) -> dict[str, Any]:
    it = attempt.applicant
    issued, expires = document_days(attempt)
    return {
        "docNumber": it.number,
        "docPersonalCode": it.personal_code,
        "docDateOfIssue": issued.isoformat(),
        "docExpiry": expires.isoformat(),
        "docIssuingCountry": it.country,
        "selectedCountry": it.country,
    }


def document_days(attempt: Attempt) -> tuple[date, date]:
    """When the document was issued and runs out; an expired one was not valid on the day."""
    age = 11 if attempt.sample in EXPIRED_DOCUMENT else 1
    issued = (attempt.started_at - (age + attempt.applicant.seed % 8) * YEAR).date()
    return issued, issued + 10 * YEAR - timedelta(days=1)


def _renaming(former: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Old words and the new ones in their place, for blocks that repeat the person."""
    keys = ("docFirstName", "docLastName", "fullName", "orgFirstName", "orgLastName", "docNumber")
    return {former[key]: new[key] for key in keys if former.get(key) and new.get(key)}


def _renamed(value: Any, renaming: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, renaming) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, renaming) for item in value]
    return renaming.get(value, value) if isinstance(value, str) else value
