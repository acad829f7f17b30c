"""One function per table: the rows that one drawn verification has there.

A row is a dictionary by attribute name; what is left out gets the field's default, and a number
where the key is one. To add a table: write its function, and put it into TABLES.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import Model

from accounts import audit, sealing
from accounts.models import FIRST, AuditEntry, AuditHead, Kind
from tests.bench import words
from tests.bench.drawing import Choice, Drawn
from verifications import decisions, folding, models, outcomes, search, vault
from verifications.callbacks import effect
from verifications.models import (
    DeliveryState,
    Outcome,
    PhotoState,
    Stage,
    TagKind,
    Verification,
)
from verifications.statuses import ARROWS

Row = dict[str, Any]
KINDS = decisions.KINDS
MESSAGE = "Your photos could not be read. Please start again, by daylight and without a flash."
NOTE = "Compared side by side: the same person."


def raw(drawn: Drawn) -> bytes:
    return json.dumps(drawn.body, ensure_ascii=False, separators=(",", ":")).encode()


def received(drawn: Drawn) -> Row:
    """The columns as the intake left them."""
    status, suspected = drawn.standing
    return {
        "id": drawn.pk,
        "partner_id": drawn.partner.pk,
        "scan_ref": drawn.received.scan_ref,
        "status": status.value,
        "suspected": suspected,
        "callback_id": drawn.pk,
        "started_at": drawn.received.started_at,
        "created_at": drawn.received_at,
        "number_hash": _number_hash(drawn),
        **effect.data_fields(drawn.received),
        **effect.result_fields(drawn.received, drawn.kind.event),
    }


def _number_hash(drawn: Drawn) -> str:
    plain = search.plain_number(drawn.received.document_number)
    key = key_of(vault.Owner(drawn.partner.pk, vault.SEARCH))
    return sealing.keyed_hash(key, plain) if plain else ""


def key_of(owner: vault.Owner) -> bytes:
    """Not drawn by chance: it follows from the owner."""
    return hashlib.sha256(f"bench {owner.partner_id} {owner.name}".encode()).digest()


def data_key(owner: vault.Owner) -> Row:
    wrapped = sealing.wrap(key_of(owner), vault.place_of_key(owner))
    return {
        "partner_id": owner.partner_id,
        "owner": owner.name,
        "wrapped": wrapped,
        "master": sealing.master_of(wrapped),
    }


def owner_of(drawn: Drawn) -> vault.Owner:
    return vault.owner_of(drawn.partner.pk, drawn.received.scan_ref)


def in_hand(drawn: Drawn) -> Verification:
    """With its key, so that nothing is looked up."""
    owner = owner_of(drawn)
    it = Verification(pk=drawn.pk, partner_id=owner.partner_id, scan_ref=drawn.received.scan_ref)
    it.wrapped_key = data_key(owner)["wrapped"]
    return it


def data_keys(drawn: Drawn) -> Iterator[Row]:
    yield {"id": drawn.pk, **data_key(owner_of(drawn))}


def decided(drawn: Drawn, choice: Choice) -> Row:
    """The columns that a decision overwrote."""
    before = Verification(**received(drawn))
    to = ARROWS[drawn.standing, choice.action]
    return {
        "status": to.status.value,
        "suspected": to.suspected,
        "revision": 2,
        "decision_id": choice.key,
        "decided_by_id": choice.actor.user_id,
        **outcomes.fields(before, choice.action, choice.reasons),
    }


def verifications(drawn: Drawn) -> Iterator[Row]:
    yield received(drawn) | (decided(drawn, drawn.choice) if drawn.choice else {})


def callbacks(drawn: Drawn) -> Iterator[Row]:
    yield {
        "id": drawn.pk,
        "partner_id": drawn.partner.pk,
        "event": drawn.kind.event,
        # A body that is not built has the digest of its scan ref.
        "digest": hashlib.sha256(
            raw(drawn) if drawn.is_shown else drawn.received.scan_ref.encode()
        ).hexdigest(),
        "stage": Stage.ACCEPTED.value,
        "outcome": Outcome.APPLIED.value,
        "verification_id": drawn.pk,
        "overall": drawn.received.overall,
        "is_final": drawn.received.is_final,
        "finished_at": drawn.received.finished_at,
        "received_at": drawn.received_at,
    }


def callback_bodies(drawn: Drawn) -> Iterator[Row]:
    if drawn.is_shown:
        callback = models.ProviderCallback(pk=drawn.pk, partner_id=drawn.partner.pk)
        row = models.CallbackBody(callback=callback, owner=owner_of(drawn).name)
        sealed = vault.sealed(row, raw(drawn), of=in_hand(drawn))
        yield {"callback_id": drawn.pk, "owner": row.owner, "sealed": sealed}


def listed(drawn: Drawn) -> Row:
    """What stands beside, for the list."""
    return {
        "verification_id": drawn.pk,
        "partner_id": drawn.partner.pk,
        "started_at": drawn.received.started_at,
    }


def tags(drawn: Drawn) -> Iterator[Row]:
    told = drawn.received
    for kind, codes in ((TagKind.MISMATCH, told.mismatch_tags), (TagKind.FRAUD, told.fraud_tags)):
        for code in codes:
            yield listed(drawn) | {"kind": kind.value, "code": code}


def photos(drawn: Drawn) -> Iterator[Row]:
    """Fetched long ago: one drawing stands for all of them."""
    for kind in drawn.received.photos:
        if kind.endswith("_VIDEO"):
            state, why = PhotoState.UNUSABLE, "A video: only pictures are fetched."
        else:
            state, why = PhotoState.STORED, ""
        stored = state == PhotoState.STORED
        yield {
            "verification_id": drawn.pk,
            "kind": kind,
            "state": state.value,
            "why": why,
            "file_name": f"bench/{kind}.sealed" if stored else "",
            "content_type": "image/jpeg" if stored else "",
            "width": 900 if stored else 0,
            "height": 600 if stored else 0,
            "fetched_at": drawn.received_at if stored else None,
        }


def decision_rows(drawn: Drawn) -> Iterator[Row]:
    if not (choice := drawn.choice):
        return
    partner, to = drawn.partner, ARROWS[drawn.standing, choice.action]
    yield {
        "id": choice.key,
        "verification_id": drawn.pk,
        "partner_id": partner.pk,
        "action": choice.action.value,
        "from_status": drawn.standing.status.value,
        "from_suspected": drawn.standing.suspected,
        "to_status": to.status.value,
        "to_suspected": to.suspected,
        "revision": 2,
        "request_key": uuid.uuid5(choice.key, "request"),
        "decided_at": choice.at,
        "undoable_until": choice.at + timedelta(seconds=partner.undo_seconds),
        "actor_id": choice.actor.user_id,
        "role_name": choice.actor.role.name,
        "role_rank": choice.actor.role.rank,
        "may_approve": partner.may_approve,
        "may_deny": partner.may_deny,
        "pricing_model": partner.pricing_model,
        "plan": partner.plan,
    }


def decision_reasons(drawn: Drawn) -> Iterator[Row]:
    if choice := drawn.choice:
        for position, reason in enumerate(choice.reasons):
            yield listed(drawn) | {
                "decision_id": choice.key,
                "position": position,
                "code": reason.code,
                "label": reason.label,
            }


def decision_texts(drawn: Drawn) -> Iterator[Row]:
    if choice := drawn.choice:
        before = received(drawn) | {"has_new_data": False}
        former = {name: before[name] for name in decisions.FIELDS}
        decision = models.Decision(pk=choice.key, verification=in_hand(drawn))
        texts = vault.Texts(MESSAGE if choice.reasons else "", NOTE)
        sealed = vault.sealed_texts(models.DecisionText(decision=decision), texts)
        yield {"decision_id": choice.key, "sealed": sealed, "former": former}


def _delivery(drawn: Drawn) -> tuple[uuid.UUID, DeliveryState] | None:
    """Where somebody listens, each decision was sent; a few wait, a few were given up."""
    if not drawn.choice or not drawn.house.endpoint:
        return None
    key = uuid.uuid5(drawn.choice.key, "delivery")
    luck = key.int % 100
    if luck == 0:
        return key, DeliveryState.GIVEN_UP
    waits = drawn.is_shown and luck < 4
    return key, DeliveryState.WAITING if waits else DeliveryState.DELIVERED


def deliveries(drawn: Drawn) -> Iterator[Row]:
    if (delivery := _delivery(drawn)) and drawn.choice and drawn.house.endpoint:
        key, state = delivery
        at, waits = drawn.choice.at, state == DeliveryState.WAITING
        yield {
            "id": key,
            "endpoint_id": drawn.house.endpoint.pk,
            "partner_id": drawn.partner.pk,
            "verification_id": drawn.pk,
            "decision_id": drawn.choice.key,
            "event": outcomes.EVENT,
            "sequence": 1,
            "state": state.value,
            "attempts": 1,
            "queued_at": at,
            "due_at": at + timedelta(hours=12),
            "settled_at": None if waits else at + timedelta(seconds=12),
            "last_code": 200 if state == DeliveryState.DELIVERED else 503,
        }


def delivery_bodies(drawn: Drawn) -> Iterator[Row]:
    if drawn.is_shown and (delivery := _delivery(drawn)):
        message = models.WebhookDelivery(pk=delivery[0], verification=in_hand(drawn))
        sealed = vault.sealed(models.DeliveryBody(delivery=message), raw(drawn))
        yield {"delivery_id": delivery[0], "sealed": sealed}


def attempts(drawn: Drawn) -> Iterator[Row]:
    if (delivery := _delivery(drawn)) and drawn.choice:
        yield {
            "delivery_id": delivery[0],
            "number": 1,
            "started_at": drawn.choice.at + timedelta(seconds=11),
            "milliseconds": 40 + drawn.pk % 400,
            "code": 200 if delivery[1] == DeliveryState.DELIVERED else 503,
        }


def notes(drawn: Drawn) -> Iterator[Row]:
    if drawn.choice and drawn.is_shown:
        key = uuid.uuid5(drawn.choice.key, "note")
        note = models.Note(verification=in_hand(drawn), request_key=key)
        yield {
            "verification_id": drawn.pk,
            "author_id": drawn.choice.actor.user_id,
            "sealed": vault.sealed(note, NOTE.encode()),
            "request_key": key,
            "written_at": drawn.choice.at,
        }


def audit_entries(drawn: Drawn) -> Iterator[Row]:
    """The chain of the verification: received, and what was decided."""
    yield from _chain(drawn)


def audit_heads(drawn: Drawn) -> Iterator[Row]:
    *_, last = _chain(drawn)
    yield {"stream": last["stream"], "seq": last["seq"], "digest": last["digest"]}


def _chain(drawn: Drawn) -> list[Row]:
    created = {"to": str(drawn.standing), "revision": 1}
    chain = [_entry(drawn, None, Kind.CREATED, drawn.received_at, None, created)]
    if choice := drawn.choice:
        facts = {
            "from": str(drawn.standing),
            "to": str(ARROWS[drawn.standing, choice.action]),
            "revision": 2,
            "decision": str(choice.key),
            "reasons": [reason.code for reason in choice.reasons],
            "role": choice.actor.role.name,
        }
        actor, kind = choice.actor.user_id, KINDS[choice.action]
        chain.append(_entry(drawn, chain[0], kind, choice.at, actor, facts))
    return chain


def _entry(
    drawn: Drawn, former: Row | None, kind: Kind, at: Any, actor: int | None, facts: Row
) -> Row:
    told = {
        "stream": f"v/{drawn.pk}",
        "seq": former["seq"] + 1 if former else 1,
        "prev": former["digest"] if former else FIRST,
        "kind": kind.value,
        "at": at.isoformat(timespec="microseconds"),
        "actor": actor,
        "partner": drawn.partner.pk,
        "subject": f"verification:{drawn.received.scan_ref}",
    }
    body = audit.canonical({**told, "facts": facts})
    return {**told, "at": at, "body": body, "digest": audit.digest_of(body)}


class Table(NamedTuple):
    model: type[Model]
    rows: Callable[[Drawn], Iterator[Row]]


TABLES = [
    Table(models.DataKey, data_keys),
    Table(models.Verification, verifications),
    Table(models.ProviderCallback, callbacks),
    Table(models.CallbackBody, callback_bodies),
    Table(models.Tag, tags),
    Table(models.Photo, photos),
    Table(models.DecisionReason, decision_reasons),
    Table(models.Decision, decision_rows),
    Table(models.DecisionText, decision_texts),
    Table(models.WebhookDelivery, deliveries),
    Table(models.DeliveryBody, delivery_bodies),
    Table(models.WebhookAttempt, attempts),
    Table(models.Note, notes),
    Table(AuditEntry, audit_entries),
    Table(AuditHead, audit_heads),
]


def sums() -> None:
    """Of the counters, from the rows."""
    for _ in folding.repair():
        pass


# What is counted or derived from all rows once they stand: functions without arguments, run before
# indexes, foreign keys and guards are put back.
AFTERWARDS: list[Callable[[], None]] = [words.index_names]
# What is faster once they are back.
BY_INDEX: list[Callable[[], None]] = [sums]
