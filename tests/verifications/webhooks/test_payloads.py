"""Whatever came in, what goes out is of the contract: two validators say so."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.conftest import BAD
from verifications.callbacks import provider
from verifications.statuses import APPROVED, DENIED, NEEDS_DECISION, Standing, Status
from verifications.webhooks import contract, payloads

STRICT = jsonschema.Draft202012Validator(
    json.loads(contract.SCHEMA.read_text(encoding="utf-8")),
    format_checker=jsonschema.FormatChecker(),
)
SAMPLES = [f"{n:02}" for n in range(1, 27) if n != 24]
ACCEPTED = ["12", "16", "17", "18", "19", "20"]
BODIES = {f"sample {number}": factories.body(number) for number in SAMPLES}
BODIES |= {
    f"bad {path.stem}": json.loads(path.read_text(encoding="utf-8"))
    for number in ACCEPTED
    for path in BAD.glob(f"{number}-*.json")
}


def outcome(body: dict[str, Any], **changes: Any) -> payloads.Outcome:
    """As the verification stands when the body was applied, with changes."""
    received = provider.identification(body)
    return payloads.Outcome(
        standing=received.standing or Standing(Status.REVIEWING, False),
        is_final=received.is_final,
        auto_face=received.auto_face,
        auto_document=received.auto_document,
        manual_face=received.manual_face,
        manual_document=received.manual_document,
        deny_reasons=received.deny_reasons,
        mismatch_tags=received.mismatch_tags,
        fraud_tags=received.fraud_tags,
    )._replace(**changes)


DECIDED = {
    "as the provider said": {},
    "approved": {
        "standing": APPROVED,
        "is_final": True,
        "manual_face": "FACE_MATCH",
        "manual_document": "DOC_VALIDATED",
        "deny_reasons": [],
    },
    "denied for several reasons": {
        "standing": DENIED,
        "is_final": True,
        "manual_document": "DOC_FAKE",
        "deny_reasons": ["DOC_FAKE", "UNDER_AGE", "OTHER"],
    },
    "denied for a reason of the partner's own": {
        "standing": DENIED,
        "is_final": True,
        "manual_document": "HOUSE_RULE_7",
        "deny_reasons": ["HOUSE_RULE_7", "7_DAYS"],
    },
    "suspected": {"standing": NEEDS_DECISION},
    "denied and suspected": {"standing": Standing(Status.DENIED, True)},
    "its data is gone": {"standing": Standing(Status.EXPIRED_DELETED, False)},
    "being reviewed": {"standing": Standing(Status.REVIEWING, False)},
}


def problems(body: dict[str, Any]) -> list[str]:
    return [f"{list(error.path)}: {error.validator}" for error in STRICT.iter_errors(body)]


@pytest.mark.parametrize("decided", DECIDED)
@pytest.mark.parametrize("name", BODIES)
def test_every_body_is_of_the_strict_schema(name: str, decided: str) -> None:
    body, left_out = payloads.identification(
        BODIES[name], outcome(BODIES[name], **DECIDED[decided]), "Please try again."
    )
    assert problems(body) == []
    assert body["messageToApplicant"] == "Please try again."
    assert body["scanRef"] == BODIES[name]["scanRef"]
    assert all(loss.path and loss.why for loss in left_out)


@pytest.mark.parametrize("number", [n for n in SAMPLES if n not in ("14", "21", "23", "26")])
def test_what_fits_goes_out_as_it_came(number: str) -> None:
    received = factories.body(number)
    body, left_out = payloads.identification(received, outcome(received))
    assert body == received | {"fileUrls": {}}
    assert [loss.path for loss in left_out] in (["fileUrls"], [])


# What a hand could write into a body that the intake still accepts.
ODD: list[Any] = [None, "", "NEW_CODE", "x" * 90, "ü", "\t", "2020-02-30", "https://a.example/?q=1"]
ODD += [0, 7, 2.0, 1e400, 10**400, True, [], [None], ["", "NEW_CODE"], {}, {"new": {"deep": [1]}}]


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = body.items() if isinstance(body, dict) else enumerate(body)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, dict | list):
            yield from places(value, (*path, step))


@st.composite
def odd_bodies(draw: st.DrawFn) -> dict[str, Any]:
    body = copy.deepcopy(BODIES[draw(st.sampled_from(sorted(BODIES)))])
    for _ in range(draw(st.integers(1, 6))):
        *path, last = draw(st.sampled_from(list(places(body))))
        here = body
        for step in path:
            here = here[step]
        match draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                here[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case "remove":
                del here[last]
            case "add" if isinstance(here, dict):
                here["somethingNew"] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return body


@settings(max_examples=400, deadline=None)
@given(odd_bodies(), st.sampled_from(sorted(DECIDED)), st.sampled_from(["", "Text", "x" * 4000]))
def test_whatever_the_intake_accepts_can_be_told(
    received: dict[str, Any], decided: str, message: str
) -> None:
    # Infinity is how Python writes 1e400, which is what stands on the wire.
    raw = json.dumps(received).replace("Infinity", "1e400").encode()
    try:
        received = provider.read(raw, "IDENTIFICATION")
    except provider.Unreadable:
        assume(False)
    body, _ = payloads.identification(received, outcome(received, **DECIDED[decided]), message)
    assert problems(body) == []
    assert "Infinity" not in json.dumps(body)


def told(number: str, changes: dict[str, Any], **decided: Any) -> tuple[dict[str, Any], set[str]]:
    received = factories.body(number, **changes)
    body, left_out = payloads.identification(received, outcome(received, **decided))
    return body, {loss.path for loss in left_out}


def test_unknown_codes_are_mapped_or_left_out_and_listed() -> None:
    received = factories.body("23")
    body, left_out = payloads.identification(received, outcome(received))
    assert (body["platform"], body["data"]["docType"]) == ("OTHER", "OTHER")
    assert body["status"]["fraudTags"] == ["VIRTUAL_CAMERA"]
    assert body["status"]["mismatchTags"] == []
    assert "proofOfPersonhood" not in body
    listed = {(loss.path, loss.value) for loss in left_out}
    assert ("platform", "SMART_GLASSES") in listed
    assert ("data/docType", "EU_DIGITAL_WALLET_2028") in listed
    assert ("status/fraudTags/*", "DEEPFAKE_SUSPECTED") in listed
    assert ("proofOfPersonhood", "") in listed


def test_the_list_of_what_is_left_out_holds_nothing_of_the_applicant() -> None:
    private = {"docFirstName": "x" * 101, "docDob": "1999-19-39", "docNationality": "zz"}
    received = factories.body("01", data=private | {"sécret": 1})
    fitted, left_out = payloads.identification(received, outcome(received))
    assert fitted["data"]["docDob"] is None
    text = json.dumps(left_out, ensure_ascii=False)
    assert not [value for value in private.values() if value in text]
    assert "sécret" not in text


def test_a_finding_is_never_invented() -> None:
    """A register's answer without its yes or no is left out whole, and not sent as a no."""
    hit = factories.body("11")["LID"][0]
    hit["data"][0].pop("valid")
    body, left_out = told("11", {"LID": [hit]})
    assert body["LID"][0]["data"] == []
    assert "LID/*/data/*" in left_out


