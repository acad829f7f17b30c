"""The end of a verification's data, and the hold that forbids it.

What stays: scan ref, standing and times; decisions with the codes of their reasons; the audit log;
that and why it was disposed of. Everything else is erased in one transaction, files after it.
"""

import getpass
import logging
import uuid
from datetime import timedelta
from functools import partial

from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Kind, Membership, Partner, User
from verifications import counters, lifecycle, lost_files, policy, vault
from verifications.models import (
    AttemptAnswer,
    CallbackBody,
    DecisionText,
    DeliveryBody,
    DeliveryState,
    Disposal,
    DisposalKind,
    LostFile,
    Outcome,
    Photo,
    ProviderCallback,
    Stage,
    Verification,
    WebhookAttempt,
)
from verifications.models.verification import ERASED
from verifications.models.verification_rows import ENDED_AT
from verifications.statuses import DISPOSED, Action

log = logging.getLogger(__name__)

# Where the time of the last rewriting is kept.
REWRITTEN = "database-rewritten"
# How long a body that told of no verification is kept for support to look at.
UNREAD_BODIES = timedelta(days=30)
PORTION = 500
REASONS = {
    DisposalKind.RETENTION: policy.LOOSE_ENDS,
    DisposalKind.PARTNER_REQUEST: (*policy.LOOSE_ENDS, policy.status_permits),
}


def dispose(
    membership: Membership,
    verification: Verification,
    *,
    seen_revision: int,
    request_key: uuid.UUID,
) -> Disposal:
    """By an Admin. Raises lifecycle.Refused (403), Stale (409) or Gone (404)."""
    with transaction.atomic():
        membership, _ = lifecycle.locked(membership, verification.scan_ref)
        verification = _with_loose_ends(verification.pk)
        if check := policy.standing_objection(membership, Action.DISPOSE, verification):
            raise lifecycle.Refused(check)
        if verification.revision != seen_revision:
            raise lifecycle.Stale
        if check := policy.objection(membership, Action.DISPOSE, verification):
            raise lifecycle.Refused(check)
        kind = DisposalKind.DASHBOARD
        return _dispose(verification, kind, actor=membership.user, request_key=request_key)


def was_made_by(actor: User, scan_ref: str, request_key: uuid.UUID) -> bool:
    """Whether this same request has done it before."""
    mine = Disposal.objects.filter(actor=actor, request_key=request_key)
    return mine.filter(verification__scan_ref=scan_ref).exists()


def dispose_on_request(partner: Partner, scan_ref: str) -> Disposal:
    """The partner asked us; the log names who ran the command on this machine.

    Raises Verification.DoesNotExist or lifecycle.Refused.
    """
    rows = Verification.objects.filter(partner=partner, disposed_at=None)
    key = rows.values_list("pk", flat=True).get(scan_ref=scan_ref)
    return _dispose_by_system(key, DisposalKind.PARTNER_REQUEST, operator=getpass.getuser())


def retire(most: int) -> bool:
    """Disposes of what has been kept long enough, oldest first; whether it should go on at once.

    Each is a transaction of its own: killed at any point, the next run goes on from there.
    """
    looked_at = done = 0
    for partner in Partner.objects.order_by("pk"):
        overdue = Verification.objects.overdue(partner, timezone.now())
        oldest = overdue.order_by(ENDED_AT, "pk").values_list("pk", flat=True)
        for key in list(oldest[: most - looked_at]):
            looked_at += 1
            done += _retire(key)
    return looked_at == most and done > 0


def _retire(key: int) -> bool:
    try:
        _dispose_by_system(key, DisposalKind.RETENTION)
    except (lifecycle.Refused, lifecycle.Gone):
        # Its partner is still being told, or somebody was quicker: the next run looks again.
        return False
    except IntegrityError:
        # One that the database refuses must not keep the others.
        log.exception("verification %s could not be disposed of", key)
        return False
    return True


def _dispose_by_system(key: int, kind: DisposalKind, operator: str = "") -> Disposal:
    with transaction.atomic():
        verification = _with_loose_ends(key)
        if check := policy.system_objection(verification, REASONS[kind]):
            raise lifecycle.Refused(check)
        return _dispose(verification, kind, actor=None, operator=operator)


def _with_loose_ends(key: int) -> Verification:
    """Locked, as the database has it now. Raises lifecycle.Gone."""
    # By itself: what stands beside a row that one waits for is as old as the wait.
    Verification.objects.select_for_update().get(pk=key)
    rows = Verification.objects.with_loose_ends().select_related("partner", "decision")
    verification = rows.get(pk=key)
    if verification.disposed_at:
        raise lifecycle.Gone
    return verification


