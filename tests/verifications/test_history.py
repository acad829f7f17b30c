"""Whoever changes rows past the program is found by what the audit log tells of them."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CheckConstraint, F, Model

from accounts.models import User
from tests import factories
from tests.accounts.test_audit_proof import log, tried
from tests.verifications.test_decisions import decide
from verifications import history
from verifications.history import deeds
from verifications.models import (
    CallbackBody,
    DataKey,
    Decision,
    DecisionReason,
    Disposal,
    Hold,
    Note,
    Photo,
    ProviderCallback,
    Tag,
    Verification,
)
from verifications.statuses import Action

__all__ = ["log"]
pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def the(name: str) -> Verification:
    return Verification.objects.get(scan_ref=name)


def change(model: type[Model], **columns: Any) -> Callable[[], None]:
    """Of all rows, past triggers."""
    return lambda: change_of(model, columns)


def change_of(model: type[Model], columns: dict[str, Any]) -> None:
    assert model._default_manager.update(**columns)


def delete(model: type[Model]) -> Callable[[], None]:
    return lambda: delete_of(model)


def delete_of(model: type[Model]) -> None:
    assert model._default_manager.all()._raw_delete("default")


def another() -> User:
    return factories.UserFactory(name="Xeno Moor")


def forge_a_disposal() -> None:
    it = Verification.objects.filter(disposed_at=None, holds=None).earliest("pk")
    Disposal.objects.create(
        verification=it,
        partner=it.partner,
        kind="retention",
        submitted_at=it.started_at,
        status=it.status,
        suspected=it.suspected,
        review_type=it.review_type,
    )


def forge_a_decision() -> None:
    forged = Decision.objects.filter(action=Action.APPROVE).earliest("decided_at")
    forged.pk, forged.verification, forged.supersedes = uuid.uuid4(), the("kept"), None
    forged._state.adding = True
    forged.save()


def bring_a_body_back() -> None:
    callback = ProviderCallback.objects.get(verification=the("gone"))
    CallbackBody.objects.create(callback=callback, owner="scan/gone", sealed=b"x")


def bring_a_key_back() -> None:
    partner = the("gone").partner
    DataKey.objects.create(partner=partner, owner="scan/gone", wrapped=b"x", master="x")


def bring_back(model: type[Model], **columns: Any) -> Callable[[], None]:
    return lambda: bring_back_of(model, columns)


def bring_back_of(model: type[Model], columns: dict[str, Any]) -> None:
    it = the("gone")
    row = model(verification=it, **columns)
    if isinstance(row, Tag):
        row = Tag.of(it, **columns)
    row.save()


def bring_a_name_back() -> None:
    Verification.objects.filter(scan_ref="gone").update(external_ref="Alma Veske")


def take_a_disposal_back() -> None:
    Verification.objects.filter(scan_ref="gone").update(disposed_at=None, status="APPROVED")
    Disposal.objects.all()._raw_delete("default")


def lose_a_verification_and_all_its_rows() -> None:
    it = the("kept")
    for model in (Hold, Note, Tag, Photo):
        model.objects.filter(verification=it)._raw_delete("default")  # type: ignore[attr-defined]
    callbacks = ProviderCallback.objects.filter(verification=it)
    Verification.objects.filter(pk=it.pk).update(callback=None)
    CallbackBody.objects.filter(callback__verification=it).delete()
    callbacks._raw_delete("default")
    it.name_uses.all()._raw_delete("default")
    Verification.objects.filter(pk=it.pk)._raw_delete("default")


def move_a_note_to_another() -> None:
    Note.objects.update(verification=Verification.objects.exclude(scan_ref="kept").last())


def put_a_removed_tag_back() -> None:
    assert Tag.objects.filter(removed_at__isnull=False).update(removed_at=None, removed_by=None)


def name_another_tag() -> None:
    assert Tag.objects.filter(removed_at__isnull=False).update(code="DOB")


def release_a_hold_in_anothers_name() -> None:
    Hold.objects.update(released_at=F("placed_at"), released_by=another(), release_reason="closed")


def change_a_status() -> None:
    Verification.objects.filter(scan_ref="kept").update(status="DENIED", suspected=False)


def settle_a_suspicion() -> None:
    assert Verification.objects.filter(suspected=True).update(suspected=False)


def forge_a_verification() -> None:
    it = the("kept")
    it.pk, it.scan_ref, it.callback = None, "forged", None
    it._state.adding = True
    it.save()


ROWS: dict[str, Callable[[], None]] = {
    "who disposed": lambda: change_of(Disposal, {"actor": another()}),
    "when it was disposed of": change(Disposal, disposed_at=F("disposed_at") - DAY),
    "why it was disposed of": change(Disposal, kind="retention", actor=None),
    "where it stood": change(Disposal, status="DENIED", suspected=False),
    "a disposal deleted": delete(Disposal),
    "a disposal forged": forge_a_disposal,
    "a disposal taken back": take_a_disposal_back,
    "a body is back": bring_a_body_back,
    "a data key is back": bring_a_key_back,
    "a name is back": bring_a_name_back,
    "a photo is back": bring_back(Photo, kind="FRONT"),
    "a tag is back": bring_back(Tag, kind="fraud", code="X"),
    "a hold is back": lambda: bring_back_of(Hold, {"reason": "audit", "placed_by": another()}),
    "a note is back": lambda: bring_back_of(
        Note, {"author": another(), "sealed": b"x", "request_key": uuid.uuid4()}
    ),
    "a hold deleted": delete(Hold),
    "who held": lambda: change_of(Hold, {"placed_by": another()}),
    "why it was held": change(Hold, reason="audit"),
    "when it was held": change(Hold, placed_at=F("placed_at") - DAY),
    "a hold released": release_a_hold_in_anothers_name,
    "a note deleted": delete(Note),
    "who wrote a note": lambda: change_of(Note, {"author": another()}),
    "when a note was written": change(Note, written_at=F("written_at") + DAY),
    "whose note": move_a_note_to_another,
    "a removed tag is back": put_a_removed_tag_back,
    "which tag was removed": name_another_tag,
    "a decision forged": forge_a_decision,
    "when it was decided": change(Decision, decided_at=F("decided_at") - DAY),
    "as what it was decided": change(Decision, role_name="Owner"),
    "from where it was decided": change(Decision, from_suspected=True),
    "a decision of no action": change(Decision, action="other"),
    "an undo undoes nothing": change(Decision, undoes=None),
    "all reasons deleted": delete(DecisionReason),
    "a status": change_a_status,
    "an open suspicion": settle_a_suspicion,
    "a revision": change(Verification, revision=9),
    "a verification forged": forge_a_verification,
    "a verification lost": lose_a_verification_and_all_its_rows,
    "a scan ref": lambda: change_of(Verification, {"scan_ref": F("id")}),
}


@pytest.fixture
def unchecked(log: list[str]) -> Iterator[None]:
    """Who may change the tables may lift what they check, as well as triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            for table, name in checks():
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def checks() -> Iterator[tuple[str, str]]:
    for model in apps.get_app_config("verifications").get_models():
        for it in model._meta.constraints:
            if isinstance(it, CheckConstraint):
                yield model._meta.db_table, it.name


def test_every_tampering_with_rows_is_found(log: list[str], unchecked: None) -> None:
    assert list(history.problems()) == []
    found = tried(ROWS, log)
    for name, problems in found.items():
        print(f"{name}: {problems[:1]}")
    assert [name for name, problems in found.items() if not problems] == []
    assert list(history.problems()) == []


def test_what_is_written_meanwhile_is_no_tampering(
    ada: User, approved: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, waiting = deeds.of_rows, [approved]

    def and_then_somebody_decides(keys: list[int]) -> deeds.Told:
        if waiting:
            decide(ada, waiting.pop(), Action.DENY, "UNDER_AGE")
        return read(keys)

    monkeypatch.setattr(deeds, "of_rows", and_then_somebody_decides)
    assert list(history.problems()) == []
    assert not waiting
