"""The blocks of a body beside the applicant's data, in the order in which they are shown."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verifications.dossier import fields
from verifications.dossier.groups import Families, Group, Reader, Said, spaced
from verifications.dossier.masking import Mask

MOST_GROUPS = 100
TITLES = {
    "AML": "Watchlists",
    "amlCheck": "Watchlists, second service",
    "LID": "Lost and stolen documents",
    "CRIMINAL_CHECK": "Criminal records",
    "riskAssessment": "Risk",
    "addressVerification": "Address check",
    "registryCenterCheck": "Registry",
    "driverLicenseCheck": "Driving licence register",
    "bankVerification": "Bank",
    "bankCardVerification": "Bank card",
    "emailVerification": "E-mail",
    "phoneVerification": "Phone",
    "additionalSteps": "Additional steps",
}
FAMILIES: dict[str, Families] = {"additionalSteps": ("additional_step_mode",)}
# What is told elsewhere on the page: of the body, and of its `status`.
ELSEWHERE = frozenset(
    {
        *("final", "platform", "status", "data", "fileUrls", "scanRef", "externalRef", "clientId"),
        *("companyId", "beneficiaryId", "startTime", "finishTime", "clientIp", "clientIpCountry"),
        *("clientLocation", "manualAddress", "manualAddressMatch", "gdcMatch", "additionalData"),
        *("additionalStepPdfUrls", "questionnaireAnswers"),
    }
)
STATUS_ELSEWHERE = frozenset(
    {
        *("overall", "fraudTags", "mismatchTags", "autoFace", "manualFace", "autoDocument"),
        *("manualDocument", "additionalSteps", "denyReasons"),
    }
)


@dataclass(frozen=True)
class Block:
    title: str
    groups: list[Group]
    left_out: int = 0

    @property
    def said(self) -> Said | None:
        """The worst that its services say."""
        told = [group.said for group in self.groups if group.said]
        return next((said for said in told if said.tone == "tone-bad"), told[0] if told else None)


def build(body: Mapping[str, Any], mask: Mask) -> Iterator[Block]:
    for title, value, families in _sections(body):
        groups = list(Reader(mask, families).groups(value))
        if groups:
            yield Block(title, groups[:MOST_GROUPS], max(0, len(groups) - MOST_GROUPS))
    if questionnaire := body.get("questionnaireAnswers"):
        groups = list(_answers(questionnaire, Reader(mask)))
        yield Block(questionnaire.get("title") or "Questionnaire", groups)


def _sections(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, Families]]:
    told, status = body.get("data") or {}, body.get("status") or {}
    for key, title in TITLES.items():
        # Bodies of 2020 carry some blocks inside `data`.
        value = body.get(key) or told.get(key)
        yield title, value, FAMILIES.get(key, ())
    files = body.get("additionalStepPdfUrls") or {}
    yield "PDF files of additional steps", {key: _bare(link) for key, link in files.items()}, ()
    yield "Read from additional steps", told.get("additionalData") or body.get("additionalData"), ()
    yield "Address, typed by hand", _typed_address(body) or _typed_address(told), ()
    yield "Global data check", {"match": body.get("gdcMatch")}, ()
    yield "Result, further words", _without(status, STATUS_ELSEWHERE), ()
    yield "Further data", _without(told, fields.KEYS | TITLES.keys()), ()
    for key, value in _without(body, ELSEWHERE | TITLES.keys()).items():
        yield spaced(key), value if isinstance(value, dict | list) else {key: value}, ()


def _typed_address(place: Mapping[str, Any]) -> dict[str, Any]:
    """Where there is none, its match says nothing."""
    keys = ("manualAddress", "manualAddressMatch")
    return {key: place.get(key) for key in keys} if place.get("manualAddress") else {}


def _without(mapping: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _answers(questionnaire: Mapping[str, Any], reader: Reader) -> Iterator[Group]:
    """A group for each section: its questions in the provider's words, each with its answer."""
    for section in filter(None, questionnaire.get("sections") or []):
        answers = [
            reader.fact(
                question.get("title") or question.get("key") or "Question", _answer(question)
            )
            for question in filter(None, section.get("questions") or [])
        ]
        if answers:
            yield Group(section.get("title") or "", facts=answers)


def _answer(question: Mapping[str, Any]) -> Any:
    value = question.get("value")
    if str(question.get("type")).startswith("FILE") and isinstance(value, str):
        return _bare(value)
    return "Not answered" if value in (None, "", []) else value


def _bare(link: str | None) -> str:
    """Without what follows the question mark: for an hour, that opens the file to anybody."""
    return (link or "").partition("?")[0]
