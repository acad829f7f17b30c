"""Where rows are sealed and opened: the only place that does.

Each verification has a data key of its own. It seals all that tells of the applicant, and with its
row that is erased. A key once looked up stays with the verification or the callback in hand, and
goes with it.
"""

import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from accounts import sealing
from accounts.insertions import insert_missing
from accounts.models import Partner
from accounts.sealing import DoesNotOpen
from accounts.statements import Slot, Statement
from verifications import search
from verifications.models import (
    AttemptAnswer,
    CallbackBody,
    DataKey,
    Decision,
    DecisionText,
    DeliveryBody,
    Note,
    Photo,
    ProviderCallback,
    Verification,
    WebhookDelivery,
)

__all__ = [
    "DoesNotOpen",
    "Texts",
    "erase",
    "number_hash",
    "opened",
    "owner_of",
    "owner_of_unread",
    "presume_new",
    "sealed",
    "sealed_texts",
    "share",
    "texts",
    "with_keys",
    "with_search_key",
]

log = logging.getLogger(__name__)

# Owners beside verifications: the secret of keyed hashes, and what tells of nobody.
SEARCH, PARTNER = "search", "partner"
# And before the scan ref of a verification.
SCAN = "scan/"

Row = CallbackBody | DeliveryBody | AttemptAnswer | DecisionText | Note | Photo
# What keeps the keys that were looked up for it.
Holder = Verification | ProviderCallback


class Owner(NamedTuple):
    partner_id: int
    name: str


class Texts(NamedTuple):
    """What was written with a decision, by who reads it."""

    message_to_applicant: str = ""
    internal_note: str = ""


@dataclass
class Drawer:
    """All that is sealed of one owner, with its wrapped key; None: it has none, or no longer."""

    owner: Owner
    wrapped: bytes | None = field(repr=False)

    def key_to_seal(self) -> bytes:
        if self.wrapped is None:
            self._make_key()
        return self.key

    def _make_key(self) -> None:
        """Of two that make it at once, both go on with the one that was kept."""
        key = sealing.new_key()
        wrapped = sealing.wrap(key, place_of_key(self.owner))
        row = DataKey(partner_id=self.owner.partner_id, owner=self.owner.name, wrapped=wrapped)
        row.master = sealing.master_of(wrapped)
        if insert_missing(row):
            self.wrapped, self.key = wrapped, key
        else:
            self.wrapped = _found(self.owner)

    @cached_property
    def key(self) -> bytes:
        """Raises DoesNotOpen where there is none, or we do not have its master."""
        if self.wrapped is None:
            raise DoesNotOpen
        return sealing.unwrap(self.wrapped, place_of_key(self.owner))


def with_keys(rows: QuerySet[Verification]) -> QuerySet[Verification]:
    """Each brings its own key along, so that nobody asks for it later."""
    name = Concat(Value(SCAN), OuterRef("scan_ref"))
    its_own = DataKey.objects.filter(partner=OuterRef("partner"), owner=name)
    return rows.annotate(wrapped_key=Subquery(its_own.values("wrapped")))  # type: ignore[no-redef]


def with_search_key(rows: QuerySet[Partner]) -> QuerySet[Partner]:
    """Each brings the key under which its document numbers are hashed."""
    its_own = DataKey.objects.filter(partner=OuterRef("pk"), owner=SEARCH)
    return rows.annotate(search_key=Subquery(its_own.values("wrapped")))  # type: ignore[no-redef]


def presume_new(holder: Holder, owner: Owner) -> None:
    """Its key is made without asking first whether there is one: most likely there is none."""
    _held(holder)[owner] = Drawer(owner, None)


def share(holder: Holder, other: Holder) -> None:
    """What was looked up for one is in hand for the other too."""
    vars(other)["_drawers"] = _held(other) | _held(holder)


def owner_of(partner_id: int, scan_ref: str) -> Owner:
    """Of everything of one verification, also of bodies that came before there was a row of it."""
    return Owner(partner_id, SCAN + scan_ref)


def owner_of_unread(callback: ProviderCallback) -> Owner:
    """Of a body that tells nobody whose it is."""
    return Owner(callback.partner_id, f"callback/{callback.pk}")


def sealed(row: Row, content: bytes, column: str = "sealed", *, of: Holder | None = None) -> bytes:
    """What the column of this row shall hold. `of` may have the key in hand already.

    Raises DoesNotOpen where the owner's key is not ours to use.
    """
    owner, mark = _belongs(row)
    key = _drawer(owner, of or _holder(row)).key_to_seal()
    return sealing.seal(key, content, _place(row, column, mark, owner))


