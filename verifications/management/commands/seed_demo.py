"""The demo, whole or not at all: one transaction, through the doors that everything else uses."""

import os
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Partner, User
from verifications import decisions, disposal, holds, vault
from verifications.callbacks import intake
from verifications.demo import bodies, choices, history, people, specimens
from verifications.demo.bodies import Attempt
from verifications.models import (
    HoldReason,
    Photo,
    PhotoState,
    RejectionReason,
    Verification,
)
from verifications.statuses import Status

# Between the end of a session and the provider's call.
ON_THE_WAY = timedelta(seconds=2)
PORTION = 200
DISPOSED = 4
# What drawing a photo settles.
DRAWN = [
    "state",
    "sealed_source",
    "content_type",
    "file_name",
    "width",
    "height",
    "due_at",
    "fetched_at",
]


class Command(BaseCommand):
    help = "Fills an empty database with the demo: partners, people, a thousand verifications."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Write nothing; only let the demo's endpoint follow a new PORT.",
        )

    def handle(self, *, follow: bool = False, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is written only where DEMO=1 is set.")
        port = int(os.environ.get("PORT") or 8000)
        if follow:
            people.follow(port)
            return
        if people.have_come():
            self.stdout.write("The demo is there already: nothing was changed.")
            return
        if Partner.objects.exists() or User.objects.exists():
            raise CommandError("This database is in use: the demo belongs into an empty one.")
        with transaction.atomic():
            _write()
        self.stdout.write(
            f"The demo stands: {Verification.objects.count()} verifications of "
            f"{Partner.objects.count()} partners."
        )


def _write() -> None:
    partners = people.settle()
    now = timezone.now().replace(microsecond=0)
    for key, partner in partners.items():
        attempts = history.attempts(key, now)
        for attempt in attempts:
            _receive(partner, attempt)
        for choice in choices.choices(attempts):
            _decide(partner, choice)
        _draw_photos(partner, attempts)
        if key == "northbank":
            _end_some(partner)
    # Last: what is history by now is not sent.
    people.listen(partners["northbank"], int(os.environ.get("PORT") or 8000))


def _end_some(partner: Partner) -> None:
    """The oldest are disposed of, by an Admin and on the partner's request; one is kept on hold."""
    ada = Membership.objects.select_related("user").get(
        partner=partner, user__email="ada@northbank.example"
    )
    undecided = Verification.objects.filter(partner=partner, decision=None)
    ended = undecided.filter(status__in=(Status.APPROVED, Status.DENIED, Status.EXPIRED))
    oldest = list(ended.order_by("started_at")[: DISPOSED + 1])
    holds.place(ada, oldest.pop(), HoldReason.DISPUTE, "2026/17")
    for place, verification in enumerate(oldest):
        if place % 2:
            disposal.dispose_on_request(partner, verification.scan_ref)
            continue
        key = uuid.uuid5(bodies.NAMESPACE, f"disposal {verification.scan_ref}")
        seen = verification.revision
        disposal.dispose(ada, verification, seen_revision=seen, request_key=key)


def _receive(partner: Partner, attempt: Attempt) -> None:
    received_at = attempt.finished_at + ON_THE_WAY
    receipt = intake.receive(partner, attempt.event, bodies.raw(attempt), received_at=received_at)
    if receipt.is_repeated or receipt.callback.verification is None:
        raise CommandError(f"{attempt.scan_ref} did not come in: {receipt.callback.problem}")


def _decide(partner: Partner, choice: choices.Choice) -> None:
    membership = Membership.objects.get(partner=partner, user__email=choice.actor)
    verification = Verification.objects.get(partner=partner, scan_ref=choice.attempt.scan_ref)
    offered = {reason.code: reason for reason in RejectionReason.objects.offered_to(partner)}
    decisions.decide(
        membership,
        choice.attempt.scan_ref,
        decisions.Intent(
            action=choice.action,
            seen_revision=verification.revision,
            request_key=uuid.uuid5(bodies.NAMESPACE, f"decision {verification.scan_ref}"),
            reasons=[offered[code] for code in choice.reasons],
            message_to_applicant=choice.message_to_applicant,
            internal_note=choice.internal_note,
        ),
    )


def _draw_photos(partner: Partner, attempts: list[Attempt]) -> None:
    by_scan_ref = {attempt.scan_ref: attempt for attempt in attempts}
    rows = Photo.objects.filter(verification__partner=partner, kind__in=bodies.KINDS)
    photos = list(rows.select_related("verification"))
    # In portions: a server ends transactions in which nothing is asked for many seconds.
    for first in range(0, len(photos), PORTION):
        portion = photos[first : first + PORTION]
        for photo in portion:
            _draw(photo, by_scan_ref[photo.verification.scan_ref])
        # Written over the rows that the intake made.
        Photo.objects.bulk_create(
            portion, update_conflicts=True, unique_fields=["id"], update_fields=DRAWN
        )


def _draw(photo: Photo, attempt: Attempt) -> None:
    verification = photo.verification
    drawn = specimens.draw(photo.kind, attempt, verification.document_type)
    name = uuid.uuid5(bodies.NAMESPACE, f"{photo.kind} {verification.scan_ref}").hex
    folder = storages["photos"]
    sealed = ContentFile(vault.sealed(photo, drawn.raw, "file"))
    photo.file_name = folder.save(f"{verification.partner_id}/{name}.sealed", sealed)
    photo.sealed_source = b""
    photo.state, photo.content_type = PhotoState.STORED, specimens.CONTENT_TYPE
    photo.width, photo.height = drawn.width, drawn.height
    photo.due_at, photo.fetched_at = None, attempt.finished_at
