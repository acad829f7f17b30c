"""Nouns. Import them from here."""

from verifications.models.callback import CallbackBody, Outcome, ProviderCallback, Stage
from verifications.models.chore import FOLDING, Chore
from verifications.models.counter import EVER, Counter, CounterChange, Measure
from verifications.models.data_key import DataKey
from verifications.models.decision import Decision, DecisionReason, DecisionText
from verifications.models.disposal import (
    Disposal,
    DisposalKind,
    Hold,
    HoldReason,
    LostFile,
    ReleaseReason,
)
from verifications.models.findings import Photo, PhotoState, Tag, TagKind
from verifications.models.name import NameSuffix, NameUse, NameWord
from verifications.models.note import Note
from verifications.models.reason import ReasonGroup, RejectionReason, Sets
from verifications.models.saved_view import SavedView
from verifications.models.verification import (
    ReviewType,
    TokenType,
    Verification,
)
from verifications.models.verification_rows import (
    SEAT,
    Seat,
    VerificationQuerySet,
    begins,
    next_after,
)
from verifications.models.webhook import (
    TROUBLED,
    TRYING,
    UNSETTLED,
    WANTED,
    AttemptAnswer,
    DeliveryBody,
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

__all__ = [
    "EVER",
    "FOLDING",
    "SEAT",
    "TROUBLED",
    "TRYING",
    "UNSETTLED",
    "WANTED",
    "AttemptAnswer",
    "CallbackBody",
    "Chore",
    "Counter",
    "CounterChange",
    "DataKey",
    "Decision",
    "DecisionReason",
    "DecisionText",
    "DeliveryBody",
    "DeliveryState",
    "Disposal",
    "DisposalKind",
    "Hold",
    "HoldReason",
    "LostFile",
    "Measure",
    "NameSuffix",
    "NameUse",
    "NameWord",
    "Note",
    "Outcome",
    "Photo",
    "PhotoState",
    "ProviderCallback",
    "ReasonGroup",
    "RejectionReason",
    "ReleaseReason",
    "ReviewType",
    "SavedView",
    "Seat",
    "Sets",
    "Stage",
    "Tag",
    "TagKind",
    "TokenType",
    "Verification",
    "VerificationQuerySet",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "begins",
    "next_after",
]