def _dispose(
    verification: Verification,
    kind: DisposalKind,
    *,
    actor: User | None,
    request_key: uuid.UUID | None = None,
    operator: str = "",
) -> Disposal:
    disposal = Disposal.objects.create(
        verification=verification,
        partner=verification.partner,
        kind=kind,
        actor=actor,
        request_key=request_key,
        disposed_at=verification.now,
        submitted_at=verification.started_at,
        status=verification.status,
        suspected=verification.suspected,
        review_type=verification.review_type,
    )
    tags = list(verification.tags.standing())
    _erase(verification)
    facts: lifecycle.Facts = {"disposal": kind.value}
    if operator:
        facts["operator"] = operator
    lifecycle.move(
        verification,
        lifecycle.Move(
            to=DISPOSED,
            kind=Kind.DISPOSED,
            actor=actor,
            fields=ERASED | {"disposed_at": verification.now},
            facts=facts,
            counted=counters.tags(verification, tags, -1),
        ),
    )
    return disposal


def _erase(verification: Verification) -> None:
    """All that tells of the applicant, but for the verification's own row."""
    owner = vault.owner_of(verification.partner_id, verification.scan_ref)
    vault.erase(owner)
    # Bodies that name it and were not understood, or not applied yet, are sealed under its key too.
    unread = ProviderCallback.objects.filter(
        partner=verification.partner_id, verification=None, body__owner=owner.name
    )
    keys = list(unread.values_list("pk", flat=True))
    CallbackBody.objects.filter(callback__in=keys).delete()
    never_applied = ProviderCallback.objects.filter(pk__in=keys, stage=Stage.ACCEPTED)
    never_applied.update(outcome=Outcome.DISPOSED, verification=verification)
    # By their keys, looked up first: a delete through a join may read the whole table.
    told = list(verification.callbacks.values_list("pk", flat=True))
    CallbackBody.objects.filter(callback__in=told).delete()
    ProviderCallback.objects.filter(verification=verification).update(overall="")
    decided = list(verification.decisions.values_list("pk", flat=True))
    DecisionText.objects.filter(decision__in=decided).delete()
    # Locked, so that a try which ends at this moment does not keep its answer.
    deliveries = list(verification.deliveries.select_for_update().values_list("pk", flat=True))
    tries = list(
        WebhookAttempt.objects.filter(delivery__in=deliveries).values_list("pk", flat=True)
    )
    AttemptAnswer.objects.filter(attempt__in=tries).delete()
    DeliveryBody.objects.filter(delivery__in=deliveries).delete()
    # What waits for an endpoint that is off has nothing left to tell.
    waiting = verification.deliveries.filter(state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.GIVEN_UP, settled_at=Now(), claimed_until=None)
    verification.holds.all().delete()
    verification.notes.all().delete()
    verification.tags.all().delete()
    _erase_photos(verification)


def erase_unread_bodies() -> None:
    """Bodies that never told of a verification, once support has had its time for them."""
    since = timezone.now() - UNREAD_BODIES
    old = ProviderCallback.objects.filter(verification=None, received_at__lt=since)
    old = old.exclude(stage=Stage.ACCEPTED, outcome=Outcome.WAITING)
    bodies = CallbackBody.objects.filter(callback__in=old).select_related("callback")
    for body in bodies[:PORTION]:
        with transaction.atomic():
            vault.erase(vault.owner_of_unread(body.callback))
            body.delete()


def empty_write_ahead_log() -> None:
    """SQLite overwrites what is deleted, but keeps it in this file until the file is cut."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rewrite_database() -> None:
    """SQLite leaves copies of rows between those of a page: after disposals, all is written anew.

    Writers wait meanwhile. PostgreSQL needs no such thing: its autovacuum never rests.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    began, last = timezone.now(), cache.get(REWRITTEN)
    since = Disposal.objects.filter(disposed_at__gte=last) if last else Disposal.objects.all()
    if since.exists():
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
        empty_write_ahead_log()
        cache.set(REWRITTEN, began, timeout=None)


def _erase_photos(verification: Verification) -> None:
    photos = list(verification.photos.select_for_update())
    names = [photo.file_name for photo in photos if photo.file_name]
    LostFile.objects.bulk_create([LostFile(name=name) for name in names], ignore_conflicts=True)
    Photo.objects.filter(pk__in=[photo.pk for photo in photos]).delete()
    transaction.on_commit(partial(lost_files.erase, names), robust=True)
