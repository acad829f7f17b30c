"""What a decision would set, and what the partner would be told: for the page and for the act."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from verifications.models import RejectionReason, ReviewType, TokenType, Verification
from verifications.statuses import ARROWS, Action, Standing
from verifications.webhooks import outbox

EVENT = "IDENTIFICATION_MANUAL_FINISHED"


def fields(
    verification: Verification, action: Action, reasons: Sequence[RejectionReason]
) -> dict[str, Any]:
    """The fields that the decision sets. The machine's own findings are not among them."""
    common = {"review_type": ReviewType.MANUAL, "is_final": True}
    if action == Action.APPROVE:
        document_only = verification.token_type == TokenType.DOCUMENT
        return common | {
            "manual_face": "FACE_NOT_CHECKED" if document_only else "FACE_MATCH",
            "manual_document": "DOC_VALIDATED",
            "deny_reasons": [],
        }
    findings = {
        "manual_face": verification.manual_face,
        "manual_document": verification.manual_document,
    }
    # The first chosen reason of a kind wins, hence from the last to the first.
    findings |= {reason.sets: reason.code for reason in reversed(reasons) if reason.sets}
    return common | findings | {"deny_reasons": [reason.code for reason in reasons]}


def preview(
    verification: Verification,
    action: Action,
    reasons: Sequence[RejectionReason],
    message_to_applicant: str,
) -> outbox.Preview:
    """What the partner's systems would get, to the byte."""
    imagined, to = _imagined(verification, action, reasons)
    return outbox.preview(imagined, EVENT, to, message_to_applicant)


def digest(
    verification: Verification,
    action: Action,
    reasons: Sequence[RejectionReason],
    message_to_applicant: str,
) -> str:
    """Of the same bytes."""
    imagined, to = _imagined(verification, action, reasons)
    return outbox.digest(imagined, to, message_to_applicant)


def _imagined(
    verification: Verification, action: Action, reasons: Sequence[RejectionReason]
) -> tuple[Verification, Standing]:
    imagined = copy(verification)
    for name, value in fields(verification, action, reasons).items():
        setattr(imagined, name, value)
    return imagined, ARROWS[verification.standing, action]
