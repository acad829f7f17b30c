"""One size of the data: its database, who is signed in there, and what cases need to know."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Count

from accounts.models import Membership, Partner, User
from tests.bench import browser, elsewhere
from verifications import decisions, folding, keyset, vault
from verifications.callbacks import intake, provider
from verifications.demo import samples
from verifications.models import ProviderCallback, RejectionReason, Verification
from verifications.statuses import Action


@dataclass
class Place:
    rows: int
    connection: Any
    partner: Partner
    admin: Membership
    ours: browser.Browser
    stock: browser.Browser
    # A row in the middle that has all references; a later page begins there.
    middle: Verification
    document_number: str
    few_events: str
    many_events: str
    reason: str

    @contextmanager
    def entered(self) -> Iterator[None]:
        usual = connections["default"]
        connections["default"] = self.connection
        try:
            yield
        finally:
            connections["default"] = usual

    @property
    def later(self) -> str:
        return str(keyset.Position(self.middle.started_at, self.middle.pk))


def stand(rows: int, application: Any, stock: Any, *, keep: bool = False) -> Place:
    """Builds or finds the rows in a database next to the default one."""
    with elsewhere.beside(rows, keep=keep):
        return here(rows, application, stock)


def here(rows: int, application: Any, stock: Any) -> Place:
    """Signs people in where the default connection is, and gives one verification 30 events."""
    partner = Partner.objects.get(key="bench-01")
    user = User.objects.get(email="bea@bench-01.example")
    peer = User.objects.filter(email="peer@bench.example").first()
    peer = peer or User.objects.create_superuser("peer@bench.example", name="Peer")
    admin = Membership.objects.select_related("user", "partner", "role").get(user=user)
    own = Verification.objects.filter(partner=partner)
    middle = own.exclude(external_ref="").exclude(number_hash="")
    shown = own.filter(callback__body__isnull=False, decision=None, status="APPROVED")
    few, many = shown.annotate(told=Count("callbacks")).order_by("told", "-pk")[:2]
    _fill_timeline(admin, many)
    # As a worker would have done by now: each bench writes more, and the database may be kept.
    folding.fold()
    return Place(
        rows=rows,
        connection=connections["default"],
        partner=partner,
        admin=admin,
        ours=browser.ours(application, user),
        stock=browser.stock(stock, peer),
        middle=middle.filter(pk__gte=rows // 2).order_by("pk")[0],
        document_number=_number(partner),
        few_events=few.scan_ref,
        many_events=many.scan_ref,
        reason=RejectionReason.objects.filter(partner=None, is_active=True)[0].code,
    )


def _number(partner: Partner) -> str:
    """Kept sealed: where one searches by it, one has read it. Of a row that was built: what the
    bench brings in all has the same.
    """
    read = ProviderCallback.objects.filter(partner=partner, body__isnull=False)
    read = read.exclude(verification__number_hash="").exclude(verification=None)
    callback = read.order_by("pk")[0]
    return provider.read(vault.opened(callback.body), callback.event)["data"]["docNumber"]


def _fill_timeline(admin: Membership, verification: Verification) -> None:
    """Ten decisions, a delivery of each, and nine callbacks that move nothing."""
    for number in range(9):
        body = samples.body("24") | {"scanRef": verification.scan_ref, "told": number}
        intake.receive(admin.partner, provider.EXPIRATION, json.dumps(body).encode())
    reason = RejectionReason.objects.offered_to(admin.partner)[:1]
    for number in range(10):
        action = Action.APPROVE if number % 2 else Action.DENY
        intent = decisions.Intent(
            action=action,
            seen_revision=verification.revision + number,
            request_key=uuid.uuid4(),
            reasons=[] if number % 2 else reason,
            internal_note="Seen again.",
        )
        decisions.decide(admin, verification.scan_ref, intent)
