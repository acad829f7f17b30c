"""Nouns: people and partners, invitations, letters, support’s rights, and the log of it all."""

from accounts.models.audit import (
    FIRST,
    OF_NO_PARTNER,
    AppendOnly,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    Kind,
)
from accounts.models.invitation import Invitation
from accounts.models.letter import Letter
from accounts.models.people import (
    Membership,
    Partner,
    Plan,
    PricingModel,
    Rank,
    Role,
    Theme,
    User,
    names_of,
    new_callback_key,
)
from accounts.models.rights import RightsRequest, RightsState
from accounts.models.session import Session

__all__ = [
    "FIRST",
    "OF_NO_PARTNER",
    "AppendOnly",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "Invitation",
    "Kind",
    "Letter",
    "Membership",
    "Partner",
    "Plan",
    "PricingModel",
    "Rank",
    "RightsRequest",
    "RightsState",
    "Role",
    "Session",
    "Theme",
    "User",
    "names_of",
    "new_callback_key",
]
