"""What came in about an applicant, in sections to read. Knows no model: a body goes in.

Document number, personal code and address are not in the result until they are asked for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from verifications import codes


class Place(NamedTuple):
    """Where a field stands in `data`, and which mismatch tags tell of it."""

    label: str
    read: str
    original: str = ""
    tags: tuple[str, ...] = ()
    family: str = ""
    chosen: str = ""
    is_masked: bool = False


PLACES = (
    Place("First name", "docFirstName", "orgFirstName", ("NAME",)),
    Place("Last name", "docLastName", "orgLastName", ("SURNAME",)),
    Place("Full name", "fullName", "", ("FULL_NAME",)),
    Place("Birth name", "docBirthName", "orgBirthName"),
    Place("Patronymic", "docPatronymic", "orgPatronymic"),
    Place("Date of birth", "docDob", "", ("DATE_OF_BIRTH",)),
    Place("Sex", "docSex", "", ("SEX",), "sex"),
    Place("Nationality", "docNationality", "orgNationality", ("NATIONALITY",)),
    Place("Birth place", "birthPlace", "orgBirthPlace"),
    Place("Document type", "docType", "", ("DOC_INFO_MISMATCH",), "doc_type"),
    Place("Document number", "docNumber", "", ("DOCUMENT_NUMBER",), is_masked=True),
    Place("Personal code", "docPersonalCode", "", ("PERSONAL_CODE",), is_masked=True),
    Place("Issuing country", "docIssuingCountry", chosen="selectedCountry"),
    Place("Issued on", "docDateOfIssue", "", ("DATE_OF_ISSUE",)),
    Place("Expires on", "docExpiry", "", ("EXPIRY_DATE",)),
    Place("Authority", "authority", "orgAuthority"),
    Place("Address", "address", "orgAddress", ("UTILITY_ADDRESS",), is_masked=True),
    Place("Temporary address", "docTemporaryAddress", "orgTemporaryAddress", is_masked=True),
    Place("Mother’s maiden name", "mothersMaidenName", "orgMothersMaidenName"),
    Place("Licence categories", "driverLicenseCategory"),
    Place("Age estimate", "ageEstimate", family="age_estimate"),
)

# Further blocks of the body, in the order in which they are shown.
BLOCKS = (
    ("AML", "Watchlists"),
    ("amlCheck", "Watchlists, second service"),
    ("LID", "Lost and stolen documents"),
    ("CRIMINAL_CHECK", "Criminal records"),
    ("riskAssessment", "Risk"),
    ("addressVerification", "Address check"),
    ("registryCenterCheck", "Registry"),
    ("driverLicenseCheck", "Driving licence register"),
    ("bankVerification", "Bank"),
    ("bankCardVerification", "Bank card"),
    ("emailVerification", "E-mail"),
    ("phoneVerification", "Phone"),
    ("additionalSteps", "Additional steps"),
    ("questionnaireAnswers", "Questionnaire"),
)
KNOWN = {key for key, _ in BLOCKS} | {
    *("final", "platform", "status", "data", "fileUrls", "additionalStepPdfUrls", "scanRef"),
    *("externalRef", "clientId", "companyId", "beneficiaryId", "startTime", "finishTime"),
    *("clientIp", "clientIpCountry", "clientLocation", "manualAddress", "manualAddressMatch"),
    "gdcMatch",
}
MASKED = re.compile(r"address|(doc|document|personal).?(number|code)", re.IGNORECASE)
HIDDEN = "Hidden"


@dataclass(frozen=True)
class Field:
    label: str
    read: str
    original: str
    provided: str
    differs: bool
    is_masked: bool
    code: str


@dataclass(frozen=True)
class Line:
    """One value of a block, or with no value the head of what follows it."""

    depth: int
    label: str
    value: str
    is_masked: bool


@dataclass(frozen=True)
class Block:
    title: str
    lines: list[Line]


@dataclass(frozen=True)
class Dossier:
    fields: list[Field]
    blocks: list[Block]
    was_corrected: bool
    duplicates: list[str]
    hides: bool

    @property
    def differing(self) -> int:
        return sum(field.differs for field in self.fields)


def build(body: Mapping[str, Any], mismatches: Iterable[str], *, is_revealed: bool) -> Dossier:
    told = body.get("data") or {}
    fields = [_field(place, told, set(mismatches), is_revealed) for place in PLACES]
    blocks = list(_blocks(body, told, is_revealed))
    duplicates = [*(told.get("duplicateFaces") or []), *(told.get("duplicateDocFaces") or [])]
    shown = [field for field in fields if field.read or field.original or field.differs]
    return Dossier(
        fields=shown,
        blocks=blocks,
        was_corrected=told.get("manuallyDataChanged") is True,
        duplicates=list(dict.fromkeys(duplicates)),
        hides=any(field.is_masked for field in shown)
        or any(line.is_masked for block in blocks for line in block.lines),
    )


def _field(place: Place, told: Mapping[str, Any], mismatches: set[str], is_revealed: bool) -> Field:
    read, original = _text(told.get(place.read)), _text(told.get(place.original))
    chosen = _text(told.get(place.chosen))
    differs = bool(mismatches & set(place.tags)) or bool(chosen and read and chosen != read)
    hidden = place.is_masked and not is_revealed
    return Field(
        label=place.label,
        read=HIDDEN if hidden and read else _worded(read, place.family),
        original=HIDDEN if hidden and original else original,
        provided=chosen or ("Another value" if differs else ""),
        differs=differs,
        is_masked=hidden and bool(read or original),
        code=read if place.family and read else "",
    )


def _worded(text: str, family: str) -> str:
    return codes.find(text, family).label if family and text else text


def _blocks(body: Mapping[str, Any], told: Mapping[str, Any], is_revealed: bool) -> Iterator[Block]:
    manual = {key: body.get(key) for key in ("manualAddress", "manualAddressMatch", "gdcMatch")}
    steps = told.get("additionalData") or body.get("additionalData")
    sections: list[tuple[str, Any]] = [(title, body.get(key)) for key, title in BLOCKS]
    sections.insert(6, ("Address, typed by hand", manual if body.get("manualAddress") else None))
    sections.append(("Read from additional steps", steps))
    sections += [(key, body[key]) for key in body if key not in KNOWN and key != "additionalData"]
    for title, value in sections:
        lines = list(_lines(value, is_revealed))
        if lines:
            yield Block(title, lines)


def _lines(
    value: Any, is_revealed: bool, label: str = "", depth: int = 0, hides: bool = False
) -> Iterator[Line]:
    """Whatever came in, flattened; what is empty is left away."""
    hides = hides or bool(MASKED.search(label))
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value, 1)
        inner = [
            line
            for key, item in items
            for line in _lines(item, is_revealed, str(key), depth + bool(label), hides)
        ]
        if inner and label:
            yield Line(depth, _spaced(label), "", False)
        yield from inner
    elif value not in (None, ""):
        hidden = hides and not is_revealed and not isinstance(value, bool)
        yield Line(depth, _spaced(label), HIDDEN if hidden else _text(value), hidden)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return value
    return str(value)


def _spaced(key: str) -> str:
    """riskScore → Risk score; codes and numbers stay."""
    if key.isupper() or key.isdigit() or not re.fullmatch(r"[A-Za-z0-9]+", key):
        return key
    words = re.sub(r"(?<=[a-z0-9])([A-Z])", r" \1", key).lower()
    return words[:1].upper() + words[1:]
