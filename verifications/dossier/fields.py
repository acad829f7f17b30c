"""The applicant's data: as the document has it, as the partner gave it, in the original script."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from verifications import codes
from verifications.dossier.masking import HIDDEN, Mask


class Place(NamedTuple):
    """Where a field stands in `data`, and which mismatch tag tells of it."""

    label: str
    read: str
    original: str = ""
    tag: str = ""
    family: str = ""
    chosen: str = ""
    is_day: bool = False
    is_masked: bool = False


PLACES = (
    Place("First name", "docFirstName", "orgFirstName", "NAME"),
    Place("Last name", "docLastName", "orgLastName", "SURNAME"),
    Place("Full name", "fullName", "", "FULL_NAME"),
    Place("Birth name", "docBirthName", "orgBirthName"),
    Place("Patronymic", "docPatronymic", "orgPatronymic"),
    Place("Date of birth", "docDob", "", "DATE_OF_BIRTH", is_day=True),
    Place("Sex", "docSex", "", "SEX", "sex"),
    Place("Nationality", "docNationality", "orgNationality", "NATIONALITY", "country"),
    Place("Birth place", "birthPlace", "orgBirthPlace"),
    Place("Document type", "docType", family="doc_type"),
    Place("Document number", "docNumber", "", "DOCUMENT_NUMBER", is_masked=True),
    Place("Personal code", "docPersonalCode", "", "PERSONAL_CODE", is_masked=True),
    Place("Issuing country", "docIssuingCountry", family="country", chosen="selectedCountry"),
    Place("Issued on", "docDateOfIssue", "", "DATE_OF_ISSUE", is_day=True),
    Place("Expires on", "docExpiry", "", "EXPIRY_DATE", is_day=True),
    Place("Authority", "authority", "orgAuthority"),
    Place("Address", "address", "orgAddress", is_masked=True),
    Place("Temporary address", "docTemporaryAddress", "orgTemporaryAddress", is_masked=True),
    Place("Mother’s maiden name", "mothersMaidenName", "orgMothersMaidenName"),
    Place("Licence categories", "driverLicenseCategory"),
    Place("Age estimate", "ageEstimate", family="age_estimate"),
)
# Keys of `data` that are told elsewhere on the page.
ELSEWHERE = frozenset(
    {
        *("manuallyDataChanged", "clientIpProxyRiskLevel", "additionalData"),
        *("duplicateFaces", "duplicateDocFaces", "manualAddress", "manualAddressMatch"),
    }
)
KEYS = ELSEWHERE | {key for p in PLACES for key in (p.read, p.original, p.chosen) if key}


@dataclass(frozen=True)
class Field:
    """`provided` is what the partner's side chose, where it is told; else only that it differs.

    Nobody compares what is not `is_compared`: no difference can be reported of it.
    """

    key: str
    label: str
    read: str
    original: str
    provided: str
    differs: bool
    is_compared: bool
    is_masked: bool
    code: str

    @property
    def is_told(self) -> bool:
        return bool(self.read or self.original or self.differs)


def build(told: Mapping[str, Any], mismatches: Collection[str], mask: Mask) -> list[Field]:
    fields = [_field(place, told, mismatches, mask) for place in PLACES]
    return [field for field in fields if field.is_told]


def _field(place: Place, told: Mapping[str, Any], mismatches: Collection[str], mask: Mask) -> Field:
    read, original, chosen = (
        told.get(key) or "" for key in (place.read, place.original, place.chosen)
    )
    masked = place.is_masked and not mask.is_lifted
    words = _worded(place, read)
    return Field(
        key=place.read,
        label=place.label,
        read=HIDDEN if masked and read else words,
        original=HIDDEN if masked and original else original,
        provided=_worded(place, chosen),
        differs=place.tag in mismatches or bool(chosen and read and chosen != read),
        is_compared=bool(place.tag or place.chosen),
        is_masked=masked and bool(read or original),
        code=read if words != read and not (masked or place.is_day) else "",
    )


def _worded(place: Place, text: str) -> str:
    if place.is_day:
        return day(text)
    return codes.find(text, place.family).label if place.family and text else text


def day(text: str) -> str:
    """2031-04-30 → 30 Apr 2031; what is no date stays as it came."""
    try:
        moment = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%b %Y}" if len(text) == len("2031-04-30") else text
