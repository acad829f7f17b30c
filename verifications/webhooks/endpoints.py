"""A partner's endpoints: added, changed, paused, given another key, removed, and tried out.

Each change is in the audit log by what was changed; keys, headers and paths are secrets and are not
in it.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Kind, Partner, User
from accounts.sealing import DoesNotOpen
from verifications.models import UNSETTLED, DeliveryState, WebhookDelivery, WebhookEndpoint
from verifications.models.webhook import new_signing_key
from verifications.webhooks import outbox

# Each decision is written down once for every endpoint.
MOST = 20
FORMER_KEY_HOLDS = timedelta(days=1)


@dataclass(frozen=True)
class Wanted:
    """What a partner may choose of an endpoint."""

    name: str
    address: str
    events: list[str]
    headers: dict[str, str]


class Stale(Exception):
    """Somebody changed it since the page was drawn."""


class Gone(Exception):
    """It was removed."""


class NameTaken(Exception):
    def __init__(self, endpoint: WebhookEndpoint) -> None:
        super().__init__(endpoint.name)
        self.endpoint = endpoint


class TooMany(Exception):
    pass


class SwitchedOff(Exception):
    """Nothing is sent to it; what is queued waits."""


@transaction.atomic
def add(partner: Partner, wanted: Wanted, actor: User, *, is_active: bool) -> WebhookEndpoint:
    """Raises NameTaken or TooMany."""
    partner = Partner.objects.select_for_update().get(pk=partner.pk)
    if standing(partner).count() >= MOST:
        raise TooMany
    _keep_names_apart(partner, wanted.name)
    endpoint = WebhookEndpoint.objects.create(
        partner=partner, is_active=is_active, **asdict(wanted)
    )
    _record(endpoint, actor, "added", **_told(wanted), active=is_active)
    return endpoint


@transaction.atomic
def change(
    endpoint: WebhookEndpoint, wanted: Wanted, actor: User, *, seen_revision: int
) -> WebhookEndpoint:
    """Nothing to change is no change. Raises Gone, Stale or NameTaken."""
    partner = Partner.objects.select_for_update().get(pk=endpoint.partner_id)
    row = _locked(endpoint, seen_revision)
    _keep_names_apart(partner, wanted.name, but=row)
    changed = [name for name, value in asdict(wanted).items() if _differs(row, name, value)]
    if changed:
        for name in changed:
            setattr(row, name, getattr(wanted, name))
        _save(row, *("sealed_headers" if name == "headers" else name for name in changed))
        _record(row, actor, "changed", changed=changed, **_told(wanted))
    return row


def _differs(row: WebhookEndpoint, name: str, value: object) -> bool:
    """Headers that do not open any more differ from all that is wanted."""
    try:
        return bool(getattr(row, name) != value)
    except DoesNotOpen:
        return True


@transaction.atomic
def rotate_key(endpoint: WebhookEndpoint, actor: User, *, seen_revision: int) -> WebhookEndpoint:
    """The former key signs along for a day; one before that ends now. Raises Gone or Stale."""
    row = _locked(endpoint, seen_revision)
    row.former_key, row.signing_key = _key_of(row), new_signing_key()
    row.former_key_until = timezone.now() + FORMER_KEY_HOLDS
    _save(row, "sealed_former_key", "sealed_signing_key", "former_key_until")
    until = row.former_key_until.isoformat(timespec="seconds")
    _record(row, actor, "key rotated", former_key_until=until)
    return row


def _key_of(row: WebhookEndpoint) -> str:
    """One that does not open any more cannot sign along: none."""
    try:
        return row.signing_key
    except DoesNotOpen:
        return ""


@transaction.atomic
def pause(endpoint: WebhookEndpoint, actor: User) -> WebhookEndpoint:
    """What is queued waits; a message that is being sent still arrives. Raises Gone."""
    return _switch(endpoint, actor, to=False)


@transaction.atomic
def resume(endpoint: WebhookEndpoint, actor: User) -> WebhookEndpoint:
    """Whoever switched it off, and why, is over; the queue goes on. Raises Gone."""
    return _switch(endpoint, actor, to=True)


@transaction.atomic
def remove(endpoint: WebhookEndpoint, actor: User, *, seen_revision: int) -> WebhookEndpoint:
    """For good; the worker gives up what waits, the history stays. Raises Gone or Stale."""
    row = _locked(endpoint, seen_revision)
    row.removed_at = timezone.now()
    _save(row, "removed_at")
    waiting = row.deliveries.filter(UNSETTLED).count()
    _record(row, actor, "removed", waiting=waiting)
    return row


@transaction.atomic
def send_test(endpoint: WebhookEndpoint, actor: User) -> WebhookDelivery:
    """One at a time: where a test waits, it is that one. Raises Gone or SwitchedOff."""
    row = _locked(endpoint)
    if not row.is_active:
        raise SwitchedOff
    tests = row.deliveries.filter(verification=None, state=DeliveryState.WAITING)
    if waiting := tests.first():
        return waiting
    delivery = outbox.queue_test(row)
    audit.record(
        Kind.DELIVERY_RESENT,
        actor=actor,
        partner=row.partner,
        subject=row.audit_subject,
        stream=row.audit_stream,
        delivery=str(delivery.pk),
        what="a test",
    )
    return delivery


def standing(partner: Partner) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(partner=partner, removed_at=None)


def _keep_names_apart(partner: Partner, name: str, but: WebhookEndpoint | None = None) -> None:
    """Lists tell endpoints apart by their names; the caller holds the partner's lock."""
    others = standing(partner)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if other := others.filter(name__iexact=name).first():
        raise NameTaken(other)


def _locked(endpoint: WebhookEndpoint, seen_revision: int | None = None) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.select_for_update(of=("self",)).select_related("partner")
    row = rows.get(pk=endpoint.pk)
    if row.removed_at:
        raise Gone
    if seen_revision not in (None, row.revision):
        raise Stale
    return row


def _switch(endpoint: WebhookEndpoint, actor: User, *, to: bool) -> WebhookEndpoint:
    row = _locked(endpoint)
    if row.is_active != to:
        row.is_active, row.switched_off_why = to, ""
        _save(row, "is_active", "switched_off_why")
        _record(row, actor, "resumed" if to else "paused", active=to)
    return row


def _save(row: WebhookEndpoint, *fields: str) -> None:
    row.revision += 1
    row.save(update_fields=[*fields, "revision"])


def _told(wanted: Wanted) -> dict[str, str | list[str]]:
    """Where messages go and which; a path may hold a secret, as headers do."""
    return {
        "host": urlsplit(wanted.address).netloc,
        "events": wanted.events,
        "headers": sorted(wanted.headers),
    }


def _record(
    endpoint: WebhookEndpoint, actor: User, what: str, **facts: str | int | bool | list[str]
) -> None:
    audit.record(
        Kind.ENDPOINT_CHANGED,
        actor=actor,
        partner=endpoint.partner,
        subject=endpoint.audit_subject,
        stream=endpoint.audit_stream,
        what=what,
        **facts,
    )
