"""Whoever can write the database may change anything; each change is found."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit, checkpoints, guards, proof
from accounts.models import (
    FIRST,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    Kind,
    Partner,
    User,
)
from tests import factories
from tests.verifications import ends
from tests.verifications.test_decisions import decide, undo
from verifications import history, holds, notes, tags
from verifications.models import (
    Decision,
    DecisionReason,
    ReasonGroup,
    RejectionReason,
    ReleaseReason,
    Verification,
)
from verifications.statuses import Action

Receive = Callable[..., Verification]
pytestmark = pytest.mark.django_db


def problems(copies: list[str] | None = None) -> list[str]:
    return [*proof.verify(copies or []).problems, *history.problems()]


@pytest.fixture
def log(ada: User, receive: Receive, settings: LazySettings, tmp_path: Path) -> list[str]:
    """Some decisions, an undo, two checkpoints, holds, notes and a removed tag, and of one that was
    disposed of no more than the log; gives the copies that left the machine.
    """
    settings.AUDIT_CHECKPOINT_FILE = str(tmp_path / "copies")
    admin = factories.membership(ada)
    gone, kept = (receive("07", scanRef=name) for name in ("gone", "kept"))
    for it in (gone, kept):
        ends.hold(ada, it)
        notes.write(admin, it, text="A note.", request_key=uuid.uuid4())
        tag = it.tags.standing().earliest("pk")
        tags.remove(admin, it, tag.pk, seen_revision=it.revision)
    holds.release(admin, gone, ReleaseReason.CLOSED)
    ends.dispose(ada, gone)
    first, second, third = receive("01"), receive("03"), receive("07")
    decide(ada, first, Action.DENY, "UNDER_AGE")
    later = timezone.now() + timedelta(minutes=2)
    one = checkpoints.make(later)
    decide(ada, second, Action.APPROVE)
    made = decide(ada, third, Action.DENY, "DOC_FAKE", "FAKE_FACE")
    undo(ada, third, made)
    two = checkpoints.make(later)
    assert one
    assert two
    assert problems([checkpoints.line(one), checkpoints.line(two)]) == []
    # What waits for the commit must be through before a table may change; the test's own rollback
    # brings the guards back.
    connection.check_constraints()
    guards.lift(connection)
    return [checkpoints.line(one), checkpoints.line(two)]


def found_without_guards(copies: list[str]) -> list[str]:
    return [one for one in problems(copies) if not one.startswith("guard ")]


def entry(kind: Kind = Kind.DENIED) -> AuditEntry:
    return AuditEntry.objects.filter(kind=kind).earliest("pk")


def rewrite(stream: str, changed: Callable[[dict], None]) -> None:
    """A careful forger: every digest and the head of the stream are made right again."""
    prev = FIRST
    for seq, row in enumerate(AuditEntry.objects.filter(stream=stream).order_by("seq"), 1):
        told = json.loads(row.body)
        changed(told)
        told["prev"], told["seq"] = prev, seq
        body = audit.canonical(told)
        prev = audit.digest_of(body)
        AuditEntry.objects.filter(pk=row.pk).update(
            body=body, digest=prev, prev=told["prev"], seq=seq, actor=told["actor"]
        )
    AuditHead.objects.filter(stream=stream).update(digest=prev)


def edit_a_text() -> None:
    row = entry()
    AuditEntry.objects.filter(pk=row.pk).update(body=row.body.replace("UNDER_AGE", "OVER_AGE"))


def edit_a_text_and_its_digest() -> None:
    row = entry()
    body = row.body.replace("UNDER_AGE", "OVER_AGE")
    AuditEntry.objects.filter(pk=row.pk).update(body=body, digest=audit.digest_of(body))


def edit_the_last_text_its_digest_and_the_head() -> None:
    row = AuditEntry.objects.filter(stream=entry().stream).latest("seq")
    body = row.body.replace("UNDER_AGE", "OVER_AGE")
    digest = audit.digest_of(body)
    AuditEntry.objects.filter(pk=row.pk).update(body=body, digest=digest)
    AuditHead.objects.filter(stream=row.stream).update(digest=digest)


def name_another_actor() -> None:
    AuditEntry.objects.filter(pk=entry().pk).update(actor=99)


def name_another_kind() -> None:
    AuditEntry.objects.filter(pk=entry().pk).update(kind=Kind.APPROVED)


def name_another_time() -> None:
    AuditEntry.objects.filter(pk=entry().pk).update(at=timezone.now() - timedelta(days=9))


def name_another_subject() -> None:
    AuditEntry.objects.filter(pk=entry().pk).update(subject="verification:other")


def name_another_partner() -> None:
    AuditEntry.objects.filter(pk=entry().pk).update(partner=None)


def delete_a_first_entry() -> None:
    AuditEntry.objects.filter(stream=entry().stream, seq=1)._raw_delete("default")


def delete_a_middle_entry() -> None:
    stream = entry(Kind.UNDONE).stream
    AuditEntry.objects.filter(stream=stream, seq=2)._raw_delete("default")


def delete_a_last_entry() -> None:
    AuditEntry.objects.filter(pk=entry().pk)._raw_delete("default")


def delete_a_last_entry_and_mend_the_head() -> None:
    row = entry()
    AuditEntry.objects.filter(pk=row.pk)._raw_delete("default")
    AuditHead.objects.filter(stream=row.stream).update(seq=row.seq - 1, digest=row.prev)


def delete_a_stream() -> None:
    AuditEntry.objects.filter(stream=entry().stream)._raw_delete("default")


def delete_a_stream_and_its_head() -> None:
    stream = entry().stream
    AuditEntry.objects.filter(stream=stream)._raw_delete("default")
    AuditHead.objects.filter(stream=stream).delete()


def swap_two_entries() -> None:
    one, two = AuditEntry.objects.filter(stream=entry().stream).order_by("seq")
    AuditEntry.objects.filter(pk=one.pk).update(seq=100)
    AuditEntry.objects.filter(pk=two.pk).update(seq=1)
    AuditEntry.objects.filter(pk=one.pk).update(seq=2)


def rewrite_a_stream_with_all_its_digests() -> None:
    rewrite(entry().stream, lambda told: told.update(actor=99))


def slip_a_stream_in_below_a_checkpoint() -> None:
    row = audit.record(
        Kind.VIEWED, actor=None, partner=None, subject="verification:x", stream="w/99"
    )
    AuditEntry.objects.filter(pk=row.pk).update(id=-1)
    AuditCheckpoint.objects.filter(number=1).update(count=1000)


def change_a_head() -> None:
    AuditHead.objects.filter(stream=entry().stream).update(digest="f" * 64)


def delete_a_checkpoint() -> None:
    AuditCheckpoint.objects.filter(number=1)._raw_delete("default")


def delete_the_last_checkpoint() -> None:
    AuditCheckpoint.objects.filter(number=2)._raw_delete("default")


def change_a_checkpoint() -> None:
    AuditCheckpoint.objects.filter(number=1).update(digest="f" * 64)


def sign_a_checkpoint_with_another_key() -> None:
    checkpoint = AuditCheckpoint.objects.get(number=2)
    forged = Ed25519PrivateKey.generate().sign(checkpoints.note(checkpoint)).hex()
    AuditCheckpoint.objects.filter(number=2).update(signature=forged)


def delete_everything() -> None:
    for model in (AuditEntry, AuditHead, AuditCheckpoint):
        model.objects.all()._raw_delete("default")


def rewrite_everything_and_sign_it_again() -> None:
    """The forger holds the key too: only the copies outside tell."""
    rewrite(entry(Kind.UNDONE).stream, lambda told: told.update(actor=99))
    AuditCheckpoint.objects.all()._raw_delete("default")
    checkpoints.make(timezone.now() + timedelta(minutes=2))


def change_a_decision() -> None:
    Decision.objects.filter(action=Action.DENY).update(
        actor=User.objects.create_user("x@y.example")
    )


def delete_a_decision() -> None:
    DecisionReason.objects.all()._raw_delete("default")


def change_the_reason_of_a_decision() -> None:
    DecisionReason.objects.filter(code="UNDER_AGE").update(code="OVER_AGE")


TAMPERINGS = [
    edit_a_text,
    edit_a_text_and_its_digest,
    edit_the_last_text_its_digest_and_the_head,
    name_another_actor,
    name_another_kind,
    name_another_time,
    name_another_subject,
    name_another_partner,
    delete_a_first_entry,
    delete_a_middle_entry,
    delete_a_last_entry,
    delete_a_last_entry_and_mend_the_head,
    delete_a_stream,
    delete_a_stream_and_its_head,
    swap_two_entries,
    rewrite_a_stream_with_all_its_digests,
    slip_a_stream_in_below_a_checkpoint,
    change_a_head,
    delete_a_checkpoint,
    delete_the_last_checkpoint,
    change_a_checkpoint,
    sign_a_checkpoint_with_another_key,
    delete_everything,
    rewrite_everything_and_sign_it_again,
    change_a_decision,
    delete_a_decision,
    change_the_reason_of_a_decision,
]


def tried(tamperings: dict[str, Callable[[], None]], copies: list[str]) -> dict[str, list[str]]:
    """What is found of each, on the same log: taken back before the next one."""
    found = {}
    for name, tamper in tamperings.items():
        with transaction.atomic():
            tamper()
            found[name] = found_without_guards(copies)
            transaction.set_rollback(True)
    return found


def test_every_tampering_is_found(log: list[str]) -> None:
    assert found_without_guards(log) == []
    found = tried({tamper.__name__: tamper for tamper in TAMPERINGS}, log)
    assert len(found) == 27
    assert [name for name, problems in found.items() if not problems] == []
    assert found_without_guards(log) == []


def test_an_entry_of_meanwhile_is_no_tampering(ada: User, approved: Verification) -> None:
    waiting = [approved]

    def and_then_somebody_decides(execute: Callable, sql: str, *more: Any) -> Any:
        if waiting and '"accounts_auditentry"."body"' in sql:
            decide(ada, waiting.pop(), Action.DENY, "UNDER_AGE")
        return execute(sql, *more)

    with connection.execute_wrapper(and_then_somebody_decides):
        assert proof.verify().holds
    assert not waiting


def test_a_guard_that_was_taken_away_is_found(log: list[str]) -> None:
    assert any(problem.startswith("guard ") for problem in problems(log))


def test_an_intact_log_is_said_to_be_intact(
    ada: User, approved: Verification, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    call_command("verify_audit")
    assert "Intact." in capsys.readouterr().out


def test_a_tampered_log_ends_the_command_with_one(log: list[str]) -> None:
    edit_a_text()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1


def test_a_checkpoint_leaves_unsettled_entries_to_the_next(approved: Verification) -> None:
    assert checkpoints.make() is None
    checkpoint = checkpoints.make(timezone.now() + timedelta(minutes=2))
    assert checkpoint
    assert checkpoint.count == AuditEntry.objects.count()
    assert checkpoints.make(timezone.now() + timedelta(minutes=4)) is None


def test_who_saw_lists_each_look(
    ada: User, approved: Verification, as_user: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(ada).get(f"/verifications/{approved.scan_ref}/")
    call_command("who_saw", approved.scan_ref)
    assert "Ada Lind" in capsys.readouterr().out


def test_show_audit_tells_the_story(
    ada: User, approved: Verification, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(ada, approved, Action.DENY, "UNDER_AGE")
    call_command("show_audit", approved.scan_ref)
    told = capsys.readouterr().out
    assert "Denied  by Ada Lind  from: Approved; to: Denied; reasons: The applicant" in told
    assert approved.name not in told


def test_show_audit_has_each_partner_s_own_words(
    ada: User,
    southpay: Partner,
    approved: Verification,
    receive: Receive,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two partners may have the same scan ref."""
    theirs = receive("01", partner=southpay)
    assert theirs.scan_ref == approved.scan_ref
    own = {approved.partner: "Too young for us", southpay: "Too young for them"}
    for partner, label in own.items():
        RejectionReason.objects.create(
            partner=partner, code="UNDER_AGE", label=label, group=ReasonGroup.OTHER, order=1
        )
    for it in (approved, theirs):
        audit.record(
            Kind.DENIED,
            actor=ada,
            partner=it.partner,
            subject=it.audit_subject,
            stream=it.audit_stream,
            reasons=["UNDER_AGE"],
        )
    call_command("show_audit", approved.scan_ref)
    told = capsys.readouterr().out
    assert all(label in told for label in own.values())