def opened(
    row: Row,
    column: str = "sealed",
    *,
    content: bytes | None = None,
    of: Holder | None = None,
) -> bytes:
    """What stands sealed in the column, or in a file of this row's that is handed in.

    Raises DoesNotOpen, when that is in the log.
    """
    owner, mark = _belongs(row)
    raw = bytes(getattr(row, column)) if content is None else content
    try:
        key = _drawer(owner, of or _holder(row)).key
        return sealing.unseal(key, raw, _place(row, column, mark, owner))
    except DoesNotOpen:
        log.error("%s %s of %s does not open", row._meta.label, column, row.pk)
        raise


def sealed_texts(row: DecisionText, told: Texts) -> bytes:
    return sealed(row, json.dumps(told).encode())


def texts(decision: Decision) -> Texts:
    """Of an undo, which has none, they are empty. Raises DoesNotOpen."""
    row = getattr(decision, "text", None)
    return Texts(*json.loads(opened(row))) if row else Texts()


def search_owner(partner_id: int) -> Owner:
    """Of the secret by which document numbers are hashed."""
    return Owner(partner_id, SEARCH)


def number_hash(
    partner_id: int, number: str, *, to_keep: bool = False, of: Holder | None = None
) -> str:
    """By which a document number is found; empty where nothing can be found by it."""
    plain = search.plain_number(number)
    if not plain:
        return ""
    drawer = _drawer(search_owner(partner_id), of)
    try:
        if drawer.wrapped is None:
            if not to_keep:
                return ""
            # Not in hand for longer: a key that is made may be rolled back.
            drawer = Drawer(drawer.owner, None)
        return sealing.keyed_hash(drawer.key_to_seal(), plain)
    except DoesNotOpen:
        log.error("the search key of partner %s does not open", partner_id)
        if to_keep:
            raise
        return ""


def erase(owner: Owner) -> bool:
    """Whatever was sealed of this owner never opens again, in no copy and no backup."""
    gone, _ = DataKey.objects.filter(partner=owner.partner_id, owner=owner.name).delete()
    return bool(gone)


def _belongs(row: Row) -> tuple[Owner, str]:
    """Whose key opens the row, and which of this owner's rows it is."""
    match row:
        case CallbackBody():
            return Owner(row.callback.partner_id, row.owner), str(row.callback_id)
        case DeliveryBody():
            return _owner_of_delivery(row.delivery), str(row.delivery_id)
        case AttemptAnswer():
            return _owner_of_delivery(row.attempt.delivery), str(row.attempt_id)
        case DecisionText():
            it, mark = row.decision.verification, str(row.decision_id)
        case Note():
            it, mark = row.verification, str(row.request_key)
        case Photo():
            it, mark = row.verification, row.kind
    return owner_of(it.partner_id, it.scan_ref), mark


def _owner_of_delivery(delivery: WebhookDelivery) -> Owner:
    it = delivery.verification
    return owner_of(it.partner_id, it.scan_ref) if it else Owner(delivery.partner_id, PARTNER)


def _holder(row: Row) -> Holder | None:
    match row:
        case CallbackBody():
            return row.callback
        case DeliveryBody():
            return row.delivery.verification
        case AttemptAnswer():
            return row.attempt.delivery.verification
        case DecisionText():
            return row.decision.verification
    return row.verification


def _place(row: Row, column: str, mark: str, owner: Owner) -> sealing.Place:
    return sealing.Place(row._meta.db_table, column, mark, str(owner.partner_id), owner.name)


def _drawer(owner: Owner, holder: Holder | None) -> Drawer:
    if holder is None:
        return Drawer(owner, _found(owner))
    held = _held(holder)
    if owner not in held:
        held[owner] = Drawer(owner, _brought(owner, holder) or _found(owner))
    return held[owner]


def _held(holder: Holder) -> dict[Owner, Drawer]:
    held: dict[Owner, Drawer] = vars(holder).setdefault("_drawers", {})
    return held


def _brought(owner: Owner, holder: Holder) -> bytes | None:
    if owner.name == SEARCH:
        wrapped = vars(holder.partner).get("search_key")
    elif isinstance(holder, Verification) and owner == owner_of(holder.partner_id, holder.scan_ref):
        wrapped = vars(holder).get("wrapped_key")
    else:
        return None
    return None if wrapped is None else bytes(wrapped)


def _found(owner: Owner) -> bytes | None:
    rows = KEY.rows(partner=owner.partner_id, owner=owner.name)
    return bytes(rows[0][0]) if rows else None


OF_OWNER = DataKey.objects.filter(partner=Slot("partner"), owner=Slot("owner"))
KEY = Statement(lambda: OF_OWNER.order_by().values_list("wrapped"))


def place_of_key(owner: Owner) -> sealing.Place:
    table = DataKey._meta.db_table
    return sealing.Place(table, "wrapped", "", str(owner.partner_id), owner.name)
