"""What a partner is told: the body that came in, with what is true of the verification now.

Knows no model. `contract` decides what of it may go out; here stands what it means.
"""

import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from verifications.statuses import SUSPECTED, WIRE, Standing, Status
from verifications.webhooks import contract
from verifications.webhooks.contract import LeftOut

__all__ = ["LeftOut", "Outcome", "Unsendable", "identification", "test"]

LONGEST_CLIENT_ID = 100
_PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
_OPEN = (Status.ACTIVE, Status.REVIEWING)
# What an approval rests on: the codes that may stand there, and the one that is put there.
_PASSED = {
    "manualFace": ("FACE_NOT_CHECKED", "FACE_MATCH"),
    "manualDocument": ("DOC_VALIDATED",),
}
# No suspicion goes out without a tag: this one means that a person has to look.
UNTOLD_SUSPICION = "AUTO_UNVERIFIABLE"


class Unsendable(Exception):
    """No body of the contract can be made from what came in."""


class Outcome(NamedTuple):
    """What is true of the verification now, whatever the received body said."""

    standing: Standing
    is_final: bool
    auto_face: str
    auto_document: str
    manual_face: str
    manual_document: str
    deny_reasons: Sequence[str]
    mismatch_tags: Sequence[str]
    fraud_tags: Sequence[str]


def identification(
    received: Mapping[str, Any], outcome: Outcome, message_to_applicant: str = ""
) -> tuple[dict[str, Any], list[LeftOut]]:
    """The body, valid under the strict schema, and what was left out of it. Raises Unsendable."""
    fitting = contract.Fitting()
    told = dict(received)
    told["final"] = outcome.is_final and outcome.standing.status not in _OPEN
    told["status"] = _status(received.get("status") or {}, outcome)
    told["data"] = received.get("data") or {}
    told["clientId"] = _client_id(received, fitting)
    told["fileUrls"] = {}
    # Ours alone: a body that comes in with this key does not speak for staff.
    told.pop("messageToApplicant", None)
    if message_to_applicant:
        told["messageToApplicant"] = message_to_applicant
    if received.get("fileUrls"):
        fitting.lose(("fileUrls",), "photos are not sent, and their links run out")
    try:
        body = fitting.body(told)
    except contract.Misfit:
        raise Unsendable("a part without which nothing can be told") from None
    _keep_house_rules(body["status"], fitting)
    if problem := contract.objection(body):
        raise Unsendable(problem)
    return body, fitting.left_out


def test() -> dict[str, Any]:
    """Tells of nobody: a link that was made and never opened."""
    nobody = Outcome(Standing(Status.ACTIVE, False), False, "", "", "", "", (), (), ())
    body, _ = identification({"scanRef": "TEST", "clientId": "TEST"}, nobody)
    return body


def _status(received: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    status, suspected = outcome.standing
    is_open = suspected and status == Status.APPROVED
    told = {key: value for key, value in received.items() if key != "denyReasons"} | {
        "overall": SUSPECTED if is_open else WIRE.get(status, status.value),
        "autoFace": outcome.auto_face,
        "autoDocument": outcome.auto_document,
        "manualFace": outcome.manual_face,
        "manualDocument": outcome.manual_document,
        "mismatchTags": list(outcome.mismatch_tags),
        "fraudTags": list(outcome.fraud_tags),
    }
    if status == Status.DENIED and outcome.deny_reasons:
        told["denyReasons"] = list(outcome.deny_reasons)
    return told


def _client_id(received: Mapping[str, Any], fitting: contract.Fitting) -> str:
    """The partner's own text; letters that the contract has no room for are percent-encoded."""
    client_id: str = received["clientId"]
    encoded = quote(client_id, safe=_PRINTABLE)
    if encoded == client_id:
        return client_id
    if len(encoded) > LONGEST_CLIENT_ID:
        fitting.lose(("clientId",), "too long once encoded: the scan ref is sent")
        return str(received["scanRef"])
    fitting.lose(("clientId",), "sent percent-encoded")
    return encoded


def _keep_house_rules(status: dict[str, Any], fitting: contract.Fitting) -> None:
    overall = status["overall"]
    if overall == SUSPECTED and not status["mismatchTags"] and not status["fraudTags"]:
        status["fraudTags"] = [UNTOLD_SUSPICION]
    if overall not in (SUSPECTED, Status.APPROVED):
        return
    for key, codes in _PASSED.items():
        if status[key] not in codes:
            why = f"an approval rests on a passed check: sent as {codes[0]}"
            fitting.lose(("status", key), why, status[key])
            status[key] = codes[0]