def test_unusable_links_are_left_out() -> None:
    links = {"UTILITY_BILL": "javascript:alert(1)", "OTHER": "https://media.example.test/a.pdf"}
    body, left_out = told("01", {"additionalStepPdfUrls": links})
    assert body["additionalStepPdfUrls"] == {"OTHER": "https://media.example.test/a.pdf"}
    assert "additionalStepPdfUrls/UTILITY_BILL" in left_out


def test_photos_are_never_sent() -> None:
    body, left_out = told("01", {})
    assert body["fileUrls"] == {}
    assert left_out == {"fileUrls"}


def test_suspected_is_said_only_of_what_waits_for_a_decision() -> None:
    assert told("07", {})[0]["status"]["overall"] == "SUSPECTED"
    denied = Standing(Status.DENIED, True)
    assert told("07", {}, standing=denied)[0]["status"]["overall"] == "DENIED"
    assert told("07", {}, standing=APPROVED)[0]["status"]["overall"] == "APPROVED"


def test_a_suspicion_whose_tags_nobody_knows_asks_for_a_person() -> None:
    tags = {"fraud_tags": ["NEVER_SEEN"], "mismatch_tags": []}
    assert told("07", {}, **tags)[0]["status"]["fraudTags"] == ["AUTO_UNVERIFIABLE"]


def test_reasons_accompany_a_denial_only() -> None:
    reasons = {"deny_reasons": ["DOC_FAKE", "DOC_FAKE", "UNDER_AGE"]}
    denied, _ = told("01", {}, standing=DENIED, **reasons)
    assert denied["status"]["denyReasons"] == ["DOC_FAKE", "UNDER_AGE"]
    assert "denyReasons" not in told("01", {}, standing=APPROVED, **reasons)[0]["status"]


def test_the_machines_findings_go_out_beside_the_persons() -> None:
    body, _ = told("03", {}, **DECIDED["approved"])
    assert body["status"]["autoDocument"] == "DOC_FAKE"
    assert body["status"]["manualDocument"] == "DOC_VALIDATED"


def test_a_client_id_of_other_letters_is_encoded_and_never_cut() -> None:
    body, left_out = told("01", {"clientId": "kundin-ü 100%"})
    assert body["clientId"] == "kundin-%C3%BC 100%"
    assert "clientId" in left_out
    body, _ = told("01", {"clientId": "ü" * 90})
    assert body["clientId"] == body["scanRef"]


def test_a_body_cannot_speak_for_staff() -> None:
    assert "messageToApplicant" not in told("01", {"messageToApplicant": "Pay me."})[0]


def test_what_came_in_is_not_changed_by_reading_it() -> None:
    received = factories.body("23")
    before = copy.deepcopy(received)
    payloads.identification(received, outcome(received))
    assert received == before
