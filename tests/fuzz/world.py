"""One of everything: people in every role, another partner, and where each address leads to it."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts import access, audit, rights
from accounts.models import Kind, Partner, User
from tests import factories
from verifications import decisions
from verifications.callbacks import intake
from verifications.models import (
    RejectionReason,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import Action
from verifications.webhooks import outbox

ROLES = ("anonymous", "viewer", "member", "moderator", "admin", "outsider", "support")
VERA = "vera@northbank.example"
PLACE = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
# Django's own patterns that are expressions, not routes.
EXPRESSIONS = {
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$": (
        "accounts/password/reset/key/1-set-password/"
    ),
    "admin/^(?P<app_label>accounts|verifications)/$": "admin/accounts/",
    "admin/(?P<url>.*)$": "admin/nothing",
}


@dataclass
class World:
    """`marked` goes into the body of the other partner's verification, to be looked for."""

    marked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.northbank = factories.NorthbankFactory()
        self.southpay = factories.SouthpayFactory()
        self.people: dict[str, User | AnonymousUser] = {
            "anonymous": AnonymousUser(),
            "viewer": factories.person("Vera Bell", self.northbank, 10),
            "member": factories.person("Mia Kern", self.northbank, 20),
            "moderator": factories.person("Mo Salim", self.northbank, 30),
            "admin": factories.person("Ada Lind", self.northbank, 40),
            "outsider": factories.person("Otto Falk", self.southpay, 40),
            "support": factories.support("Sue Park"),
        }
        self.mine = _verification(self.northbank)
        self.theirs = _verification(self.southpay, scanRef="southpay-1", data=self.marked)
        self.endpoint = factories.endpoint(self.northbank)
        self.other_endpoint = factories.endpoint(self.southpay, name="SOUTHPAY-ENDPOINT")
        self.delivery = _delivery(self.mine, self.endpoint)
        self.other_delivery = _delivery(self.theirs, self.other_endpoint)
        self.decided = _verification(self.northbank, "03")
        _approve(self.people["admin"], self.decided)
        # Of which nobody is being told any more.
        self.settled = _verification(self.northbank, "01")
        self.reason = RejectionReason.objects.create(
            partner=self.northbank, code="NORTHBANK_OWN", label="Own", group="other"
        )
        root = User.objects.create_superuser("root@support.example", name="Root")
        rights.propose(self.people["member"], rights.Rights(is_staff=True), actor=root)
        self.invitation = factories.invitation(self.northbank, self.people["admin"])
        self.other_invitation = factories.invitation(self.southpay, self.people["outsider"])
        self.view = factories.saved_view(self.people["admin"])
        self.other_view = factories.saved_view(self.people["outsider"], "SOUTHPAY-VIEW")
        audit.record(
            Kind.VIEWED,
            actor=self.people["outsider"],
            partner=self.southpay,
            subject=self.theirs.audit_subject,
            stream="p/south",
            photos=[],
        )

    def store_photos(self) -> None:
        """Where the settings say: tests say so first."""
        for it in (self.mine, self.theirs):
            factories.store(it.photos.get(kind="FRONT"), factories.jpeg())

    def path(self, pattern: str, *, is_foreign: bool = False) -> str:
        """An address of this pattern that leads to something."""
        if pattern in EXPRESSIONS:
            return "/" + EXPRESSIONS[pattern]
        return "/" + PLACE.sub(lambda match: self._at(pattern, match[1], is_foreign), pattern)

    def _at(self, pattern: str, place: str, is_foreign: bool) -> str:
        settled = self.settled if "dispose" in pattern else self.mine
        it = self.theirs if is_foreign else settled
        endpoint = self.other_endpoint if is_foreign else self.endpoint
        delivery = self.other_delivery if is_foreign else self.delivery
        known = {
            "scan_ref": it.scan_ref,
            "kind": "FRONT",
            "tag_id": self._tag(it),
            "pk": self._number(pattern, is_foreign) if "endpoints" not in pattern else endpoint.pk,
            "token": "A" * 43,
            "key": delivery.pk,
            "partner_key": it.partner.key,
            "object_id": self._row(pattern) if place == "object_id" else "",
        }
        return str(known[place])

    def _number(self, pattern: str, is_foreign: bool) -> int:
        if "invitations" in pattern:
            return (self.other_invitation if is_foreign else self.invitation).pk
        if pattern.startswith("saved/"):
            return (self.other_view if is_foreign else self.view).pk
        if pattern.startswith("team/"):
            role = "outsider" if is_foreign else "viewer"
            return factories.membership(self.people[role]).pk
        return 1

    def _tag(self, it: Verification) -> int:
        tag = it.tags.filter(kind="mismatch").first()
        return tag.pk if tag else 0

    def _row(self, pattern: str) -> object:
        _, app, model, *_ = pattern.split("/")
        if model == "partner":
            return self.northbank.pk
        rows = apps.get_model(app, model).objects.order_by("-pk")
        if model in ("user", "membership"):
            rows = rows.filter(**{"email" if model == "user" else "user__email": VERA})
        return rows.values_list("pk", flat=True)[0]


def _verification(partner: Partner, number: str = "07", **changes: object) -> Verification:
    event, raw = factories.sample(number, **changes)
    receipt = intake.receive(partner, event, raw)
    assert receipt.callback.verification
    return Verification.objects.get(pk=receipt.callback.verification.pk)


def _delivery(verification: Verification, endpoint: WebhookEndpoint) -> WebhookDelivery:
    made = outbox.queue_present_state(verification, endpoint, endpoint.events[0], "")
    WebhookAttempt.objects.create(
        delivery=made, number=1, code=500, started_at=made.queued_at, milliseconds=1
    )
    return made


def _approve(user: User, it: Verification) -> None:
    intent = decisions.Intent(
        action=Action.APPROVE, seen_revision=it.revision, request_key=uuid.uuid4()
    )
    decisions.decide(factories.membership(user), it.scan_ref, intent)


def stay_here(photos: str) -> dict[str, Any]:
    """The storages with photos below this folder."""
    options = {**settings.STORAGES["photos"]["OPTIONS"], "location": photos}
    return {
        **settings.STORAGES,
        "photos": {**settings.STORAGES["photos"], "OPTIONS": options},
    }


def patterns() -> list[str]:
    return [pattern for pattern, _ in access.views()]
